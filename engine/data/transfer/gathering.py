"""Columns of a file, gathered one after the other: which field each takes, and which of them go together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Protocol

from engine.data.transfer.columns import Column
from engine.data.transfer.linking import Link
from engine.data.transfer.mapping import ColumnMap, ColumnRule
from engine.errors import GuanxiError
from engine.i18n import Message


class Columnist(Protocol):
    """What knows how a column is read."""

    def column(self, index: int, header: str, rule: ColumnRule, *, empty: str, described: bool) -> Column:
        """Return the column that a rule asks for; `described` says that others tell of the same linked record too."""

    def link(self, key: str, parts: Mapping[str, str]) -> Link:
        """Return how the records of a link are found, from what its columns say of missing ones."""


class Gathering:
    """The columns that were matched so far."""

    def __init__(self, matcher: Columnist, said: ColumnMap) -> None:
        self._matcher, self._empty = matcher, said.empty
        self.columns: list[Column] = []
        self._taken: dict[tuple[str, str], str] = {(key.partition(".")[0], ""): "" for key in said.values}
        rules = [rule for header in said.columns for rule in said.rules(header)]
        keys = [rule.field.partition(".")[0] for rule in rules if rule.join is None]
        self._described = {key for key in keys if keys.count(key) > 1}
        """Fields that several columns go into: of a link, they describe its record together."""
        self._parts: dict[str, dict[str, str]] = {}
        """Of links with several columns: field -> part -> what happens when the record is missing."""

    def add(self, index: int, header: str, rule: ColumnRule, *, chosen: bool) -> bool:
        """Add a column; False when it leads where another one leads already, and nobody asked for it."""
        key = rule.field.partition(".")[0]
        described = chosen and key in self._described
        column = self._matcher.column(index, header, rule, empty=self._empty, described=described)
        place = (column.key, column.part)
        whole = (column.key, "")
        if place in self._taken or whole in self._taken:
            if place in self._taken and rule.join is not None and self._join(place, column, rule.join):
                return True
            if not chosen and "." in header:
                # An export has both `account`, the id, and `account.name`, for people: the id says which is meant.
                return False
            raise GuanxiError(
                Message(
                    "The columns {first} and {second} both lead to {field}",
                    first=repr(self._taken.get(place, self._taken.get(whole)) or column.key),
                    second=repr(header),
                    field=column.key,
                )
            )
        self._taken[place] = header
        if column.part:
            self._parts.setdefault(column.key, {})[column.part] = rule.missing
        self.columns.append(column)
        return True

    def _join(self, place: tuple[str, str], column: Column, between: str) -> bool:
        for number, each in enumerate(self.columns):
            if (each.key, each.part) == place:
                more = (*each.also, (column.index, column.change, between))
                self.columns[number] = replace(each, also=more)
                return True
        return False

    def finish(self) -> tuple[tuple[Column, ...], dict[str, Link]]:
        """Return the columns, and how links are found that several of them describe."""
        return tuple(self.columns), {key: self._matcher.link(key, parts) for key, parts in self._parts.items()}
