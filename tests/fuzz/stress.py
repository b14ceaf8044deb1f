"""A storm on lanes: many exchanges, of which some are answered late, or never, or withdrawn. For test_lanes.py, which
has them built with a sanitizer; the argument is the module.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import random
import select
import socket
import sys
import threading
import time
from typing import Any

ROUNDS, EXCHANGES, ENDS = 6, 300, 20
NOBODY = -1


def load(path: str) -> Any:
    """The module that was built there."""
    spec = importlib.util.spec_from_file_location("packets", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Answering:
    """Whoever answers at the other ends, nine times of ten, with a descriptor."""

    def __init__(self, ends: list[socket.socket]) -> None:
        self._ends = {end.fileno(): end for end in ends}
        self._ended = False
        self._thread = threading.Thread(target=self._answer)
        self._thread.start()

    def _answer(self) -> None:
        poll = select.poll()
        for fd in self._ends:
            poll.register(fd, select.POLLIN)
        while not self._ended:
            for fd, _ in poll.poll(20):
                if self._ends[fd].recv(9) and random.random() < 0.9:
                    with open(os.devnull) as null:
                        socket.send_fds(self._ends[fd], [b"!"], [null.fileno()])

    def end(self) -> None:
        """No more answers."""
        self._ended = True
        self._thread.join()


def take_late_answer(end: socket.socket) -> None:
    """One that came when nobody waited any more."""
    time.sleep(0.003)
    end.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        for fd in socket.recv_fds(end, 9, 9)[1]:
            os.close(fd)
    end.setblocking(True)


def storm(lanes: Any, ends: list[socket.socket]) -> None:
    """So many exchanges, eight at a time."""
    free, sent, over = list(range(len(ends))), 0, 0
    while over < EXCHANGES:
        while free and sent - over < 8:
            number = free.pop()
            lanes.submit(number, ends[number].fileno(), b"?", (), (), (), (), 2)
            sent += 1
            if random.random() < 0.1:
                lanes.hold(NOBODY)
                sent += 1
        select.select([lanes], [], [], 1)
        for number, _, answer, error in lanes.finished():
            over += 1
            assert error is None
            if answer is None:
                lanes.release()
            else:
                os.close(answer[1][0])
            if number != NOBODY:
                if answer is None:
                    take_late_answer(ends[number])
                free.append(number)
        withdrawn = lanes.withdraw() if random.random() < 0.05 else []
        over += len(withdrawn)
        free += [number for number in withdrawn if number != NOBODY]


def main() -> None:
    """Storms, and an end with work left, or without."""
    packets = load(sys.argv[1])
    for number in range(ROUNDS):
        pairs = [socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET) for _ in range(ENDS)]
        answering = Answering([theirs for _, theirs in pairs])
        lanes = packets.Lanes(3)
        storm(lanes, [ours for ours, _ in pairs])
        if number % 2:
            lanes.close()
        del lanes
        answering.end()
        for pair in pairs:
            for end in pair:
                end.close()
    sys.stdout.write("over\n")


if __name__ == "__main__":
    main()
