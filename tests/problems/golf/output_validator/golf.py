"""Evaluates an expression; the score is a thousand less its length. `--no-score` if it is not to give one."""

import re
import sys
from pathlib import Path

given, answer, feedback, *flags = sys.argv[1:]
feedback = Path(feedback)


def reject(why):
    (feedback / "judgemessage.txt").write_text(why)
    (feedback / "teammessage.txt").write_text("Use 1, +, * and brackets.")
    sys.exit(43)


def value(text):
    """The value of a sum of products; without eval(), as whoever wrote the text is not to be trusted."""
    at, total = 0, 0
    while True:
        product = 1
        while True:
            if ones := re.compile("1+").match(text, at):
                if len(ones[0]) > 6:
                    reject("a number of more than six digits")
                product, at = product * int(ones[0]), ones.end()
            elif text[at : at + 1] == "(":
                depth, end = 1, at + 1
                while depth and end < len(text):
                    depth += {"(": 1, ")": -1}.get(text[end], 0)
                    end += 1
                if depth:
                    reject("a bracket is not closed")
                product, at = product * value(text[at + 1 : end - 1]), end
            else:
                reject(f"at {at}: {text[at : at + 1]!r}")
            if product > 10**9 or text[at : at + 1] != "*":
                break
            at += 1
        total += product
        if at == len(text):
            return total
        if text[at] != "+" or total > 10**9:
            reject(f"at {at}: {text[at : at + 1]!r}")
        at += 1


said = sys.stdin.read(10_000).strip()
wanted = int(Path(given).read_text())
sys.setrecursionlimit(20_000)
found = value(said)
if found != wanted:
    reject(f"the value is {found}")
(feedback / "judgemessage.txt").write_text(f"{len(said)} characters")
if "--no-score" not in flags:
    (feedback / "score.txt").write_text(f"{max(1000 - len(said), 0)}\n")
sys.exit(42)
