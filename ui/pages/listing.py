"""What the address of a list says, and the query that it stands for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote, urlencode

from werkzeug.datastructures import MultiDict

from engine import (
    BadValue,
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
    View,
    conjunction,
    is_id,
    offered,
    parse,
)
from ui.asking import language
from ui.widgets.filters import RESERVED, Filter, Moment, meaning, quick_filter
from ui.widgets.tables import Mode, Table, dotted, table

PAGE = 50
"""Rows that come at a time."""
TABLE = "table"
"""The display of a list that is a table; the others are those of ui/pages/displays.py."""
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

    def parameters(self) -> Iterator[tuple[str, str]]:
        """Yield the parameters of its address, those that say nothing left out."""
        if not self.is_default:
            yield "view", self.view.key
        for name, values in self.chosen.items():
            yield from ((name, value) for value in values)
        for name, text in (("q", self.words), ("filter", self.filter), ("order", self.order), ("cursor", self.cursor)):
            if text:
                yield name, text
        if self.rows != PAGE:
            yield "rows", str(self.rows)
        if self.display != (self.view.display or TABLE):
            yield "as", self.display
        yield from self.extra.items()

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


def entity_of(reader: Reader, key: str) -> Entity:
    """Return an entity that who reads may know of.

    Raises:
        NotFound: there is none, or they may read none of its records.
    """
    entity = reader.model.entities.get(key)
    if entity is None or not reader.access.may(key, "read"):
        raise NotFound(Message("There is no {key}", key=key))
    return entity


def views_of(reader: Reader, entity: str) -> list[View]:
    """Return the views of an entity that are offered to who reads, the usual one first; it, when none is."""
    first = reader.model.default_view(entity)
    known = [first, *(each for each in reader.model.views.values() if each.entity == entity and each is not first)]
    return [each for each in known if offered(reader.access, each)] or [first]


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
    reader: Reader, view: View, given: MultiDict[str, str], filters: Mapping[str, Filter]
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


def wanted_of(
    reader: Reader, entity: Entity, given: MultiDict[str, str], filters: Mapping[str, Filter], view: View
) -> Wanted:
    """Return what the parameters say; what they say wrongly is as if it was not said."""
    chosen = {name: tuple(value for value in given.getlist(name) if value) for name in filters if name in given}
    rows = given.get("rows", PAGE, type=int)
    return Wanted(
        entity,
        view,
        view is reader.model.default_view(entity.key),
        given.get("q", "").strip(),
        given.get("filter", "").strip(),
        {name: values for name, values in chosen.items() if values},
        given.get("order", ""),
        given.get("cursor", ""),
        min(max(rows, 1), MOST),
        given.get("as") or view.display or TABLE,
    )


def listing(reader: Reader, key: str, given: MultiDict[str, str]) -> Listing:
    """Return the list that an address asks for.

    Raises:
        NotFound: there is no such entity or view for who reads.
    """
    entity = entity_of(reader, key)
    views = views_of(reader, key)
    asked = reader.model.views.get(given.get("view", ""))
    if asked is not None and asked.entity == key and asked not in views:
        raise NotFound(Message("There is no {key}", key=asked.key))
    view = next((each for each in views if each.key == given.get("view")), views[0])
    filters = filters_of(reader, view)
    filters = {**filters, **further_filters(reader, view, given, filters)}
    wanted = wanted_of(reader, entity, given, filters, view)
    shown = table_of(reader, entity, view)
    order = _order(wanted.order, shown)
    if not order:
        wanted = replace(wanted, order="")
    where, problems = _where(reader, wanted, filters)
    query = Query(
        entity=entity.key,
        select=shown.select,
        where=where,
        search=wanted.words or None,
        order_by=order or view.order,
        limit=wanted.rows,
        cursor=wanted.cursor or None,
    )
    return Listing(wanted, shown, filters, query, problems)


def table_of(reader: Reader, entity: Entity, view: View, mode: Mode = "list") -> Table:
    """Return the table of a view for who reads."""
    columns = [each for each in view.columns.values() if not each.hidden]
    return table(reader.access, entity, columns, locale_of(reader), view.key, mode)


def _order(asked: str, shown: Table) -> tuple[Order, ...]:
    path = asked.removeprefix("-")
    if not path or path not in {head.sort for head in shown.heads}:
        return ()
    return (Order(tuple(path.split(".")), descending=asked.startswith("-")),)


def _where(
    reader: Reader, wanted: Wanted, filters: Mapping[str, Filter]
) -> tuple[Expr | None, tuple[ExpressionProblem, ...]]:
    parts: list[Expr] = [wanted.view.where] if wanted.view.where is not None else []
    problems: Sequence[ExpressionProblem] = ()
    try:
        moment = Moment(reader.access.env()["today"], reader.access.principal.timezone)
        chosen = meaning(filters, wanted.chosen, moment)
        if chosen is not None:
            parts.append(chosen)
        if wanted.filter:
            parts.append(parse(wanted.filter))
    except BadValue as error:
        problems = [ExpressionProblem(error.message)]
    except ExpressionInvalid as error:
        problems = error.problems
    return (conjunction(*parts) if parts else None), tuple(problems)


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


def sorted_by(wanted: Wanted) -> tuple[str, bool]:
    """Return the path that the list is sorted by first, and whether it falls."""
    orders = (wanted.order,) if wanted.order else dotted(wanted.view.order)
    first = orders[0] if orders else ""
    return first.removeprefix("-"), first.startswith("-")
