def send(fd: int, packet: bytes, fds: tuple[int, ...], /) -> None: ...
def receive(fd: int, /) -> tuple[bytes, tuple[int, ...]]: ...
def exchange(
    fd: int,
    packet: bytes,
    fds: tuple[int, ...],
    others: tuple[int, ...],
    pipes: tuple[int, ...],
    spent: tuple[int, ...],
    timeout: int,
    /,
) -> tuple[bytes, tuple[int, ...], tuple[int, ...]] | None: ...
