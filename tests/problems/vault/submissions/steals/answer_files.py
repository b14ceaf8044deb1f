# hostile: opens answers by the names and places that judges give them; there is no file of the jury's in its box.
import glob
import os

places = ["/box", "/tmp", ".", "..", "../..", "/data/secret", "/testdata", "/problem", "/judge", os.path.dirname(__file__)]
names = ["test.ans", "test.in", "test.out", "answer", "output", "1.ans", "expected_output", "*.ans", "secret/*.ans", "*/*.ans"]
for place in places:
    for name in names:
        for path in glob.glob(f"{place}/{name}"):
            print(path, open(path, errors="replace").read(1000))
