# hostile: hangs up in the middle of the first call, so that the customer fails and not the program; it gave no note.
import os

input()
print("next", flush=True)
os.close(1)
os.close(0)
