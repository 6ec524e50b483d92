"""What came of running the tests of documents."""

from __future__ import annotations

from dataclasses import dataclass, field

from engine.errors import GuanxiError, Place, RecordInvalid
from engine.i18n import Message

_SHOWN = 5


@dataclass(frozen=True, slots=True)
class ScenarioResult:
    """One test."""

    name: str
    place: Place
    failures: tuple[Message, ...] = ()

    @property
    def passed(self) -> bool:
        """Say whether everything was as the test says."""
        return not self.failures


@dataclass(slots=True)
class Outcome:
    """All tests of one run."""

    results: list[ScenarioResult] = field(default_factory=list)
    rules: frozenset[str] = frozenset()
    """Checks and transitions of the entities at hand: `visit.checks.fee_when_seen`, `visit.states.see`."""
    covered: set[str] = field(default_factory=set)
    """Those that some test has seen at work."""

    @property
    def passed(self) -> int:
        """Return how many tests passed."""
        return sum(result.passed for result in self.results)

    @property
    def failed(self) -> int:
        """Return how many tests failed."""
        return len(self.results) - self.passed


def said(error: GuanxiError) -> Message:
    """Return an error as one message; of a record's problems the first ones, each with its field and code."""
    problems = error.problems if isinstance(error, RecordInvalid) else ()
    if not problems:
        return error.message
    first, *rest = [
        Message("{field} {code}: {why}", field=problem.path or "-", code=problem.code, why=problem.message)
        for problem in problems[:_SHOWN]
    ]
    for each in rest:
        first = Message("{one}; {other}", one=first, other=each)
    return first
