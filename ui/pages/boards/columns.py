"""The columns of a board: the options of a select or a state, yes and no, or the records that a link leads to."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup, escape

from engine import Aggregate, Bucket, Entity, Field, Query, Reader, View
from ui.asking import language
from ui.frame import words
from ui.pages.boards.cards import readable
from ui.pages.listing import Listing, locale_of
from ui.widgets.cells import COLORS

NOTHING = "-"
"""How an address calls the column of the records without a value."""
MOST = 24
"""Columns of a board; of a link that leads to more records those with the most cards."""
_FLAGS = {True: "yes", False: "no"}


@dataclass(frozen=True, slots=True)
class Board:
    """What the document, or the entity where there is none, says of a board."""

    by: str
    field: Field
    sum: str = ""
    card: tuple[str, ...] = ()
    due: str = ""
    stale: int = 0
    limits: Mapping[str, int] | None = None
    strict: bool = False
    """Whether a full column takes no more cards; else it only says that it is full."""

    @property
    def moves(self) -> bool:
        """Whether cards can go from one column to another: the value is the record's own."""
        return "." not in self.by


@dataclass(slots=True)
class Column:
    """One column with its numbers."""

    value: Any
    name: str
    """The value as an address says it."""
    label: Markup
    color: str = ""
    count: int = 0
    total: str = ""
    limit: int | None = None
    ends: bool = False
    """Whether it is a state that nothing leads out of."""
    starts: bool = True
    """Whether a new record can be in it."""

    @property
    def over(self) -> bool:
        """Say whether there are more cards in it than it should have."""
        return self.limit is not None and self.count > self.limit

    @property
    def full(self) -> bool:
        """Say whether another card would be too many."""
        return self.limit is not None and self.count >= self.limit


def fields_by(reader: Reader, entity: Entity, view: View) -> Iterator[str]:
    """Yield what columns can be made of, the most useful first: the view's own, the state, selects, flags, links."""
    declared = (view.kanban or {}).get("by")
    if isinstance(declared, str) and readable(reader, entity, declared) is not None:
        yield declared
    state = entity.states.field if entity.states is not None else ""
    for key in filter(None, (state, *_own(entity))):
        if key != declared and readable(reader, entity, key) is not None:
            yield key


def _own(entity: Entity) -> Iterator[str]:
    state = entity.states.field if entity.states is not None else ""
    fields = [each for each in entity.fields.values() if each.stored and each.storage is not None and not each.hidden]
    yield from (f.key for f in fields if f.choices and f.key != state and str(f.value_type) == "text")
    yield from (f.key for f in fields if f.storage is not None and f.storage.kind == "boolean" and not f.system)
    yield from (f.key for f in fields if f.type.links == "one" and (not f.system or f.key == "owner"))


def board_of(reader: Reader, entity: Entity, view: View, by: str = "") -> Board | None:
    """Return the board of a view, with the columns that were asked for; None where nothing can make columns."""
    known = list(fields_by(reader, entity, view))
    if not known:
        return None
    chosen = by if by in known else known[0]
    field = readable(reader, entity, chosen)
    if field is None:
        return None
    said = view.kanban or {}
    own = said if said.get("by") == chosen else {}
    total = said.get("sum") or _sum(reader, entity, view)
    card = tuple(path for path in said.get("card") or _facts(reader, entity, view) if path not in {chosen, total})
    return Board(
        chosen,
        field,
        total if total and readable(reader, entity, total) is not None else "",
        card,
        said.get("due") or _due(reader, entity, view),
        said.get("stale", 0),
        own.get("limits"),
        own.get("over") == "refuse",
    )


def _sum(reader: Reader, entity: Entity, view: View) -> str:
    """Return the amount that is worth adding up: the first one among the columns of the view."""
    keys = [path for path in view.columns if "." not in path]
    for key in keys:
        field = readable(reader, entity, key)
        if field is not None and field.stored and field.type.result(field.options).name == "money":
            return key
    return ""


def _facts(reader: Reader, entity: Entity, view: View) -> list[str]:
    """Return what a card shows where no document says it: the first columns that say something of their own."""
    left_out = {entity.title, "owner", "created_at", "updated_at"}
    found = [path for path in view.columns if path not in left_out and not view.columns[path].hidden]
    return found[:3]


