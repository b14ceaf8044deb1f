"""The Python side of a box's sockets, when what is at the other end says anything but the truth."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.errors import HostError, LaunchError
from sandbox.launch import packets, wire
from sandbox.launch.launcher import Init, Peer


@contextlib.contextmanager
def connected(packet: bytes, n_fds: int) -> Iterator[Init]:
    """Our end of a socket at whose other end somebody has sent a packet with descriptors, and waits."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    init = Init(ours)
    with theirs:
        packets.send(theirs.fileno(), packet, (theirs.fileno(),) * n_fds)
        try:
            yield init
        finally:
            init.close()


def headed(kind: int, body: bytes) -> bytes:
    """A packet with a header that fits."""
    return wire.HEADER.pack(wire.VERSION, kind, wire.HEADER.size + len(body)) + body


def sized(kind: wire.Type, form_size: int) -> st.SearchStrategy[bytes]:
    """Packets of a kind, of the right size."""
    size = form_size - wire.HEADER.size
    return st.binary(min_size=size, max_size=size).map(lambda body: headed(kind, body))


junk = (
    st.binary(min_size=1, max_size=2000)
    | st.builds(headed, st.integers(0, 20), st.binary(max_size=400))
    | sized(wire.Type.READY, wire.HEADER.size)
    | sized(wire.Type.STARTED, wire.HEADER.size)
    | sized(wire.Type.FAILED, wire.FAILED.size)
    | sized(wire.Type.EXITED, wire.EXITED.size)
)

HEAD, TAIL = wire.run(umask=0, candidates=[b"x"], argv=[b"x"], env=[], cwd=b"/", rlimits=[0] * 6)

QUESTIONS: dict[str, Callable[[Init], object]] = {
    "answer": lambda init: init.answer(2, 3),
    "receive": Peer.receive,
    "run": lambda init: init.run(HEAD, TAIL, (), (), 0, 10_000),
}


def descriptors_of(said: object) -> tuple[int, ...]:
    """Those that an answer hands on to who asked."""
    return said.pipes if isinstance(said, wire.Exited) else said if isinstance(said, tuple) else ()


@pytest.mark.parametrize("question", QUESTIONS)
@settings(deadline=None)
@given(packet=junk, n_fds=st.integers(0, 5))
def test_any_answer(question: str, packet: bytes, n_fds: int) -> None:
    """Whatever a warden or init sends, it is what was asked for or an error of the sandbox, and no descriptor stays."""
    before = os.listdir("/proc/self/fd")
    with connected(packet, n_fds) as init:
        try:
            said = QUESTIONS[question](init)
        except (HostError, LaunchError) as error:
            str(error)
        else:
            fds = descriptors_of(said)
            assert len(fds) in (0, 2, 3)
            for fd in fds:
                os.close(fd)
            if isinstance(said, wire.Exited):
                os.waitstatus_to_exitcode(said.status)
    assert os.listdir("/proc/self/fd") == before


@pytest.mark.parametrize("question", QUESTIONS)
def test_no_answer(question: str) -> None:
    """An end that is closed is a box that died, or, to who only began to wait, something to look at."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    init = Init(ours)
    theirs.close()
    with pytest.raises(HostError, match=r"^the box's init (died|is gone)"):
        QUESTIONS[question](init)
    init.close()
