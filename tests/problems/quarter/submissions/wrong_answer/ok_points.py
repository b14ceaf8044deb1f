# hostile: prints what a checker prints, on both streams, and ends as if it were one; its code is no checker's.
import sys

print("points 100 ok")
print("points 100 ok", file=sys.stderr)
