"""What a trial in portions must remember itself: a row may collide with, or lead to, one of a portion taken back."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import TYPE_CHECKING, Any

from engine.errors import FieldProblem
from engine.i18n import Message
from engine.metadata.model import Entity

if TYPE_CHECKING:
    from engine.data.transfer.import_work import ImportRow

PORTION = 5_000
"""Rows that are tried in one transaction: others cannot write to an SQLite database meanwhile."""


class Seen:
    """Values that tell rows apart, by the rows of former portions; some hundred bytes a row at most."""

    def __init__(self, entity: Entity, on: str | None) -> None:
        self._entity = entity
        single = [(key,) for key, each in entity.fields.items() if each.unique and not each.blind_of]
        self._ways = list(dict.fromkeys([("external_id",), *single, *(rule.fields for rule in entity.unique.values())]))
        rule = entity.unique.get(on or "")
        self._on: tuple[str, ...] = tuple(rule.fields) if rule is not None else (on,) if on else ()
        self._selves = [key for key, each in entity.fields.items() if each.target == entity.key]
        self._before: dict[tuple[Any, ...], dict[int, int]] = {way: {} for way in self._ways}
        self._now: list[tuple[tuple[Any, ...], int, int]] = []
        self._titles: set[int] = set()
        self._titles_now: list[int] = []

    def check(self, rows: Iterable[ImportRow]) -> None:
        """Mark rows of which a former portion had their like: as updated, or with a problem."""
        for row in rows:
            if row.problems:
                continue
            for way in self._ways:
                value = _value(row.values, way)
                earlier = self._before[way].get(value) if value is not None else None
                if earlier is None:
                    continue
                if way == self._on:
                    row.outcome = "updated"
                else:
                    label = self._entity.fields[way[0]].label
                    why = Message("Row {row} has the same {field}", row=earlier, field=label)
                    row.problems.append(FieldProblem(way[0], why, "unique"))
                break
            for key in self._selves:
                named = row.values.get(key)
                if isinstance(named, dict) and any(hash(str(each)) in self._titles for each in named.values()):
                    row.values.pop(key)

    def note(self, rows: Iterable[ImportRow]) -> None:
        """Remember rows of this portion that would be taken."""
        for row in rows:
            if row.problems:
                continue
            for way in self._ways:
                value = _value(row.values, way)
                if value is not None:
                    self._now.append((way, value, row.line.number))
            if self._selves:
                named = (row.values.get(self._entity.title), row.values.get("external_id"))
                self._titles_now += [hash(str(each)) for each in named if each is not None]

    def next_portion(self) -> None:
        """Say that what was written is taken back."""
        for way, value, number in self._now:
            self._before[way].setdefault(value, number)
        self._titles.update(self._titles_now)
        self._now.clear()
        self._titles_now.clear()


def _value(values: dict[str, Any], way: Iterable[str]) -> int | None:
    found = [values.get(key) for key in way]
    if any(each is None or each == "" or not isinstance(each, Hashable) for each in found):
        return None
    return hash(tuple(str(each).strip() for each in found))
