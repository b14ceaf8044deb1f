import re
import sys

sys.exit(42 if re.fullmatch(r"hide (0|[1-9]\d{0,3})\n", sys.stdin.read()) else 43)
