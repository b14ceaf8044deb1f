# hostile: ends by the signals of limits, to be taken for too slow or too large instead of wrong; what it used is known.
import os
import signal

os.kill(os.getpid(), signal.SIGXCPU if int(input()) % 2 else signal.SIGKILL)
