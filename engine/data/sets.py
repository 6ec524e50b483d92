"""Change sets: what one call, import or bulk edit did, named so that it can be shown and taken back as one thing.

Every write belongs to a set. A call without one makes its own; its row is written last, with the final counts, so that
a call that fails leaves none. A call that wrote one record leaves none either: the history of the record says it all.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson

from engine.data.phrases import Phrases
from engine.ids import new_id


@dataclass(slots=True)
class ChangeSet:
    """A set that writes are noted under."""

    id: str
    kind: str
    """create, update, delete ..., bulk, import, undo."""
    title: str = ""
    known: bool = False
    """Whether its row stands in the database already."""
    counts: dict[str, int] = field(default_factory=dict)
    """Outcome -> how many records, since it was last written."""

    @property
    def size(self) -> int:
        """Return how many records were counted."""
        return sum(self.counts.values())

    def note(self, outcome: str, number: int = 1) -> None:
        """Count records with an outcome."""
        if number:
            self.counts[outcome] = self.counts.get(outcome, 0) + number


def new_set(kind: str, title: str = "") -> ChangeSet:
    """Return a set that no row stands for yet."""
    return ChangeSet(new_id(), kind, title)


def write_set(
    run: Any,
    phrases: Phrases,
    change_set: ChangeSet,
    *,
    entity: str | None,
    actor: str | None,
    via: str,
    at: datetime,
    undoes: str | None = None,
) -> None:
    """Write the row of a set, or add what was counted since to the row that stands."""
    mark = phrases.mark
    counts = dict(change_set.counts)
    change_set.counts.clear()
    if change_set.known:
        if counts:
            add_counts(run, phrases, change_set.id, counts)
        return
    change_set.known = True
    run(
        "INSERT INTO change_set (id, kind, entity, title, actor_id, via, at, counts, undoes) "  # noqa: S608 - constants
        f"VALUES ({', '.join([mark] * 9)})",
        (
            change_set.id,
            change_set.kind,
            entity,
            change_set.title or None,
            actor,
            via,
            phrases.moment(at),
            orjson.dumps(counts).decode(),
            undoes,
        ),
    )


def add_counts(run: Any, phrases: Phrases, id_: str, counts: dict[str, int]) -> None:
    """Add numbers to the counts of a set."""
    mark = phrases.mark
    lock = " FOR UPDATE" if phrases.kind == "postgresql" else ""
    row = run(f"SELECT counts FROM change_set WHERE id = {mark}{lock}", (id_,)).fetchone()  # noqa: S608 - constants
    if row is None:
        return
    known: dict[str, int] = orjson.loads(row[0]) if isinstance(row[0], (str, bytes)) else dict(row[0])
    for outcome, number in counts.items():
        known[outcome] = known.get(outcome, 0) + number
    run(
        f"UPDATE change_set SET counts = {mark} WHERE id = {mark}",  # noqa: S608 - constants
        (orjson.dumps(known).decode(), id_),
    )
