"""`WS /v1/runs/stream`: a program whose streams the client is at the other end of."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import psutil
import pytest
from httpx_ws import WebSocketDisconnect, WebSocketSession, connect_ws
from serving import Server


class Talk:
    """A client of one run."""

    def __init__(self, socket: WebSocketSession, start: dict[str, Any]) -> None:
        self.socket = socket
        self.heard: dict[int, bytes] = {1: b"", 2: b""}
        self.said: list[dict[str, Any]] = []
        self.say(**start)

    def say(self, **order: Any) -> None:
        """Send an order."""
        self.socket.send_text(json.dumps(order))

    def hear(self, until: Callable[[], Any]) -> None:
        """Take messages until something holds."""
        deadline = time.monotonic() + 20
        while not until():
            data: str | bytes = self.socket.receive(timeout=deadline - time.monotonic()).data  # type: ignore[attr-defined]
            if isinstance(data, str):
                self.said.append(json.loads(data))
            else:
                self.heard[data[0]] += bytes(data[1:])

    def end(self) -> dict[str, Any]:
        """The last thing that is said: a result or a problem."""
        self.hear(lambda: self.said and self.said[-1].keys() & {"result", "problem"})
        return self.said[-1]


StartTalk = Callable[..., Talk]


@pytest.fixture
def talk(server: Server) -> Iterator[StartTalk]:
    """A function that begins one."""
    with contextlib.ExitStack() as opened:

        def begin(*argv: str, token: str | None = None, **start: Any) -> Talk:
            opened.enter_context(contextlib.suppress(WebSocketDisconnect))
            client = opened.enter_context(server.client(token))
            socket: WebSocketSession = opened.enter_context(
                connect_ws(f"{server.url.replace('http', 'ws')}/v1/runs/stream", client)
            )
            return Talk(socket, {"argv": argv, "policy": "shell", **start})

        yield begin


def test_a_dialogue(talk: StartTalk) -> None:
    """What is sent is read at once, what is printed comes at once, and the end of input is an end."""
    one = talk("sh", "-c", "while read -r x; do echo got $x; echo err $x >&2; done; echo end; exit 4")
    for word in (b"one", b"two"):
        one.socket.send_bytes(word + b"\n")
        one.hear(lambda: one.heard[1].endswith(b"got " + word + b"\n"))  # noqa: B023 - called at once
    one.say(eof=True)
    result = one.end()["result"]
    assert one.said[0] == {"started": True}
    assert (result["status"], result["exit_code"], result["stdout"]) == ("NONZERO_EXIT", 4, None)
    assert one.heard == {1: b"got one\ngot two\nend\n", 2: b"err one\nerr two\n"}


def test_everything_arrives(talk: StartTalk) -> None:
    """Megabytes go through, in both directions, whole."""
    one = talk("cat")
    data = bytes(range(256)) * 4096
    for _ in range(4):
        one.socket.send_bytes(data)
        one.hear(lambda: len(one.heard[1]) % len(data) > len(data) // 2)
    one.say(eof=True)
    assert one.end()["result"]["status"] == "OK"
    assert one.heard[1] == data * 4


def test_who_does_not_read_holds_up_the_program(server: Server, talk: StartTalk) -> None:
    """Nothing piles up in the service; limits go on, and end it."""
    one = talk("yes", limits={"wall_time": 1.0, "output": 1 << 28})
    service = psutil.Process(server.process.pid)
    before = service.memory_info().rss
    time.sleep(3)
    assert service.memory_info().rss - before < 32 << 20
    assert service.cpu_percent(0.3) < 20
    assert one.end()["result"]["status"] == "WALL_TIME_LIMIT"


def test_orders(talk: StartTalk) -> None:
    """Signals reach the program, samples of what it uses come, and a kill is one."""
    one = talk("sh", "-c", "trap 'echo heard; exit 3' USR1; echo on; while :; do sleep 0.05; done", usage=0.1)
    one.hear(lambda: one.heard[1] == b"on\n" and any("usage" in said for said in one.said))
    usage = next(said["usage"] for said in one.said if "usage" in said)
    assert usage.keys() == {"cpu_time", "memory", "wall_time", "processes"}
    one.say(signal=10)
    assert one.end()["result"]["exit_code"] == 3
    assert one.heard[1] == b"on\nheard\n"
    other = talk("sleep", "60")
    other.hear(lambda: other.said)
    other.say(kill=True)
    assert other.end()["result"]["signal"] == 9


def test_a_terminal(talk: StartTalk) -> None:
    """It has a size that can change, echoes what is typed, and Ctrl-C interrupts."""
    script = "trap 'stty size; exit 3' WINCH; trap 'echo stop' INT; stty size; while :; do sleep 0.05; done"
    one = talk("sh", "-c", script, terminal={"rows": 40, "columns": 100})
    one.hear(lambda: b"40 100\r\n" in one.heard[1])
    one.socket.send_bytes(b"\x03")
    one.hear(lambda: b"^Cstop\r\n" in one.heard[1])
    one.say(resize={"rows": 20, "columns": 50})
    assert one.end()["result"]["exit_code"] == 3
    assert one.heard[1].endswith(b"20 50\r\n")


def test_who_goes_away_takes_the_program_along(server: Server, talk: StartTalk) -> None:
    """It does not run for nobody."""
    one = talk("sleep", "27.18")
    one.hear(lambda: one.said)
    assert sleepers()
    one.socket.close()
    deadline = time.monotonic() + 10
    while sleepers():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def sleepers() -> list[psutil.Process]:
    """Processes of that command line, anywhere."""
    return [p for p in psutil.process_iter(["cmdline"]) if p.info["cmdline"] == ["sleep", "27.18"]]


@pytest.mark.parametrize(
    ("start", "kind"),
    [
        ({"argv": []}, "invalid"),
        ({"policy": "host"}, "invalid"),
        ({"stdin": "x"}, "invalid"),
        ({"argv": ["no-such"]}, "not-started"),
        ({"terminal": {"rows": 0}}, "invalid"),
        ({"colour": 1}, "invalid"),
        ({"token": ""}, "unauthorized"),
        ({"token": "", "key": "nonsense"}, "unauthorized"),
    ],
)
def test_mistakes(talk: StartTalk, start: dict[str, Any], kind: str) -> None:
    """Are told in the one shape of problems."""
    argv = start.pop("argv", ["true"])
    assert talk(*argv, **start).end()["problem"]["type"] == f"/problems/{kind}"


def test_a_key_in_the_first_message(server: Server, talk: StartTalk) -> None:
    """For who cannot send headers."""
    assert talk("true", token="", key=server.token).end()["result"]["status"] == "OK"


def test_what_cannot_be_obeyed(talk: StartTalk) -> None:
    """Ends the program, and says so."""
    one = talk("sleep", "60")
    one.hear(lambda: one.said)
    one.say(dance=True)
    assert one.end()["problem"]["field"] == "dance"
