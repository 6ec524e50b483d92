"""Rows as they came from the driver, and the prepared ways to turn them into Python values or JSON.

Nothing is decoded before somebody asks. What a column needs is known when the statement is compiled, so a page of
rows costs one `dict(zip())` a row and one call for each value that is not already what JSON wants.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Convert = Callable[[Any], Any] | None
"""From a driver value that is not None; None = it stays as it is."""


@dataclass(frozen=True, slots=True)
class Columns:
    """What is known of the columns of a compiled statement; the same for all of its row sets."""

    paths: tuple[str, ...]
    """Paths that were asked for, in order; the values of a row begin with them."""
    decoders: tuple[tuple[int, Callable[[Any], Any]], ...]
    """(place, from driver value to Python value), only where the two differ."""
    writers: tuple[tuple[int, str, Callable[[Any], Any]], ...]
    """(place, path, from driver value to JSON value), only where the two differ."""
    masked: frozenset[str] = frozenset()
    """Paths whose values are marks."""
    id_at: int = 0
    version_at: int | None = None
    abilities: Mapping[str, int] | None = None
    """Action -> place of its boolean."""


@dataclass(frozen=True, slots=True)
class Row:
    """One record as somebody may see it."""

    columns: Columns
    raw: tuple[Any, ...]

    @property
    def id(self) -> str:
        """Return the id of the record."""
        return str(self.raw[self.columns.id_at])

    @property
    def version(self) -> int:
        """Return the version of the record."""
        place = self.columns.version_at
        return 0 if place is None else int(self.raw[place])

    def values(self) -> dict[str, Any]:
        """Return Python values by path."""
        return next(_dicts(self.columns, (self.raw,)))

    def json(self) -> dict[str, Any]:
        """Return values by path, ready for JSON."""
        return _json(self.columns, (self.raw,))[0]

    def may(self, action: str) -> bool:
        """Say whether the asker may do something with the record; only for actions that were asked about."""
        return bool(self.raw[_ability(self.columns, action)])


class RowSet:
    """The rows of one page."""

    __slots__ = ("columns", "next_cursor", "rows")

    def __init__(self, columns: Columns, rows: list[tuple[Any, ...]], next_cursor: str | None = None) -> None:
        self.columns = columns
        self.rows = rows
        """Driver values: those of `paths` first, then what the statement needed besides."""
        self.next_cursor = next_cursor
        """Where the next page begins; None on the last one."""

    @property
    def paths(self) -> tuple[str, ...]:
        """Return the paths of the first values of each row."""
        return self.columns.paths

    @property
    def masked(self) -> frozenset[str]:
        """Return the paths whose values are marks instead of what is stored."""
        return self.columns.masked

    @property
    def ids(self) -> list[str]:
        """Return the ids of the records, row by row."""
        place = self.columns.id_at
        return [row[place] for row in self.rows]

    @property
    def versions(self) -> list[int]:
        """Return the versions of the records, row by row."""
        place = self.columns.version_at
        return [] if place is None else [row[place] for row in self.rows]

    def abilities(self, action: str) -> list[bool]:
        """Say for each row whether the asker may do something; only for actions that were asked about."""
        place = _ability(self.columns, action)
        return [bool(row[place]) for row in self.rows]

    def values(self) -> Iterator[tuple[Any, ...]]:
        """Yield tuples of Python values, in the order of `paths`."""
        width = len(self.columns.paths)
        decoders = self.columns.decoders
        for row in self.rows:
            values = list(row[:width])
            for place, decode in decoders:
                if values[place] is not None:
                    values[place] = decode(values[place])
            yield tuple(values)

    def dicts(self) -> Iterator[dict[str, Any]]:
        """Yield Python values by path."""
        return _dicts(self.columns, self.rows)

    def json(self) -> list[dict[str, Any]]:
        """Return values by path, ready for JSON: money as text, times as ISO 8601 in UTC."""
        return _json(self.columns, self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Row]:
        columns = self.columns
        return (Row(columns, row) for row in self.rows)

    def __getitem__(self, place: int) -> Row:
        return Row(self.columns, self.rows[place])


def _ability(columns: Columns, action: str) -> int:
    if columns.abilities is None or action not in columns.abilities:
        raise KeyError(f"the query did not ask who may {action}")
    return columns.abilities[action]


def _dicts(columns: Columns, rows: Sequence[tuple[Any, ...]]) -> Iterator[dict[str, Any]]:
    paths, decoders = columns.paths, columns.decoders
    for row in rows:
        values = dict(zip(paths, row, strict=False))
        for place, decode in decoders:
            raw = row[place]
            if raw is not None:
                values[paths[place]] = decode(raw)
        yield values


def _json(columns: Columns, rows: Sequence[tuple[Any, ...]]) -> list[dict[str, Any]]:
    paths, writers = columns.paths, columns.writers
    made = [dict(zip(paths, row, strict=False)) for row in rows]
    for place, path, write in writers:
        for values, row in zip(made, rows, strict=True):
            raw = row[place]
            if raw is not None:
                values[path] = write(raw)
    return made
