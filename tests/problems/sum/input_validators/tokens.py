"""Two integers, in decimal, and nothing else."""

import re
import sys

sys.exit(42 if re.fullmatch(rb"-?\d+[ \n]-?\d+\n", sys.stdin.buffer.read()) else 43)
