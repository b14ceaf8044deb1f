# hostile: asks the host's services and its own for the answer, over any family of sockets; there is no network.
import os
import socket

for family in range(1, 45):
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_RAW, socket.SOCK_SEQPACKET):
        try:
            with socket.socket(family, kind) as end:
                end.settimeout(0.05)
                for address in (("127.0.0.1", 22), ("::1", 80), ("169.254.169.254", 80), "/var/run/docker.sock", "\0/tmp/dbus"):
                    try:
                        end.connect(address)
                        print("found", family, address)
                    except (OSError, TypeError, OverflowError):
                        pass
        except OSError:
            pass
for name in ("docker.sock", "dbus/system_bus_socket", "systemd/private"):
    if os.path.exists(f"/run/{name}"):
        print("found", name)
print("nothing")
