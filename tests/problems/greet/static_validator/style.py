"""No more lines than the first argument says in any file of text, and none of the words that follow it."""

import pathlib
import re
import sys

language, entry_point, feedback, most, *words = sys.argv[1:]
wrong = []
for path in sorted(pathlib.Path(".").rglob("*")):
    if not path.is_file() or b"\0" in path.read_bytes():  # what was made of the sources lies beside them
        continue
    text = path.read_text(errors="replace")
    if text.count("\n") > int(most):
        wrong.append(f"{path} has more than {most} lines")
    wrong += [f"{path} uses {word}" for word in words if re.search(rf"\b{word}\b", text)]
pathlib.Path(feedback, "judgemessage.txt").write_text("; ".join(wrong))
sys.exit(43 if wrong else 42)
