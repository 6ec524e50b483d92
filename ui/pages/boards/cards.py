"""Cards: a record as a board, a calendar or a split view shows it, with what its reader may see of it and no more.

What a card is made of is worked out once per Model, view, language and set of roles; a page of cards is one pass over
each column, as in a table.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from markupsafe import Markup, escape

from engine import Entity, Field, Locale, Reader, RowSet
from ui.frame import words
from ui.widgets.cells import Asked, Cell, cell
from ui.widgets.moments import zone
from ui.widgets.paths import fields_along, linked_titles, mask_of

SOON = 3
"""Days before a day in which a card says that it comes near."""
_SHOWN_LETTERS = 2


@dataclass(frozen=True, slots=True)
class Wish:
    """What a card is to show."""

    title: str
    facts: tuple[str, ...] = ()
    """Dotted paths."""
    owner: str = ""
    """The link to a person whose initials stand on it; "" for none."""
    due: str = ""
    """A day or moment that the card counts down to; "" for none."""
    stale: int = 0
    """Days without a change after which the card says so; 0 = it never does."""
    more: tuple[str, ...] = ()
    """Further paths whose values are wanted raw."""


@dataclass(slots=True)
class Card:
    """One record, ready for its template."""

    id: str
    version: int
    title: str
    facts: list[tuple[str, Markup]] = field(default_factory=list)
    """(label, HTML) of what has a value."""
    owner: str = ""
    initials: str = ""
    due: str = ""
    due_kind: str = ""
    """late, soon or later."""
    idle: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)
    """Raw values by path, of what was wished for besides."""
    may: bool = False
    """Whether who reads may change it."""


@dataclass(frozen=True, slots=True)
class Cards:
    """Prepared cards of one entity."""

    select: tuple[str, ...]
    _wish: Wish
    _entity: Entity
    _cells: tuple[tuple[str, Cell, tuple[int, ...]], ...]
    _places: Mapping[str, int]
    _owner: str
    """Path of the name of the owner."""
    _locale: Locale

    def draw(self, reader: Reader, found: RowSet) -> list[Card]:
        """Return the cards of some rows; whether each may be changed where the query asked for `update`."""
        if not found.rows:
            return []
        columns = list(zip(*found.values(), strict=True))
        able = found.columns.abilities or {}
        edits = found.abilities("update") if "update" in able else [False] * len(found)
        titles = self._titles(reader, columns)
        cards = [
            Card(id_, version, title or "—", may=may)
            for id_, version, title, may in zip(found.ids, found.versions, titles, edits, strict=True)
        ]
        for label, each, places in self._cells[1:]:
            for card, html in zip(cards, _drawn(reader, each, [columns[place] for place in places]), strict=True):
                if html:
                    card.facts.append((label, html))
        self._count_down(reader, cards, columns)
        if self._owner:
            for card, name in zip(cards, columns[self._places[self._owner]], strict=True):
                card.owner, card.initials = name or "", initials(name or "")
        for number, card in enumerate(cards):
            card.values = {path: columns[self._places[path]][number] for path in self._wish.more}
        return cards

    def _titles(self, reader: Reader, columns: Sequence[Sequence[Any]]) -> Iterable[str]:
        _, made, places = self._cells[0]
        shown = next(iter(made.prepare(reader, [columns[place] for place in places])))
        return [plain(each) if made.safe else str(each or "") for each in shown]

    def _count_down(self, reader: Reader, cards: Sequence[Card], columns: Sequence[Sequence[Any]]) -> None:
        today = reader.access.env()["today"]
        if self._wish.due:
            where = zone(self._locale.timezone)
            for card, value in zip(cards, columns[self._places[self._wish.due]], strict=True):
                if isinstance(value, date):
                    day = value.astimezone(where).date() if isinstance(value, datetime) else value
                    card.due, card.due_kind = due_words((day - today).days)
        if self._wish.stale:
            since = reader.access.env()["now"] - timedelta(self._wish.stale)
            for card, changed in zip(cards, columns[self._places["updated_at"]], strict=True):
                if isinstance(changed, datetime) and changed < since:
                    days = (reader.access.env()["now"] - changed).days
                    card.idle = words("{count} days without a change", count=days)


def due_words(days: int) -> tuple[str, str]:
    """Return (how far away a day is, late soon or later): "3 days late", "today", "in 5 days"."""
    if days < 0:
        return (words("1 day late") if days == -1 else words("{count} days late", count=-days)), "late"
    if days == 0:
        return words("Today"), "soon"
    shown = words("Tomorrow") if days == 1 else words("in {count} days", count=days)
    return shown, "soon" if days <= SOON else "later"


def initials(name: str) -> str:
    """Return what stands for a person on a card: first letters of two words, or the end of a Chinese name."""
    parts = name.split()
    if not parts:
        return ""
    if not parts[0][0].isascii():
        return parts[0][-_SHOWN_LETTERS:]
    parts = [each for each in parts if each[0].isascii()]
    ends = parts if len(parts) <= _SHOWN_LETTERS else [parts[0], parts[-1]]
    return "".join(part[0] for part in ends).upper()


def cards(reader: Reader, entity: Entity, wish: Wish, locale: Locale) -> Cards:
    """Return the prepared cards of an entity; what who reads may not see of the wish is left out."""
    who = reader.access.principal
    key = ("cards", entity.key, wish, locale, who.roles, who.system, who.scopes)
    return reader.model.derive(key, lambda: _made(reader, entity, wish, locale))


def _made(reader: Reader, entity: Entity, wish: Wish, locale: Locale) -> Cards:
    select: dict[str, int] = {}
    cells: list[tuple[str, Cell, tuple[int, ...]]] = []
    for dotted in dict.fromkeys((wish.title, *wish.facts)):
        path = tuple(dotted.split("."))
        fields = seen(reader, entity, dotted)
        if fields is None:
            continue
        masked = mask_of(reader.access, fields) == "masked"
        made = cell(Asked(reader.model, fields[-1], path, locale, masked=masked))
        label = fields[-1].label.in_(locale.language)
        cells.append((label, made, tuple(select.setdefault(each, len(select)) for each in made.paths)))
    if not cells:
        # Whoever may not see the title sees that there is a record.
        made = cell(Asked(reader.model, entity.fields["id"], ("id",), locale))
        cells.append(("", made, (select.setdefault("id", len(select)),)))
    owner = ""
    if wish.owner and (known := readable(reader, entity, wish.owner)) is not None:
        owner = ".".join(linked_titles(reader.model, known, wish.owner.split(".")) or ())
    due = wish.due if wish.due and readable(reader, entity, wish.due) is not None else ""
    stale = wish.stale if readable(reader, entity, "updated_at") is not None else 0
    more = tuple(path for path in wish.more if readable(reader, entity, path) is not None)
    for wanted in (owner, due, "updated_at" if stale else "", *more):
        if wanted:
            select.setdefault(wanted, len(select))
    kept = Wish(wish.title, wish.facts, wish.owner, due, stale, more)
    return Cards(tuple(select), kept, entity, tuple(cells), select, owner, locale)


def seen(reader: Reader, entity: Entity, dotted: str) -> tuple[Field, ...] | None:
    """Return the fields along a path, where who reads sees what is at its end, be it masked."""
    fields = fields_along(reader.model, entity.key, dotted.split("."))
    return fields if fields and mask_of(reader.access, fields) != "hidden" else None


def readable(reader: Reader, entity: Entity, dotted: str) -> Field | None:
    """Return the field at the end of a path, where who reads sees its values."""
    fields = fields_along(reader.model, entity.key, dotted.split("."))
    return fields[-1] if fields and mask_of(reader.access, fields) == "read" and not fields[-1].secret else None


def plain(html: object) -> str:
    """Return the words of HTML."""
    return Markup(html).striptags()  # noqa: S704 - its marks are taken away


def _drawn(reader: Reader, made: Cell, columns: Sequence[Sequence[Any]]) -> Iterable[Markup]:
    """Return a column as HTML without links: the whole card is one."""
    first = next(iter(made.prepare(reader, columns)))
    return [Markup(each) if made.safe else escape(each or "") for each in first]  # noqa: S704 - the cell says it is
