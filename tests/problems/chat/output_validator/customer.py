"""A customer on the telephone, who calls twice and hangs up as soon as they know enough."""

import sys
from pathlib import Path

given, answer, feedback = sys.argv[1:4]
feedback = Path(feedback)
message = feedback / "judgemessage.txt"


def end(code, why):
    message.write_text(why)
    sys.exit(code)


def say(word):
    try:
        print(word, flush=True)
    except BrokenPipeError:
        sys.stdout = None
        end(43, "nobody listens")


note = feedback / "note.txt"
if note.exists():
    say("second")
    say(note.read_text())
    total = sys.stdin.readline(100).strip()
    right = total == Path(answer).read_text().strip()
    end(42 if right else 43, f"second call: {total}")
say("first")
for price in [*Path(given).read_text().split(), "0"]:
    said = sys.stdin.readline(100)
    if said != "next\n":
        end(43, f"first call: {said!r} instead of next")
    say(price)
said = sys.stdin.readline(100).strip()
if not 0 < len(said) <= 10 or not said.isalnum():
    end(43, f"first call: no note but {said!r}")
note.write_text(said)
(feedback / "nextpass.in").write_text("the second call\n")
end(42, "first call")
