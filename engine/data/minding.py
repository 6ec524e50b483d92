"""Where a record comes from that may be a duplicate: faces say it once, and the write path asks as is wished there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Literal

Surface = Literal["screen", "api", "import", "agent"]
"""Where somebody is asked, and where nobody can be: a file that is imported, a trial of what an agent wants."""


@dataclass(frozen=True, slots=True)
class Minding:
    """How duplicates are minded.

    Attributes:
        surface: what duplicate documents call it.
        force: whether the person has seen them and saves anyway.
    """

    surface: Surface
    force: bool = False


_current: ContextVar[Minding | None] = ContextVar("minding", default=None)


def minding() -> Minding | None:
    """Return how duplicates are minded just now; None for what nobody looks at while it is written."""
    return _current.get()


@contextmanager
def minding_duplicates(surface: Surface, *, force: bool = False) -> Iterator[None]:
    """Let records that are written inside be compared with those that are there."""
    before = _current.set(Minding(surface, force))
    try:
        yield
    finally:
        _current.reset(before)
