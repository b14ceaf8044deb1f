import re
import sys

guests = sys.stdin.read()
ok = re.fullmatch(r"([A-Za-z]{1,{{longest}}} \d+\n)*", guests)
sys.exit(42 if ok and all(int(hour) < 24 for hour in re.findall(r"\d+", guests)) else 43)