def _due(reader: Reader, entity: Entity, view: View) -> str:
    start = (view.calendar or {}).get("start", "")
    return start if start and readable(reader, entity, start) is not None else ""


# --- the columns themselves


def columns_of(reader: Reader, asked: Listing, board: Board) -> list[Column]:
    """Return the columns of a board with their counts and sums, in one statement and one for titles."""
    numbers = numbers_of(reader, asked, board)
    field, spoken = board.field, language()
    found: list[Column]
    if field.choices:
        found = [
            Column(key, key, escape(each.label.in_(spoken)), each.color if each.color in COLORS else "")
            for key, each in field.choices.items()
            if not each.hidden or key in numbers
        ]
        ends = _ends(asked.wanted.entity, field)
        starts = _starts(asked.wanted.entity, field)
        for column in found:
            column.ends, column.starts = column.name in ends, column.name in starts
    elif field.type.links == "one":
        found = _linked(reader, field, numbers)
    else:
        display = field.type.displayer(field.options, locale_of(reader))
        found = [Column(value, name, escape(display(value))) for value, name in _FLAGS.items()]
    if None in numbers:
        found.insert(0, Column(None, NOTHING, escape(words("Empty"))))
    for column in found:
        column.count, column.total = numbers.get(column.value, (0, ""))
        column.limit = (board.limits or {}).get(column.name)
    return found


def numbers_of(reader: Reader, asked: Listing, board: Board) -> dict[Any, tuple[int, str]]:
    """Return (count, sum as text) by value, for the rows of the list."""
    query = asked.query
    sums = (Aggregate("sum", board.sum),) if board.sum else ()
    # Many groups are few columns: of a link that leads to many records the board shows those with the most cards.
    totals = reader.aggregate(
        Query(
            query.entity,
            where=query.where,
            search=query.search,
            group_by=(Bucket(board.by),),
            aggregates=(Aggregate("count"), *sums),
            limit=_MOST_GROUPS,
        )
    )
    show: Callable[[Any], str] | None = None
    if board.sum:
        adds = readable(reader, asked.wanted.entity, board.sum)
        if adds is not None:
            display = adds.type.displayer(adds.options, locale_of(reader))

            def show(value: Any) -> str:
                # A sum over many records is read at a glance: its cents are left out where there are none.
                return _CENTS.sub("", display(value))

    return {
        value: (count, show(rest[0]) if show is not None and rest and rest[0] is not None else "")
        for value, count, *rest in totals.values()
    }


_MOST_GROUPS = 200
_CENTS = re.compile(r"[.,]00(?=\D*$)")


def _linked(reader: Reader, field: Field, numbers: Mapping[Any, tuple[int, str]]) -> list[Column]:
    ids = sorted((value for value in numbers if value is not None), key=lambda value: -numbers[value][0])[:MOST]
    titles = reader.titles(field.target or "", ids)
    made = [Column(each, each, escape(titles.get(each) or "…")) for each in ids]
    return sorted(made, key=lambda column: str(column.label).casefold())


def _ends(entity: Entity, field: Field) -> frozenset[str]:
    """Return the states that no step leads out of, but for steps that undo: those that some role alone may make."""
    if entity.states is None or entity.states.field != field.key or field.entity != entity.key:
        return frozenset()
    steps = [each for each in entity.states.transitions.values() if not each.roles]
    left = {source for each in steps for source in (each.sources or field.choices) if source != each.to}
    return frozenset(field.choices) - left


def _starts(entity: Entity, field: Field) -> frozenset[str]:
    """Return the options that a new record can have: of a state those where records start."""
    if entity.states is None or entity.states.field != field.key or field.entity != entity.key:
        return frozenset(field.choices)
    if field.default is not None:
        return frozenset((field.default,))
    reached = {each.to for each in entity.states.transitions.values()}
    return frozenset(field.choices) - reached or frozenset(field.choices)


def value_of(field: Field, name: str) -> Any:
    """Return the value that an address calls by a name; None for nothing.

    Raises:
        KeyError: there is no such column.
    """
    if name == NOTHING:
        return None
    if field.choices:
        return field.choices[name].key
    if field.type.links == "one":
        return name
    return {text: value for value, text in _FLAGS.items()}[name]
