"""Records that rows lead to by more than a title: found by any of their fields, or made where there is none."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from sqlalchemy import Connection

from engine.data.principal import Principal
from engine.data.query import Query
from engine.data.reader import Reader
from engine.data.records import Records
from engine.errors import AccessDenied, BadValue, FieldProblem, RecordInvalid
from engine.expression import Call, Literal
from engine.expression import Path as FieldPath
from engine.i18n import Message
from engine.publish import Published

_MOST_KNOWN = 50_000
"""Links that are remembered from one chunk to the next."""
_MOST_FOUND = 5_000


@dataclass(slots=True)
class Sought:
    """What a row says of a record that it leads to."""

    values: dict[str, Any]
    """Field of that record -> raw value."""


@dataclass(frozen=True, slots=True)
class LinkPart:
    """One field of a linked record that rows give."""

    key: str
    parse: Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Link:
    """How the records of one link are found."""

    key: str
    """The field that leads to them."""
    target: str
    parts: Mapping[str, LinkPart]
    finding: tuple[str, ...]
    """The parts that have to fit; what else is given is for records that are made."""
    missing: str
    """What becomes of a row whose record there is none of: refuse, leave, create."""


class Row(Protocol):
    """What a linker needs of a row on its way."""

    values: dict[str, Any]
    problems: list[FieldProblem]


_Key = tuple[tuple[str, Any], ...]


@dataclass(slots=True)
class _Known:
    """What was found out for one link."""

    ids: dict[_Key, str] = field(default_factory=dict)
    made: dict[_Key, str] = field(default_factory=dict)
    """In the transaction that is open."""

    def get(self, key: _Key) -> str | None:
        return self.ids.get(key) or self.made.get(key)


class Linker:
    """Turns what rows say of linked records into ids."""

    def __init__(self, records: Records, principal: Principal, links: Mapping[str, Link], via: str) -> None:
        self._records, self._principal, self._links, self._via = records, principal, links, via
        self._known: dict[str, _Known] = {key: _Known() for key in links}
        self._kept = 0

    @property
    def made(self) -> int:
        """Return how many records were made and not taken back."""
        return self._kept + sum(len(known.made) for known in self._known.values())

    def resolve(
        self, connection: Connection, published: Published, rows: Sequence[Row], change_set: str | None
    ) -> None:
        """Put ids in the place of what rows say; rows whose record cannot be had get a problem."""
        for key, link in self._links.items():
            due: dict[_Key, list[Row]] = {}
            for row in rows:
                sought = row.values.get(key)
                if isinstance(sought, Sought) and not row.problems:
                    wanted = self._wanted(link, sought, row)
                    if wanted is not None:
                        due.setdefault(wanted, []).append(row)
            if not due:
                continue
            known = self._known[key]
            if len(known.ids) > _MOST_KNOWN:
                known.ids.clear()
            self._find(connection, published, link, [each for each in due if known.get(each) is None])
            if link.missing == "create":
                self._make(connection, link, {each: due[each] for each in due if not known.get(each)}, change_set)
            for wanted, members in due.items():
                self._place(published, link, wanted, members)

    def settle(self, *, kept: bool) -> None:
        """Say whether the transaction that was open is kept: what was made in it is there from now on, or never was."""
        for known in self._known.values():
            if kept:
                self._kept += len(known.made)
                known.ids |= known.made
            else:
                # Several of a title are told apart again: somebody may have put that right meanwhile.
                known.ids.clear()
            known.made.clear()

    @staticmethod
    def _wanted(link: Link, sought: Sought, row: Row) -> _Key | None:
        """Return by what the record is found; None when it cannot be read."""
        wanted = []
        for part in link.finding:
            if part not in sought.values:
                continue
            try:
                value = link.parts[part].parse(sought.values[part])
            except BadValue as error:
                row.problems.append(FieldProblem(f"{link.key}.{part}", error.message, "value"))
                return None
            if value is not None:
                wanted.append((part, value))
        if not wanted and link.missing != "create":
            row.values.pop(link.key, None)
            return None
        return tuple(wanted)

    def _find(self, connection: Connection, published: Published, link: Link, wanted: Sequence[_Key]) -> None:
        """Note the one readable record that fits each key, "?n" where there are n."""
        groups: dict[tuple[str, ...], list[_Key]] = {}
        for key in wanted:
            if key:
                groups.setdefault(tuple(part for part, _ in key), []).append(key)
        reader = Reader(connection, published, self._principal, secret=b"")
        for parts, keys in groups.items():
            values = tuple(dict.fromkeys(key[0][1] for key in keys))
            where = Call("in", (FieldPath((parts[0],)), Literal(values)))
            query = Query(link.target, select=("id", *(each for each in parts if each != "id")), where=where,
                          limit=_MOST_FOUND)  # fmt: skip
            try:
                rows = list(reader.query(query).dicts())
            except AccessDenied:
                continue
            found: dict[_Key, list[str]] = {}
            for row in rows:
                found.setdefault(tuple((part, row[part]) for part in parts), []).append(str(row["id"]))
            known = self._known[link.key].ids
            for key in keys:
                ids = found.get(key, [])
                if ids:
                    known[key] = ids[0] if len(ids) == 1 else f"?{len(ids)}"

    def _make(
        self, connection: Connection, link: Link, due: Mapping[_Key, Sequence[Row]], change_set: str | None
    ) -> None:
        """Make a record for each key that has none, of what the first row says of it."""
        if not due:
            return
        values = [dict(rows[0].values[link.key].values) for rows in due.values()]
        results = self._records.bulk(
            self._principal,
            link.target,
            [{"create": each} for each in values],
            via=self._via,
            change_set=change_set,
            connection=connection,
        )
        for (key, rows), result in zip(due.items(), results, strict=True):
            if result.written is not None:
                self._known[link.key].made[key] = result.written.id
                continue
            problems = [FieldProblem("", result.error.message if result.error else Message(""), "link")]
            if isinstance(result.error, RecordInvalid):
                problems = list(result.error.problems)
            for row in rows:
                row.problems += [
                    FieldProblem(f"{link.key}.{each.path}" if each.path else link.key, each.message, each.code)
                    for each in problems
                ]

    def _place(self, published: Published, link: Link, wanted: _Key, rows: Sequence[Row]) -> None:
        id_ = self._known[link.key].get(wanted)
        entity = published.model.entity(link.target)
        said = ", ".join(str(value) for _, value in wanted)
        for row in rows:
            if row.problems:
                continue
            if id_ is not None and not id_.startswith("?"):
                row.values[link.key] = id_
            elif id_ is not None:
                count = int(id_[1:])
                why = Message("There are {count} {plural} “{value}”", count=count, plural=entity.plural, value=said)
                row.problems.append(FieldProblem(link.key, why, "link"))
            elif link.missing == "leave":
                row.values.pop(link.key, None)
            else:
                why = Message("There is no {label} “{value}”", label=entity.label, value=said)
                row.problems.append(FieldProblem(link.key, why, "link"))
