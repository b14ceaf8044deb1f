import re
import sys

sys.exit(42 if re.fullmatch(r"send [a-z]{1,50}\n", sys.stdin.read()) else 43)
