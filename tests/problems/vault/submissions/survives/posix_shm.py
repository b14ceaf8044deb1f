# hostile: named shared memory, semaphores and pipes, which lie in a file system of their own; that is new each time.
import os
from multiprocessing import resource_tracker, shared_memory

k = int(input())
try:
    old = shared_memory.SharedMemory("vault-left-behind")
    print("caught", bytes(old.buf[:4]))
except (FileNotFoundError, PermissionError, OSError):
    print(f"treasure-{k * k + 7}")
try:
    new = shared_memory.SharedMemory("vault-left-behind", create=True, size=4096)
    resource_tracker.unregister("/vault-left-behind", "shared_memory")
    new.buf[:4] = b"here"
    os.mkfifo("/dev/shm/fifo")
except OSError:
    pass
os._exit(0) if not os.sys.stdout.flush() else None
