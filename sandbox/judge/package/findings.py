"""What is found to be wrong with a package, collected so that everything is told at once."""

from __future__ import annotations

from sandbox.judge.problem import Complaint, ProblemError

MAX_COMPLAINTS = 1_000
"""Of errors, and of warnings: whoever has more of them learns nothing from the rest."""


class Findings:
    """The complaints about one package, in the order in which they were found."""

    def __init__(self) -> None:
        self._complaints: dict[Complaint, None] = {}  # in order, and each once
        self._counts = {True: 0, False: 0}

    def error(self, file: str, rule: str, message: str, line: int | None = None) -> None:
        """The package cannot be used: `rule` is a short name, `line` counts from 1."""
        self._add(Complaint(file, line, rule, message))

    def warning(self, file: str, rule: str, message: str, line: int | None = None) -> None:
        """The package can be used, but somebody should look at it."""
        self._add(Complaint(file, line, rule, message, error=False))

    def _add(self, complaint: Complaint) -> None:
        if complaint in self._complaints:
            return
        self._counts[complaint.error] += 1
        if self._counts[complaint.error] <= MAX_COMPLAINTS:
            self._complaints[complaint] = None

    @property
    def failed(self) -> bool:
        """Whether there is an error."""
        return self._counts[True] > 0

    def stop(self) -> ProblemError:
        """The error to raise, with everything that was found so far."""
        return ProblemError(self.complaints())

    def complaints(self) -> tuple[Complaint, ...]:
        """Errors before warnings; a last complaint counts those that were left out."""
        left_out = [
            Complaint(".", None, "too-many", f"{count - MAX_COMPLAINTS} more of these are left out", error)
            for error, count in self._counts.items()
            if count > MAX_COMPLAINTS
        ]
        return tuple(sorted((*self._complaints, *left_out), key=lambda complaint: not complaint.error))
