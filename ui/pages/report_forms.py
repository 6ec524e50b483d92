"""What the address of a report says: how somebody has changed its groups, numbers, columns and filters."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

from werkzeug.datastructures import MultiDict

from engine import (
    BadValue,
    Entity,
    Expr,
    ExpressionInvalid,
    Field,
    Message,
    Reader,
    Type,
    conjunction,
    parse,
)
from ui.asking import language
from ui.frame import said, words
from ui.widgets.filters import Filter, Moment, meaning, quick_filter
from ui.widgets.numbers import FUNCTIONS, UNITS
from ui.widgets.paths import mask_of

CHARTS = {
    "table": Message("Table alone"),
    "bar": Message("Bar chart"),
    "column": Message("Column chart"),
    "line": Message("Line chart"),
    "area": Message("Area chart"),
    "pie": Message("Pie chart"),
    "donut": Message("Ring chart"),
    "funnel": Message("Funnel"),
    "heatmap": Message("Heat map"),
}
_FILTER = "f."
_CALL = re.compile(r"([a-z_]+)\(([a-z0-9_.]*)\)")
_GROUPED = frozenset({Type.TEXT, Type.BOOLEAN, Type.LINK})
_LONG = frozenset({"longtext", "richtext"})


@dataclass(frozen=True, slots=True)
class Changes:
    """What the parameters of a report say."""

    own: bool = False
    """Whether they say groups, numbers and columns; otherwise those of the report stand."""
    by: tuple[str, ...] = ()
    across: tuple[str, ...] = ()
    show: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    chart: str = ""
    stacked: bool = False
    sort: str = ""
    filter: str = ""
    chosen: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Values of quick filters by parameter."""

    @classmethod
    def read(cls, given: MultiDict[str, str]) -> Changes:
        """Return what an address, or a form that repeats it, says."""

        def several(name: str) -> tuple[str, ...]:
            return tuple(dict.fromkeys(each for each in given.getlist(name) if each))

        chosen = {name: several(name) for name in given if name.startswith(_FILTER)}
        return cls(
            given.get("own") == "1",
            several("by"),
            several("across"),
            several("show"),
            several("column"),
            given.get("chart", ""),
            given.get("stacked") == "1",
            given.get("sort", ""),
            given.get("filter", "").strip(),
            {name: values for name, values in chosen.items() if values},
        )

    def parameters(self, **changes: str) -> Iterator[tuple[str, str]]:
        """Yield the parameters of its address, with some of the single ones changed."""
        single = {"chart": self.chart, "sort": self.sort, "filter": self.filter, **changes}
        if self.own:
            yield "own", "1"
            for name, values in (
                ("by", self.by),
                ("across", self.across),
                ("show", self.show),
                ("column", self.columns),
            ):
                yield from ((name, value) for value in values)
            if self.stacked:
                yield "stacked", "1"
        yield from ((name, value) for name, value in single.items() if value)
        for name, values in self.chosen.items():
            yield from ((name, value) for value in values)

    def query(self, **changes: str) -> str:
        """Return its part of an address behind the question mark."""
        return urlencode(list(self.parameters(**changes)), safe=".,:-_()", quote_via=quote)

    def body(self, base: Mapping[str, Any]) -> dict[str, Any]:
        """Return the values of the report's document with these changes."""
        made = dict(base)
        if self.own:
            made["group_by"], made["pivot"] = list(self.by), list(self.across)
            made["measures"] = self._measures(base.get("measures") or {})
            made["columns"] = list(self.columns) or base.get("columns") or []
            made["chart"] = self.chart or base.get("chart") or "table"
            made["stacked"] = self.stacked
            grouped = made["group_by"] or made["pivot"]
            if not grouped and not self.show:
                made.pop("measures")
        elif self.chart:
            made["chart"] = self.chart
        if self.sort:
            made["order"] = [self.sort]
        known = {*(made.get("measures") or {}), *_listed(made.get("group_by")), *_listed(made.get("pivot"))}
        if known:
            # What is no longer there is sorted by no more.
            made["order"] = [each for each in made.get("order") or () if each.removeprefix("-") in known]
            if self.own:
                made.pop("having", None)
        return {key: value for key, value in made.items() if value not in (None, [], {}, "")}

    def _measures(self, base: Mapping[str, Any]) -> dict[str, Any]:
        made: dict[str, Any] = {}
        for each in self.show:
            call = _CALL.fullmatch(each)
            if each in base:
                # A ratio needs the two numbers that it is of.
                for part in base[each].get("ratio") or ():
                    made.setdefault(part, base[part])
                made[each] = base[each]
            elif call is not None:
                name = "_".join(filter(None, (call[1], call[2].replace(".", "_"))))
                made[name] = {call[1]: call[2] or True}
        return made or {"count": {"count": True}}


