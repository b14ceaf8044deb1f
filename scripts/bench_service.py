"""What HTTP adds to a run, interleaved with the library's own runs on this machine, and a load test.

A real service in its own process, clients with connections that stay, /bin/true in a warm box of policy `native`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from sandbox import Box, BoxPool

SANDBOX = Path(sys.executable).parent / "sandbox"
PROGRAM = {"argv": ["/bin/true"]}
Sample = list[float]
"""Seconds."""


class Service:
    """A service in a process."""

    def __init__(self, data: Path) -> None:
        quota = json.dumps({"rate": 1e9, "burst": 10**9, "cpu_seconds": 1e9, "waiting": 10**6})
        environment = os.environ | {"SANDBOX_SERVE_QUOTA": quota, "SANDBOX_SERVE_LOG": "warning"}
        command = [str(SANDBOX), "serve", "--data", str(data), "--port", str(self._port())]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
        assert self.process.stdout
        self.token = next(line.strip() for line in self.process.stdout if line.startswith("sbx_"))
        deadline = time.monotonic() + 30
        while True:
            try:
                socket.create_connection(self.address).close()
            except OSError:
                assert time.monotonic() < deadline
                time.sleep(0.05)
            else:
                return

    def _port(self) -> int:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.address = free.getsockname()
        return int(self.address[1])

    def request(self, body: object = PROGRAM) -> bytes:
        """A request to run something, as bytes."""
        content = json.dumps(body).encode()
        lines = [
            "POST /v1/runs HTTP/1.1",
            "host: x",
            f"authorization: Bearer {self.token}",
            f"content-length: {len(content)}",
        ]
        return "\r\n".join([*lines, "", ""]).encode() + content

    def stop(self) -> int:
        """End it; its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)


class Connection:
    """One that stays."""

    def __init__(self, service: Service) -> None:
        self._socket = socket.create_connection(service.address)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._request = service.request()

    def run(self) -> None:
        """One run; its answer has to be good."""
        self._socket.sendall(self._request)
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += self._socket.recv(65536)
        head, _, body = answer.partition(b"\r\n\r\n")
        length = int(re.search(rb"content-length: (\d+)", head)[1])  # type: ignore[index]
        while len(body) < length:
            body += self._socket.recv(65536)
        assert head.startswith(b"HTTP/1.1 200"), head + body


@contextmanager
def service() -> Iterator[Service]:
    """A service of its own, for a while."""
    with tempfile.TemporaryDirectory() as place:
        one = Service(Path(place))
        try:
            yield one
        finally:
            one.stop()


def timed(call: Callable[[], object]) -> float:
    """Seconds of a call."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def per_second(make: Callable[[], Callable[[], object]], clients: int, runs: int) -> float:
    """Runs per second of that many threads."""

    def work() -> None:
        call = make()
        for _ in range(runs // clients):
            call()

    threads = [threading.Thread(target=work) for _ in range(clients)]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return runs / (time.perf_counter() - start)


def quantiles(sample: Sample) -> str:
    """Median, p95 and p99 in milliseconds."""
    ordered = sorted(sample)
    points = [ordered[int(len(ordered) * part)] * 1000 for part in (0.5, 0.95, 0.99)]
    return "p50 {:.2f}  p95 {:.2f}  p99 {:.2f} ms".format(*points)


def latency(one: Service, runs: int) -> None:
    """One at a time, in turn with the library."""
    connection = Connection(one)
    own, http = [], []
    with Box("native") as box:
        for number in range(runs + 50):
            both = timed(lambda: box.run(["/bin/true"])), timed(connection.run)
            if number >= 50:
                own.append(both[0])
                http.append(both[1])
    added = (statistics.median(http) - statistics.median(own)) * 1000
    print(f"a run by the library          {quantiles(own)}")
    print(f"a run over HTTP               {quantiles(http)}   adds {added:.2f} ms   target 1")


def throughput(one: Service, runs: int, rounds: int) -> None:
    """Two slots, for which always something waits, in turn with the library's."""
    ratios = []
    with BoxPool("native", 2) as pool:
        for _ in range(rounds):
            own = per_second(lambda: lambda: pool.run(["/bin/true"]), 2, runs)
            http = per_second(lambda: Connection(one).run, 8, runs)
            ratios.append(http / own)
            print(f"runs per second: the library {own:5.0f}   over HTTP {http:5.0f}   ratio {http / own:.2f}")
    print(f"ratio, median                 {statistics.median(ratios):.2f}   target 0.6")


async def crowd(one: Service, clients: int, each: int) -> tuple[Counter[str], Sample]:
    """Many clients at once, each with several requests on a connection of its own: what they are answered."""
    answers: Counter[str] = Counter()
    sample: Sample = []
    request = one.request()

    async def client() -> None:
        try:
            reader, writer = await asyncio.open_connection(*one.address)
            for _ in range(each):
                start = time.perf_counter()
                writer.write(request)
                head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 120)
                length = int(re.search(rb"content-length: (\d+)", head)[1])  # type: ignore[index]
                await asyncio.wait_for(reader.readexactly(length), 120)
                answers[head[9:12].decode()] += 1
                sample.append(time.perf_counter() - start)
            writer.close()
        except TimeoutError:
            answers["hung"] += 1
        except OSError as error:
            answers[type(error).__name__] += 1

    await asyncio.gather(*(client() for _ in range(clients)))
    return answers, sample


def flat(one: Service, requests: int) -> None:
    """Memory of the service over many requests."""
    process = psutil.Process(one.process.pid)
    per_second(lambda: Connection(one).run, 4, 2_000)
    before = process.memory_info().rss
    rate = per_second(lambda: Connection(one).run, 4, requests)
    grown = (process.memory_info().rss - before) / 1024
    print(f"memory over {requests} requests: {before / 1048576:.0f} MiB, and {grown:+.0f} KiB ({rate:.0f} per second)")


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=600)
    parser.add_argument("--clients", type=int, default=1_000)
    parser.add_argument("--requests", type=int, default=10_000, help="for the memory; 100000 take minutes")
    options = parser.parse_args()
    with service() as one:
        latency(one, options.runs)
        throughput(one, 2 * options.runs, 3)
        answers, sample = asyncio.run(crowd(one, options.clients, 3))
        said = ", ".join(f"{count} × {status}" for status, count in sorted(answers.items()))
        print(f"{options.clients} clients at once: {said}; {quantiles(sample)}")
        flat(one, options.requests)


if __name__ == "__main__":
    main()
