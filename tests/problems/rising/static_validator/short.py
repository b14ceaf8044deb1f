"""All points up to the number of lines in the argument, half of them up to twice as many."""

import sys
from pathlib import Path

language, entry_point, feedback, most = sys.argv[1:]
lines = Path(entry_point).read_text().count("\n")
(Path(feedback) / "judgemessage.txt").write_text(f"{lines} lines of {language}")
if lines > 2 * int(most):
    sys.exit(43)
(Path(feedback) / "score_multiplier.txt").write_text("1.0" if lines <= int(most) else "0.5")
sys.exit(42)
