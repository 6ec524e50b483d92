"""What the address of a list says, and the query that it stands for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote, urlencode

from werkzeug.datastructures import MultiDict

from engine import (
    BadValue,
    Bucket,
    Entity,
    Expr,
    ExpressionInvalid,
    ExpressionProblem,
    Locale,
    Message,
    NotFound,
    Order,
    Query,
    Reader,
    SavedView,
    Shown,
    View,
    Views,
    conjunction,
    is_id,
    parse,
)
from ui.asking import language
from ui.pages.chosen_view import Picked, pick
from ui.widgets.buckets import bucket_of
from ui.widgets.filters import RESERVED, Filter, Moment, meaning, quick_filter
from ui.widgets.tables import Mode, Table, dotted, table

PAGE = 50
"""Rows that come at a time."""
TABLE = "table"
"""The display of a list that is a table; the others are those of ui/pages/displays.py."""
MOST_ORDERS = 4
"""Columns that a list is sorted by at a time."""
MOST = 500
"""Rows that come back at once when somebody returns to a list that they had scrolled through."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the parameters of a list say."""

    entity: Entity
    view: View
    is_default: bool
    words: str = ""
    filter: str = ""
    """The expression, as it was typed."""
    chosen: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Values of quick filters by parameter."""
    order: str = ""
    """Dotted path, with - in front for descending; "" = as the view says."""
    cursor: str = ""
    rows: int = PAGE
    display: str = TABLE
    """How the records are shown."""
    extra: Mapping[str, str] = field(default_factory=dict)
    """Parameters of that display."""
    group: str = ""
    """What the rows stand together by: `stage`, `month(closes_on)`; "" = nothing."""
    totals: bool = False
    """Whether sums of all rows stand below the list."""
    inside: str = ""
    """The group whose rows are shown."""
    kept: Shown = field(default_factory=Shown)
    """What the view shows by itself: only what differs from it stands in an address."""
    saved: SavedView | None = None
    """The view, where somebody saved it."""

    def parameters(self) -> Iterator[tuple[str, str]]:
        """Yield the parameters of its address, those that say nothing left out."""
        if not self.is_default:
            yield "view", self.view.key
        yield from self.changes()
        if self.inside:
            yield "in", self.inside
        if self.cursor:
            yield "cursor", self.cursor
        if self.rows != PAGE:
            yield "rows", str(self.rows)

    def changes(self) -> Iterator[tuple[str, str]]:
        """Yield the parameters by which it differs from its view; an empty one takes away what the view has."""
        kept = self.kept
        for name in dict.fromkeys((*kept.chosen, *self.chosen)):
            values = tuple(self.chosen.get(name, ()))
            if values != tuple(kept.chosen.get(name, ())):
                yield from ((name, value) for value in values or ("",))
        said = {"q": (self.words, kept.words), "filter": (self.filter, kept.filter), "order": (self.order, kept.order)}
        said["group"] = self.group, kept.group
        said["totals"] = "1" if self.totals else "", "1" if kept.totals else ""
        yield from ((name, now) for name, (now, before) in said.items() if now != before)
        if self.display != (kept.display or TABLE):
            yield "as", self.display
        extra = dict(kept.extra) if self.display == (kept.display or TABLE) else {}
        yield from ((name, value) for name, value in self.extra.items() if extra.get(name) != value)

    @property
    def changed(self) -> bool:
        """Say whether it shows something else than its view does by itself.

        Another drawing of the same rows is a look at them; only who saved the view may want to keep it.
        """
        looks = () if self.saved else ("as", *self.extra)
        return any(name not in looks for name, _ in self.changes())

    def address(self, below: str = "", **changes: Any) -> str:
        """Return the address of this list, or of a page below it, with some of what it says changed."""
        wanted = replace(self, **changes) if changes else self
        asked = urlencode(list(wanted.parameters()), safe=".,:-_", quote_via=quote)
        path = f"/{self.entity.key}{below}"
        return f"{path}?{asked}" if asked else path

    @property
    def narrowed(self) -> bool:
        """Say whether it shows less than its view does."""
        return bool(self.words or self.filter or self.chosen)


@dataclass(frozen=True, slots=True)
class Listing:
    """A list, ready to be asked for."""

    wanted: Wanted
    table: Table
    filters: Mapping[str, Filter]
    query: Query
    problems: tuple[ExpressionProblem, ...] = ()
    """What is wrong with the typed expression or with the value of a filter."""
    gone: int = 0
    """How many columns and conditions of a saved view are left out, since they are gone or hidden."""
    arranged: bool = False
    """Whether the person chose other columns than those of the view."""
    known: Views = field(default_factory=Views)
    """What there is of saved views."""
    without_filter: Expr | None = None
    """The condition of the query but for the expression that was typed."""
    bucket: Bucket | None = None
    """What the rows stand together by."""


def entity_of(reader: Reader, key: str) -> Entity:
    """Return an entity that who reads may know of.

    Raises:
        NotFound: there is none, or they may read none of its records.
    """
    entity = reader.model.entities.get(key)
    if entity is None or not reader.access.may(key, "read"):
        raise NotFound(Message("There is no {key}", key=key))
    return entity


def locale_of(reader: Reader) -> Locale:
    """Return how who reads wants values written."""
    return Locale(language(), reader.access.principal.timezone, reader.model.currency)


def filters_of(reader: Reader, view: View) -> Mapping[str, Filter]:
    """Return the quick filters of a view by parameter, those that may be used by who reads."""
    who, spoken = reader.access.principal, language()

    def make() -> Mapping[str, Filter]:
        made = (quick_filter(reader.access, view.entity, path.split("."), spoken) for path in view.filters)
        return {each.name: each for each in made if each is not None}

    return reader.model.derive(("filters", view.key, spoken, who.roles, who.system, who.scopes), make)


def further_filters(
    reader: Reader, view: View, given: Iterable[str], filters: Mapping[str, Filter]
) -> Mapping[str, Filter]:
    """Return the filters that an address names beside those of the view: a link may narrow by any field."""
    found = {}
    for name in given:
        path = name.removeprefix("f.") if name not in RESERVED else ""
        if name in filters or not path:
            continue
        made = quick_filter(reader.access, view.entity, path.split("."), language())
        if made is not None and made.name == name:
            found[name] = made
    return found


def wanted_of(entity: Entity, given: MultiDict[str, str], filters: Mapping[str, Filter], picked: Picked) -> Wanted:
    """Return what the parameters say, and where they say nothing the view; what they say wrongly is not said."""
    kept = picked.kept
    chosen = {
        name: tuple(filter(None, given.getlist(name) if name in given else kept.chosen.get(name, ())))
        for name in filters
        if name in given or name in kept.chosen
    }
    rows = given.get("rows", PAGE, type=int)
    return Wanted(
        entity,
        picked.view,
        picked.is_default,
        given.get("q", kept.words).strip(),
        given.get("filter", kept.filter).strip(),
        {name: values for name, values in chosen.items() if values},
        ",".join(filter(None, given.getlist("order"))) if "order" in given else kept.order,
        given.get("cursor", ""),
        min(max(rows, 1), MOST),
        given.get("as") or kept.display or TABLE,
        group=given.get("group", kept.group),
        inside=given.get("in", ""),
        totals=given.get("totals", "1" if kept.totals else "") == "1",
        kept=kept,
        saved=picked.saved,
    )


def listing(reader: Reader, key: str, given: MultiDict[str, str]) -> Listing:
    """Return the list that an address asks for.

    Raises:
        NotFound: there is no such entity or view for who reads.
    """
    entity = entity_of(reader, key)
    picked = pick(reader, entity, given.get("view", ""))
    filters = filters_of(reader, picked.base)
    filters = {**filters, **further_filters(reader, picked.view, [*given, *picked.kept.chosen], filters)}
    wanted = wanted_of(entity, given, filters, picked)
    gone = picked.gone + sum(name not in filters for name in picked.kept.chosen)
    shown = table_of(reader, entity, picked.view, own=picked.arranged or picked.saved is not None)
    order = _order(wanted.order, shown)
    if not order and wanted.order:
        wanted = replace(wanted, order="", kept=replace(wanted.kept, order=""))
    bucket = bucket_of(reader.access, key, wanted.group)
    if bucket is None and (wanted.group or wanted.inside):
        kept = replace(wanted.kept, group="") if wanted.group == wanted.kept.group else wanted.kept
        wanted = replace(wanted, group="", inside="", kept=kept)
    rest, where, problems = where_of(reader, wanted, filters)
    query = Query(
        entity=entity.key,
        select=shown.select,
        where=where,
        search=wanted.words or None,
        order_by=order or picked.view.order,
        limit=wanted.rows,
        cursor=wanted.cursor or None,
    )
    return Listing(wanted, shown, filters, query, problems, gone, picked.arranged, picked.known, rest, bucket)


def table_of(reader: Reader, entity: Entity, view: View, mode: Mode = "list", *, own: bool = False) -> Table:
    """Return the table of a view for who reads; `own` = its columns are not those of a document."""
    columns = [each for each in view.columns.values() if not each.hidden]
    return table(reader.access, entity, columns, locale_of(reader), view.key, mode, own=own)


def _order(asked: str, shown: Table) -> tuple[Order, ...]:
    known = {head.sort for head in shown.heads if head.sort}
    parts = [each.strip() for each in asked.split(",")][:MOST_ORDERS]
    found = [(each.removeprefix("-"), each.startswith("-")) for each in parts]
    return tuple(Order(tuple(path.split(".")), descending=falls) for path, falls in found if path in known)


def where_of(
    reader: Reader, wanted: Wanted, filters: Mapping[str, Filter]
) -> tuple[Expr | None, Expr | None, tuple[ExpressionProblem, ...]]:
    """Return the condition without the typed expression, the whole, and what is wrong."""
    parts: list[Expr] = [wanted.view.where] if wanted.view.where is not None else []
    typed: list[Expr] = []
    problems: Sequence[ExpressionProblem] = ()
    try:
        moment = Moment(reader.access.env()["today"], reader.access.principal.timezone)
        chosen = meaning(filters, wanted.chosen, moment)
        if chosen is not None:
            parts.append(chosen)
        if wanted.filter:
            typed.append(parse(wanted.filter))
    except BadValue as error:
        problems = [ExpressionProblem(error.message)]
    except ExpressionInvalid as error:
        problems = error.problems
    rest = conjunction(*parts) if parts else None
    return rest, (conjunction(*parts, *typed) if parts or typed else None), tuple(problems)


@dataclass(frozen=True, slots=True)
class Chip:
    """A record that the list is narrowed to, with the address of the list without that."""

    name: str
    value: str
    label: str
    title: str
    without: str


def chips_of(reader: Reader, asked: Listing) -> list[Chip]:
    """Return the records that filters name by their ids: what nobody could read in an input."""
    wanted = asked.wanted
    named = [
        (asked.filters[name], value)
        for name, values in wanted.chosen.items()
        for value in values
        if asked.filters[name].target and is_id(value)
    ]
    ids: dict[str, list[str]] = {}
    for by, value in named:
        ids.setdefault(by.target, []).append(value)
    titles = {target: reader.titles(target, values) for target, values in ids.items()}
    return [
        Chip(by.name, value, by.label, titles[by.target].get(value) or "…", _without(wanted, by.name, value))
        for by, value in named
    ]


def _without(wanted: Wanted, name: str, value: str) -> str:
    left = {
        key: tuple(each for each in values if (key, each) != (name, value)) for key, values in wanted.chosen.items()
    }
    return wanted.address(chosen={key: values for key, values in left.items() if values}, cursor="", rows=PAGE)


def sorted_by(wanted: Wanted) -> Mapping[str, tuple[int, bool]]:
    """Return the paths that the list is sorted by, the first first: path -> (its number from 1, whether it falls)."""
    orders = wanted.order.split(",") if wanted.order else dotted(wanted.view.order)
    found: dict[str, tuple[int, bool]] = {}
    for each in (part.strip() for part in orders):
        found.setdefault(each.removeprefix("-"), (len(found) + 1, each.startswith("-")))
    return found
