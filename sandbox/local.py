"""Programs in boxes of this machine, which stay warm from one call to the next."""

from __future__ import annotations

import atexit
import os
import threading
from collections.abc import Iterable
from typing import Unpack

from sandbox.box import Box, BoxPool
from sandbox.capture import PIPE, PassFds, Stdin, Stdout
from sandbox.policy import Policy, place
from sandbox.request import RequestOptions
from sandbox.result import Result


def run(
    argv: Iterable[str | bytes | os.PathLike[str]],
    *,
    policy: str | Policy = "native",
    stdin: Stdin = None,
    stdout: Stdout = PIPE,
    stderr: Stdout = PIPE,
    pass_fds: PassFds = (),
    **options: Unpack[RequestOptions],
) -> Result:
    """Run one program to its end in a box under `policy`, and return how it ended, what it used and printed.

    `argv` is a list: there is no shell. `stdin` is text, bytes, a `Path`, or a file or descriptor that is copied while
    the program reads, or a `Content` that many runs share; `stdout` and `stderr` are `PIPE` (kept in the Result),
    `DEVNULL`, a file or descriptor to copy to, or, for `stderr`, `STDOUT`. A `PipeEnd` connects it to another program
    directly. `pass_fds` are pipes and connected Unix sockets of the caller that the program gets under the same
    numbers, or under those that a mapping gives them. `files` are put into /box first: bytes, which can be executed, a
    `File`, which can if it says so, or the `Path` of a file or of a tree without links; `"dir/": b""` is an empty
    directory. `collect` names files that are read from there afterwards, and trees by a slash behind their name; the
    name `./` is all of /box, for both. `cwd` is where the program starts, /box if nothing else is said; under a policy
    with `workspace` it is a directory of the host, your own working directory if nothing else is said. `env` is added
    to the policy's environment; nothing of the caller's own reaches the program. `limits` tighten the policy's. `umask`
    and `start_new_session` are as in `subprocess`; the umask is 0o022 unless given.

    Boxes stay warm for the next call, one per CPU at most. Raises `RequestError` for a malformed request,
    `PolicyError` for an unknown policy, `LaunchError` if the program cannot be started (as `execve: No such file
    or directory`), `HostError` if the host cannot honour the policy or the box died.
    """
    chosen, options["cwd"] = place(policy, options.get("cwd", ""))
    if chosen.workspace:  # at the path of its directory there may be another one the next time
        with Box(chosen) as box:
            return box.run(argv, stdin=stdin, stdout=stdout, stderr=stderr, pass_fds=pass_fds, **options)
    return _shared_pool(chosen).run(argv, stdin=stdin, stdout=stdout, stderr=stderr, pass_fds=pass_fds, **options)


_pools: dict[str, BoxPool] = {}
_pools_lock = threading.Lock()


def _shared_pool(chosen: Policy) -> BoxPool:
    with _pools_lock:
        pool = _pools.get(chosen.name)
        if pool is None or pool.policy != chosen:
            if pool is not None:
                pool.close()
            pool = _pools[chosen.name] = BoxPool(chosen, warm=False)
        return pool


@atexit.register
def _close_pools() -> None:
    with _pools_lock:
        for pool in _pools.values():
            pool.close()
        _pools.clear()


def _forget_pools() -> None:
    """A forked child has its parent's boxes neither to use nor to end."""
    global _pools_lock
    _pools_lock = threading.Lock()
    _pools.clear()


os.register_at_fork(after_in_child=_forget_pools)
