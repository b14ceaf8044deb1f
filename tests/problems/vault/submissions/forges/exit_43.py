# hostile: every code that means something to somebody, one for each test; of a submission each is a failure.
import os

os._exit([42, 43, 137, 124, 1, 255, 7, 2][int(input()) % 8])
