# hostile: ends the process before the driver has compared or printed anything; nothing is compared in this process.
import os

print("Good morning, everybody.", flush=True)
os._exit(0)