def _listed(given: Any) -> list[str]:
    return [given] if isinstance(given, str) else list(given or ())


@dataclass(frozen=True, slots=True)
class Narrowed:
    """The filters of a report, and the condition that they come to."""

    filters: Mapping[str, Filter]
    where: Expr | None
    problem: str = ""
    """What is wrong with the typed expression or with a value."""


def narrowed_by(reader: Reader, entity: Entity, offered: tuple[str, ...], changes: Changes) -> Narrowed:
    """Return the filters that a report offers, with those that its address names, and what they say."""
    paths = dict.fromkeys((*offered, *(name.removeprefix(_FILTER) for name in changes.chosen)))
    made = {
        f"{_FILTER}{path}": found
        for path in paths
        if (found := quick_filter(reader.access, entity.key, path.split("."), language())) is not None
    }
    parts: list[Expr] = []
    try:
        moment = Moment(reader.access.env()["today"], reader.access.principal.timezone)
        known = {name: values for name, values in changes.chosen.items() if name in made}
        chosen = meaning(made, known, moment)
        parts += [chosen] if chosen is not None else []
        parts += [parse(changes.filter)] if changes.filter else []
    except (BadValue, ExpressionInvalid) as error:
        return Narrowed(made, None, said(error.message))
    return Narrowed(made, conjunction(*parts) if parts else None)


@dataclass(frozen=True, slots=True)
class Choices:
    """What a report can be made of, for its form: (value, words) in groups."""

    groups: list[tuple[str, list[tuple[str, str]]]]
    numbers: list[tuple[str, str]]
    columns: list[tuple[str, str]]


def choices_of(reader: Reader, entity: Entity) -> Choices:
    """Return the groups, numbers and columns that somebody can choose for a report of an entity."""
    spoken = language()
    here = [each for each in entity.fields.values() if _seen(reader, each)]
    groups = [(entity.label.in_(spoken), [pair for each in here for pair in _parts(each, each.key, spoken)])]
    for link in here:
        target = reader.model.entities.get(link.target or "") if link.type.links == "one" else None
        if target is not None and target.key != "user":
            inner = [each for each in target.fields.values() if each.choices and _seen(reader, each)]
            pairs = [(f"{link.key}.{each.key}", each.label.in_(spoken)) for each in inner]
            groups.append((link.label.in_(spoken), pairs))
    numbers = [("count()", words("Number of records"))]
    for each in here:
        name = each.label.in_(spoken)
        if each.value_type is Type.NUMBER and not each.system and not each.choices:
            numbers += [(f"{key}({each.key})", Message(FUNCTIONS[key].template, field=name).in_(spoken))
                        for key in ("sum", "avg", "min", "max")]  # fmt: skip
        elif each.type.links == "one" and not each.system:
            numbers.append((f"count_distinct({each.key})", words("Different {field}", field=name)))
    columns = [(each.key, each.label.in_(spoken)) for each in here if each.type.links != "children"]
    return Choices([each for each in groups if each[1]], numbers, columns)


def _seen(reader: Reader, each: Field) -> bool:
    technical = each.system and each.key in {"id", "version", "deleted_at", "external_id", "origin"}
    return not technical and not each.hidden and not each.secret and mask_of(reader.access, [each]) == "read"


def _parts(each: Field, key: str, spoken: str) -> Iterator[tuple[str, str]]:
    """Yield the ways in which a field makes groups."""
    label = each.label.in_(spoken)
    if each.value_type in {Type.DATE, Type.DATETIME}:
        for unit, name in UNITS.items():
            yield f"{unit}({key})", Message(name.template, field=label).in_(spoken)
    elif str(each.value_type) != "list" and each.storage is not None:
        plain = each.value_type in _GROUPED and each.type.links in {"", "one"} and each.type.name not in _LONG
        if each.choices or plain:
            yield key, label
