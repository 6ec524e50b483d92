"""What else can be done with a record: pages add their entries to the "more" menu of its page.

A page module says so once, when it is imported:

    @acts.register
    def _acts(reader: Reader, entity: Entity, row: Row) -> Iterable[Act]:
        if reader.access.has("users"):
            yield Act(words("Hand over"), f"/{entity.key}/{row.id}/handover", "user-share", order=30)

The functions are asked each time that a record is shown, so they send no statement: `row.may("update")`,
`row.may("delete")`, `reader.access` and the Model answer without one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from engine import Entity, Reader, Row


@dataclass(frozen=True, slots=True)
class Act:
    """One entry of the menu."""

    label: str
    """In the reader's language."""
    address: str
    icon: str
    method: Literal["get", "post"] = "get"
    """A link, or a form with one button that posts and works without a script."""
    order: int = 50
    """Where it stands: what is done often is small, what takes away is 90 and more."""
    danger: bool = False
    """Whether it takes something away."""


Acts = Callable[[Reader, Entity, Row], Iterable[Act]]

_known: list[Acts] = []


def register(function: Acts) -> Acts:
    """Let a function add entries to the menu of every record; returns it, so that it can decorate."""
    if function not in _known:
        _known.append(function)
    return function


def acts(reader: Reader, entity: Entity, row: Row) -> list[Act]:
    """Return the entries of the menu of a record for who reads, in order."""
    found = [each for function in _known for each in function(reader, entity, row)]
    return sorted(found, key=lambda each: each.order)
