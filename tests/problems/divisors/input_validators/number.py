import argparse
import re
import sys

parser = argparse.ArgumentParser()
parser.add_argument("--most", type=int, default=10**12)
text = sys.stdin.read()
ok = re.fullmatch(r"[1-9]\d{0,12}\n", text)
sys.exit(42 if ok and int(text) <= parser.parse_args().most else 43)
