"""What all tests share: marks for what they need of the host, running Python as another user, programs and boxes."""

from __future__ import annotations

import functools
import gc
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import lacking
import pytest

import sandbox

OTHER_UID = 47_110
"""A host uid that nobody uses."""

OVERLAY = os.environ.get("SANDBOX_TEST_OVERLAY", "")
"""What is laid over every policy, such as `+weak-no-cgroup`: the same tests for hosts of another kind."""


def pytest_configure(config: pytest.Config) -> None:
    """Register the marks that go with the overlay, and let tests be interrupted however they were started."""
    config.addinivalue_line("markers", "cgroup: needs the tree to be counted and limited by a control group")
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # As a shell's background job has it: a test that interrupts itself would wait for ever.
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_finish() -> None:
    """What is there by now stays, and need not be gone through whenever a test collects garbage, as a census does."""
    gc.collect()
    gc.freeze()


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what this host cannot run, and say why."""
    if item.get_closest_marker("root") and os.geteuid() != 0:
        pytest.skip("needs to run as root")
    if item.get_closest_marker("cgroup") and "no-cgroup" in OVERLAY:
        pytest.skip(f"needs control groups, which the policies {OVERLAY} do without")
    needed = {name for mark in item.iter_markers("needs") for name in mark.args}
    absent = sorted(needed & _missing()) if needed else []
    if absent:
        pytest.skip(f"this host has no {', '.join(absent)} (see `sandbox doctor`)")


@functools.cache
def _missing() -> set[str]:
    """Names of the features that this host lacks."""
    from sandbox.kernel.probe import probe

    return {feature.name for feature in probe() if feature.state == "missing"}


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say at the end what was skipped, and why."""
    reports = terminalreporter.stats.get("skipped", [])
    reasons = [
        (report.nodeid.partition("::")[0], report.longrepr[2].removeprefix("Skipped: "))
        for report in reports
        if isinstance(report.longrepr, tuple)
    ]
    lines = list(lacking.summary(reasons)) or ["nothing was skipped"]
    terminalreporter.section("what was skipped, and why")
    for line in lines:
        terminalreporter.line(line)


Rootless = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def rootless() -> Rootless:
    """A function that runs Python source, with arguments, as a user without any rights."""
    other = OTHER_UID if os.geteuid() == 0 else None

    def run(source: str, *args: str, timeout: float = 300) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-P", "-W", "error", "-c", source, *args],
            user=other,
            group=other,
            extra_groups=None if other is None else [],
            cwd="/",
            env={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "HOME": "/nonexistent"},
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    try:
        trial = run("import importlib.util, sys; sys.exit(importlib.util.find_spec('sandbox') is None)")
    except PermissionError as error:
        pytest.skip(f"another user cannot start {sys.executable}: {error.strerror}")
    if trial.returncode:
        # Not `import sandbox`: a package that is broken, not unreadable, has to fail.
        pytest.skip(f"another user cannot read the package in {sys.prefix}")
    return run


@pytest.fixture(scope="session")
def policy() -> Callable[[str], str]:
    """The name under which a policy is tested on this kind of host."""
    return lambda name: name + OVERLAY


@pytest.fixture(scope="session")
def box(policy: Callable[[str], str]) -> Iterator[sandbox.Box]:
    """One warm box for all tests that do not need one of their own: no test may see another's traces."""
    with sandbox.Box(policy("native")) as box:
        yield box


Program = Callable[[str], Path]


@pytest.fixture(scope="session")
def program(tmp_path_factory: pytest.TempPathFactory) -> Program:
    """A function that gives the compiled form of `programs/NAME.c`."""
    sources = Path(__file__).parent / "programs"
    target = tmp_path_factory.mktemp("programs")

    @functools.cache
    def build(name: str) -> Path:
        command = ["gcc", "-O1", "-pthread", "-o", str(target / name), str(sources / f"{name}.c")]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return target / name

    return build


Run = Callable[..., sandbox.Result]


@pytest.fixture
def run(box: sandbox.Box, program: Program) -> Run:
    """A function that runs one of the programs with arguments in the shared box; keywords as in `run`, or limits."""

    def run(name: str, *args: object, **options: Any) -> sandbox.Result:
        limits = {key: options.pop(key) for key in list(options) if key in sandbox.Limits.model_fields}
        files = {"program": program(name)} | options.pop("files", {})
        return box.run(["./program", *map(str, args)], files=files, limits=limits, **options)

    return run


WritePolicy = Callable[[str], str]


@pytest.fixture
def write_policy(tmp_path: Path) -> WritePolicy:
    """A function that writes a policy of the test's own, over `native`, and gives what `Box` takes for it."""

    def write(text: str) -> str:
        path = tmp_path / f"own{len(list(tmp_path.glob('own*')))}.toml"
        path.write_text(f'extends = "native"\n{text}')
        return str(path) + OVERLAY

    return write
