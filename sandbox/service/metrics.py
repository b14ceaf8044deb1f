"""What a service tells Prometheus."""

from __future__ import annotations

import functools
from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

_SECONDS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60)


class Metrics:
    """The numbers of one service; of a process there may be several, in tests."""

    def __init__(self) -> None:
        """All are 0."""
        self.registry = CollectorRegistry()

        def counter(name: str, says: str, *labels: str) -> Counter:
            return Counter(f"sandbox_{name}", says, labels, registry=self.registry)

        def histogram(name: str, says: str, *labels: str) -> Histogram:
            return Histogram(f"sandbox_{name}", says, labels, buckets=_SECONDS, registry=self.registry)

        self.runs = counter("runs", "Runs that have ended, by how.", "status")
        self.judgements = counter("judgements", "Submissions that have been judged, by verdict.", "verdict")
        self.failures = counter("failures", "Failures of the sandbox, by the step that failed.", "step")
        self.refused = counter("refused", "Requests that were answered with a problem, by its kind.", "kind")
        phases = histogram("phase_seconds", "How long parts of a run take.", "phase")
        self.queued, self.ran = phases.labels("queue"), phases.labels("run")
        requests = histogram("request_seconds", "How long requests take, by their route.", "method", "route", "status")
        self.request = functools.lru_cache(maxsize=1000)(requests.labels)
        """The histogram of a method, a route and a status."""

    def gauge(self, name: str, says: str, value: Callable[[], float]) -> None:
        """A number that is asked for when somebody wants to know."""
        Gauge(f"sandbox_{name}", says, registry=self.registry).set_function(value)

    @staticmethod
    def count(counter: Counter) -> int:
        """The sum of a counter over its labels."""
        samples = (sample for metric in counter.collect() for sample in metric.samples)
        return int(sum(sample.value for sample in samples if sample.name.endswith("_total")))

    def text(self) -> bytes:
        """All of them, in Prometheus' format."""
        return generate_latest(self.registry)
