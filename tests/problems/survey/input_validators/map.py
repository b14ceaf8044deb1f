import re
import sys

text = sys.stdin.read()
rows = text.split("\n")[:-1]
sys.exit(42 if re.fullmatch(r"([.#]{1,40}\n){1,40}", text) and len({len(row) for row in rows}) == 1 else 43)
