"""Boots a Debian kernel in an emulated machine and runs tests there, in roles that this host may not offer.

    scripts/vm-test [--kernel PACKAGE] [--role ROLE]… [--full] [PATH or pytest option]…

The machine has cgroup v2 only, and this host's files, read-only, as its root. Roles: `root`; `user`, an ordinary user
with a delegated cgroup; `weak`, an ordinary user with nothing, under policies with `+weak-no-cgroup`. It needs no
privilege, and no KVM: emulation takes some ten times as long, so without `--full` only a selection of the tests is run.
Exits with 0 if the tests pass in each role, and with 77 if no machine can be had.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path

import image

CHECKOUT = Path(__file__).resolve().parents[2]
CANNOT = 77
"""The exit status that means "skipped" (automake's convention)."""
ROLES = ("root", "user", "weak")
ALL = ("tests/kernel", "tests/verdicts", "tests/escape/test_attacks.py", "tests/unit/test_cgroup.py")
SELECTION = (
    # What depends on the kernel: not how requests are checked, files are moved and streams are copied.
    *("tests/kernel", "tests/unit/test_cgroup.py", "tests/escape/test_attacks.py"),
    *(
        f"tests/verdicts/test_{what}.py"
        for what in ("endings", "environment", "limits", "memory", "results", "reuse", "time")
    ),
)
LONG = (
    *("nothing_grows", "every_exit_code", "pool_of_many_threads", "attack_is_real", "many_runs_leave_charged"),
    *("census_sees", "replaced_is_waited_for", "boxes_are_replaced", "comes_and_goes"),  # of no kernel
    "what_was_burnt",  # to within milliseconds, which is what starting a program takes there
)
EVERY = 24
"""Of the table of attacks, the selection has every 24th row."""
MEMORY = "2048M"


class CannotError(Exception):
    """This host cannot run the machine."""


def main() -> int:
    """Run what the command line asks for."""
    arguments, pytest_options = parse_arguments()
    try:
        if not shutil.which("qemu-system-x86_64"):
            raise CannotError("there is no qemu-system-x86_64 (scripts/setup vm installs it)")
        kernel = image.kernel(arguments.kernel, CHECKOUT / "build/vm")
        if arguments.fetch:
            return 0
        initramfs = image.initramfs(kernel, CHECKOUT, job(arguments, pytest_options))
    except (CannotError, image.UnavailableError) as error:
        print(f"vm-test: {error}", file=sys.stderr)
        return CANNOT
    with tempfile.NamedTemporaryFile() as file:
        file.write(initramfs)
        file.flush()
        results = boot(kernel.image, Path(file.name), arguments.deadline)
    for role in arguments.role:
        print(f"vm-test: {role}: {describe(results.get(role))}")
    return 0 if all(results.get(role) == 0 for role in arguments.role) else 1


def parse_arguments() -> tuple[argparse.Namespace, list[str]]:
    """Our own options, and those that are pytest's."""
    formatter = argparse.RawTextHelpFormatter  # the description has lines of its own
    parser = argparse.ArgumentParser("vm-test", description=__doc__, formatter_class=formatter, allow_abbrev=False)
    parser.add_argument("--kernel", default="linux-image-amd64", help="a kernel's Debian package, or one that names it")
    parser.add_argument("--role", action="append", choices=ROLES, help="default: all, one after the other")
    parser.add_argument("--full", action="store_true", help="all tests, not the selection")
    parser.add_argument("--deadline", type=float, help="seconds for the whole (default: 900, with --full 3600)")
    parser.add_argument("--fetch", action="store_true", help="only download what the machine boots from")
    parser.add_argument("--command", help="a shell command to run instead of pytest")
    arguments, options = parser.parse_known_args()
    arguments.role = arguments.role or list(ROLES)
    arguments.deadline = arguments.deadline or (3600 if arguments.full else 900)
    return arguments, options


def job(arguments: argparse.Namespace, options: list[str]) -> Mapping[str, bytes]:
    """The files that tell the machine what to do."""
    command = ["/bin/bash", "-c", arguments.command] if arguments.command else pytest_command(arguments.full, options)
    # Where everything takes ten times as long, once, and not always the same: what fails twice has failed.
    again = [] if arguments.command else [*command, "--last-failed"]
    return {
        "command": _separated(command),
        "again": _separated(again),
        "roles": "".join(f"{role}\n" for role in arguments.role).encode(),
    }


def _separated(words: list[str]) -> bytes:
    return b"".join(os.fsencode(word) + b"\0" for word in words)


def pytest_command(full: bool, options: list[str]) -> list[str]:
    """Pytest on the paths that were given, or on the usual ones."""
    named = any(not option.startswith("-") for option in options)
    paths = [] if named else ALL if full else SELECTION
    environment = ["/usr/bin/env", f"SANDBOX_TEST_EVERY={1 if full or named else EVERY}"]
    # The cache cannot be written into the checkout. What takes a second takes ten here, and more on a busy host.
    base = [
        *environment,
        ".venv/bin/pytest",
        "-q",
        "-o",
        "cache_dir=/tmp/pytest-cache",
        "--timeout=600",
        "--color=no",
        "--durations=8",
    ]
    selection = [] if full or named else ["-m", "not slow", "-k", " and ".join(f"not {name}" for name in LONG)]
    return [*base, *selection, *paths, *options]


def boot(kernel: Path, initramfs: Path, seconds: float) -> dict[str, int]:
    """Run the machine to its end, showing its console, and return the exit status of each role."""
    machine = subprocess.Popen(
        [
            *("qemu-system-x86_64", "-nodefaults", "-no-user-config", "-display", "none", "-serial", "stdio"),
            *("-machine", "q35,accel=tcg", "-cpu", "max", "-smp", "2", "-m", MEMORY),
            *("-no-reboot", "-kernel", str(kernel), "-initrd", str(initramfs)),
            *("-append", "console=ttyS0 quiet loglevel=3 panic=-1 rdinit=/init sysrq_always_enabled=1"),
            # multidevs: several file systems of the host in one export need inode numbers that differ.
            *("-virtfs", "local,path=/,mount_tag=host,security_model=none,readonly=on,multidevs=remap"),
        ],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
    )
    alarm = threading.Timer(seconds, machine.kill)
    alarm.start()
    results: dict[str, int] = {}
    try:
        assert machine.stdout
        for raw in machine.stdout:
            line = raw.decode(errors="replace").rstrip()
            print(line, flush=True)
            if end := re.search(r"@@end (\w+) (\d+)$", line):
                results[end[1]] = int(end[2])
        machine.wait()
    finally:
        timed_out = not alarm.is_alive()
        alarm.cancel()
        machine.kill()
    if timed_out:
        print(f"vm-test: the machine was stopped after {seconds:g} seconds", file=sys.stderr)
    return results


def describe(status: int | None) -> str:
    """An exit status of pytest in words."""
    words = {0: "passed", 1: "failed", 5: "no tests were selected", None: "did not end"}
    return words.get(status, f"exit status {status}")


if __name__ == "__main__":
    sys.exit(main())
