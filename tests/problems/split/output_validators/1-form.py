"""The first of two: whether there is a line with two integers. What they are is the other one's concern."""

import re
import sys
from pathlib import Path

said = sys.stdin.buffer.read(1000)
good = re.fullmatch(rb"\s*[0-9]{1,10}[ ]+[0-9]{1,10}\s*", said)
if not good:
    Path(sys.argv[3], "judgemessage.txt").write_text("this is not a line with two numbers")
    Path(sys.argv[3], "teammessage.txt").write_text("Print two numbers on a line.")
sys.exit(42 if good else 43)
