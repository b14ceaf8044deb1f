"""Three passes: what is sent, what is understood of it with signs lost, and what is understood without."""

import re
import sys
from pathlib import Path

given, answer, feedback = sys.argv[1:4]
feedback = Path(feedback)
word = Path(answer).read_text().strip()
said = sys.stdin.read(100_000).split()
passed = feedback / "pass.txt"
number = int(passed.read_text()) + 1 if passed.exists() else 1
passed.write_text(str(number))
message = feedback / "judgemessage.txt"


def reject(why):
    message.write_text(f"pass {number}: {why}")
    sys.exit(43)


if len(said) != 1:
    reject(f"{len(said)} words")
if number == 1:
    if not re.fullmatch("[a-z]{1,200}", said[0]):
        reject("more or other signs than can be sent")
    lost = "".join("?" if at % 3 == 1 else sign for at, sign in enumerate(said[0]))
    (feedback / "sent.txt").write_text(said[0])
    (feedback / "nextpass.in").write_text(f"receive {lost}\n")
elif said[0] != word:
    reject(f"{said[0][:60]!r} was understood")
elif number == 2:
    (feedback / "nextpass.in").write_text(f"receive {(feedback / 'sent.txt').read_text()}\n")
else:
    message.write_text("both were understood")
sys.exit(42)
