"""What the fuzzer has kept, once more, and the library's own packets: under the sanitizers, on a made-up host."""

from __future__ import annotations

import importlib.util
import subprocess
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import lacking
import pytest

from sandbox.launch import wire
from sandbox.launch.wire import Type

HERE = Path(__file__).parent
FLAGS = ("-std=gnu17", "-g", "-O1", "-Wall", "-Wextra", "-Werror", "-fno-sanitize-recover=all")
SANITIZERS = "-fsanitize=address,undefined"


@pytest.fixture(scope="module")
def replay(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The fuzz target without a fuzzer, which any compiler with sanitizers can build."""
    directory = tmp_path_factory.mktemp("fuzz")
    trial = directory / "trial.c"
    trial.write_text("int main(void) { return 0; }\n")
    done = subprocess.run(["gcc", SANITIZERS, trial, "-o", directory / "trial"], capture_output=True, check=False)
    if done.returncode:
        lacking.missing_tool("gcc's sanitizers", "gcc")
    program = directory / "replay"
    command = ["gcc", *FLAGS, SANITIZERS, str(HERE / "target.c"), str(HERE / "replay.c"), "-o", str(program)]
    built = subprocess.run(command, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    return program


@pytest.fixture(scope="module")
def seeds() -> ModuleType:
    """seeds.py, which is no part of the package."""
    spec = importlib.util.spec_from_file_location("seeds", HERE / "seeds.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


Answers = Callable[[Iterable[bytes]], list[list[Type]]]


@pytest.fixture
def answers(replay: Path, tmp_path: Path) -> Answers:
    """A function that gives inputs to the target; what the warden and init said to each."""

    def give(inputs: Iterable[bytes]) -> list[list[Type]]:
        paths = []
        for number, content in enumerate(inputs):
            paths.append(tmp_path / f"{number}")
            paths[-1].write_bytes(content)
        done = subprocess.run([replay, *paths], capture_output=True, text=True, timeout=500, check=False)
        assert done.returncode == 0, done.stderr
        return [[Type(int(digit, 16)) for digit in line] for line in done.stdout.split("\n")[:-1]]

    return give


def test_the_corpus(answers: Answers) -> None:
    """No input that was ever kept makes the warden or init look beyond a packet, overflow, leak or hang."""
    inputs = [path.read_bytes() for path in (HERE / "corpus").iterdir()]
    assert inputs
    assert len(answers(inputs)) == len(inputs)


def test_the_corpus_is_small() -> None:
    """It is replayed in seconds, and kept in the repository."""
    sizes = [path.stat().st_size for path in (HERE / "corpus").iterdir()]
    assert len(sizes) < 200
    assert sum(sizes) < 300 << 10


def test_packets_of_the_library(answers: Answers, seeds: ModuleType) -> None:
    """What wire.py sends is understood, to the end: slots are set up, files move, programs start and end."""
    inputs = seeds.seeds()
    said = dict(zip(inputs, answers(inputs.values()), strict=True))
    assert said["setup-python"] == [Type.READY] * 3
    assert said["files"] == [Type.READY] * 10
    for name in ("run-plain", "run-in-file", "run-signal"):
        assert said[name] == [*[Type.READY] * 3, Type.EXITED, Type.EXITED], name
    assert said["run-redirected"][3:] == [Type.STARTED, Type.EXITED] * 2


@pytest.mark.parametrize("name", ["many-files", "many-runs", "run-in-file", "run-redirected", "setup-python"])
def test_any_call_may_fail(answers: Answers, seeds: ModuleType, name: str) -> None:
    """Whichever system call fails, whatever comes after it: nothing piles up, and nothing that is closed is used."""
    flags, _, *conversation = seeds.seeds()[name]
    inputs = [bytes((flags, at + 1, *bytes(at), 1, *conversation)) for at in range(255)]
    said = answers(inputs)
    assert any(Type.FAILED in one for one in said)
    assert len(set(map(tuple, said))) > 2


def wrong_packets(seeds: ModuleType) -> dict[str, bytes]:
    """Conversations whose last packet makes no sense to who gets it, by what is wrong with it."""
    chunk, setup, box = seeds.chunk, seeds.setup(seeds.SMALL), seeds.chunk(wire.box(1 << 20, 100), 1)
    head, tail = wire.run(umask=0, candidates=[b"x"], argv=[b"x"], env=[], cwd=b"/", rlimits=[0] * 6)
    _, _, _, flags, umask, *counts, length, _ = wire.RUN.unpack(head)[:11]

    def run(*counts: int) -> bytes:
        return bytes(chunk(wire.RUN.pack(wire.VERSION, Type.RUN, 0, flags, umask, *counts, length, 0, *[0] * 6) + tail))

    def mount(target: bytes) -> bytes:
        return bytes(seeds.setup(replace(seeds.SMALL, mounts=(wire.WireMount(wire.MountKind.FILE, b"", target),))))

    to_warden = {
        "a second setup": setup,
        "a run": chunk(head + tail),
        "a box that is longer": chunk(wire.box(1, 1) + b"x", 1),
        "a box that is shorter": chunk(wire.box(1, 1)[:-1], 1),
        "a box without its socket": chunk(wire.box(1, 1)),
        "a descriptor too many": chunk(wire.get(b"x"), 1),
        "an empty name": chunk(wire.put(b"", 0o644), 1),
        "a file without its content": chunk(wire.put(b"a", 0o644)),
        "a directory with content": chunk(wire.put(b"a", 0, wire.PutFlag.DIRECTORY), 1),
        "no name": chunk(wire.get(b"")[:-1]),
        "a name without an end": chunk(wire.get(b"x")[:-1]),
        "a name that leads upwards": chunk(wire.put(b"a/../../b", 0o644), 1),
        "an absolute name": chunk(wire.put(b"/b", 0o644), 1),
    }
    to_init = {
        "a question to the warden": chunk(wire.get(b"x")),
        "an unknown type": chunk(wire.HEADER.pack(wire.VERSION, 99, 0)),
        "half a signal": chunk(wire.signal(9, wire.Scope.GROUP)[:-4]),
        "half a run": chunk(head[:-8]),
        "more arguments than there are": run(counts[0], 2, *counts[2:]),
        "fewer arguments than there are": run(counts[0], 0, *counts[2:]),
        "more descriptors than there are": run(*counts[:3], 1),
        "more strings than there are bytes": run(*[0xFFFFFFFF] * 3, 0),
    }
    first = {
        "a box before the setup": box,
        "half a setup": chunk(setup[4:40], 4),
        "a target that leads upwards": mount(b"/a/../../b"),
        "a target with two slashes": mount(b"//a"),
        "a relative target": mount(b"a"),
        "a host name beyond the strings": chunk(setup[4:36] + b"\xff\xff" + setup[38:], 5),
        "a meter's descriptor too few": chunk(setup[4:], 3),
        "no descriptor of a mount": chunk(setup[4:], 4),
        "a mount's descriptor too many": chunk(setup[4:], 6),
    }
    return {
        **{name: seeds.conversation(packet) for name, packet in first.items()},
        **{name: seeds.conversation(setup, box, packet) for name, packet in to_warden.items()},
        **{name: seeds.conversation(setup, box, packet, flags=seeds.BECOMES_INIT) for name, packet in to_init.items()},
    }


def test_wrong_packets_are_refused(answers: Answers, seeds: ModuleType) -> None:
    """Whoever gets one says so and ends, instead of guessing what was meant or passing over it."""
    wrong = wrong_packets(seeds)
    for name, said in zip(wrong, answers(wrong.values()), strict=True):
        assert set(said[:-1]) == {Type.READY}, name
        assert said[-1] is Type.FAILED, name
