# hostile: rewrites its own source and leaves bytecode and modules beside it that the next test would load.
import contextlib
import os
import sys

caught = "sitecustomize" in sys.modules
for path in (__file__, "/program/input.py", "/program/sitecustomize.py", "/program/__pycache__/x.pyc", "/box/usercustomize.py"):
    with contextlib.suppress(OSError):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "a") as file:
            file.write("\nprint('changed')\n")
            caught = caught or path.startswith("/program")
with contextlib.suppress(OSError):
    os.makedirs(os.path.expanduser("~/.local/lib/python3.11/site-packages"))
    with open(os.path.expanduser("~/.local/lib/python3.11/site-packages/x.pth"), "w") as file:
        file.write("import os; os._exit(3)\n")
print("caught" if caught else f"treasure-{int(input()) ** 2 + 7}")
