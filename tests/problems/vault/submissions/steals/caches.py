# hostile: looks for the judge's cache of programs and for other submissions beside its own; only its own is there.
import os

for place in ("/program", "/program/..", "/var/cache/sandbox", "/root/.cache/sandbox", "/var/tmp"):
    if os.path.isdir(place):
        names = set(os.listdir(place)) - {"main.py", "__pycache__"}
        for name in names:
            if name.endswith((".json", ".py", ".ans")) or len(name) > 30:
                print("found", place, name)
print("nothing")
