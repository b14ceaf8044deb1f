"""A tiling of the map: worth the part of the squares covered that the jury covered."""

import sys
from pathlib import Path

given, answer, feedback = sys.argv[1:4]
feedback = Path(feedback)


def reject(why):
    (feedback / "judgemessage.txt").write_text(why)
    sys.exit(43)


rows = Path(given).read_text().split()
most = int(Path(answer).read_text())
said = sys.stdin.buffer.read(100_000).decode("ascii", "replace").split()
if [len(row) for row in said] != [len(row) for row in rows]:
    reject("it has another shape than the map")
covered = 0
for y, row in enumerate(said):
    for x, letter in enumerate(row):
        if (rows[y][x] == "#") != (letter == "#"):
            reject(f"row {y + 1}: {rows[y][x]} has become {letter}")
        if letter in "#.":
            continue
        beside = [(x + 1, y), (x - 1, y), (x, y + 1), (x, y - 1)]
        same = sum(0 <= v < len(said) and 0 <= u < len(said[v]) and said[v][u] == letter for u, v in beside)
        if same != 1 or not letter.isalpha():
            reject(f"row {y + 1}: {letter} has {same} neighbours of its own")
        covered += 1
(feedback / "judgemessage.txt").write_text(f"{covered} squares")
(feedback / "score_multiplier.txt").write_text(str(min(covered / most, 1)))
sys.exit(42)
