import os

os._exit(42)  # in place of the module that Python brings
