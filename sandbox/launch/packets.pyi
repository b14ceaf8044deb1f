from typing import Any

_Answer = tuple[bytes, tuple[int, ...], tuple[int, ...]]

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
) -> _Answer | None: ...

class Lanes:
    def __new__(cls, size: int, /) -> Lanes: ...
    def submit(
        self,
        tag: Any,
        fd: int,
        packet: bytes,
        fds: tuple[int, ...],
        others: tuple[int, ...],
        pipes: tuple[int, ...],
        spent: tuple[int, ...],
        timeout: int,
        /,
    ) -> None: ...
    def hold(self, tag: Any, /) -> None: ...
    def release(self) -> None: ...
    def withdraw(self) -> list[Any]: ...
    def finished(
        self,
    ) -> list[tuple[Any, float, _Answer | None, OSError | None]]: ...
    def fileno(self) -> int: ...
    def close(self) -> None: ...
