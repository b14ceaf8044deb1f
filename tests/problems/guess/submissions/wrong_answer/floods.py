# hostile: floods the validator, so that it blocks or runs out of memory; pipes are bounded, and it ends by itself.
import os

try:
    while True:
        os.write(1, b"500\n" * 16384)
except BrokenPipeError:
    pass
