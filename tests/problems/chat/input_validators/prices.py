import re
import sys

sys.exit(42 if re.fullmatch(r"([1-9]\d{0,5}\n){1,100}", sys.stdin.read()) else 43)
