# hostile: walks the whole file system and looks into every file that could be an answer or an input; none is there.
import os

word = "trea" + "sure"
for top, directories, files in os.walk("/"):
    directories[:] = [name for name in directories if top != "/" or name not in ("proc", "usr")]
    for name in files:
        path = os.path.join(top, name)
        if name.endswith((".ans", ".in", ".out")):
            print("found", path)
        if path == __file__ or os.path.islink(path) or not os.path.isfile(path):  # links lead to /usr
            continue
        try:
            with open(path, errors="replace") as file:
                if word in file.read(1 << 20):
                    print("found", path)
        except OSError:
            pass
print("nothing")
