"""How many records each choice of the quick filters would leave, told when the list is there.

The numbers are of records that the list shows to who asks, under the same rules: they tell what its count and its
groups tell, and nothing else.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from flask import Blueprint, jsonify
from werkzeug.wrappers import Response

from engine import Field, Reader
from ui.asking import reading
from ui.pages.list_state import carried
from ui.pages.listing import Listing, where_of
from ui.widgets.filters import NONE
from ui.widgets.paths import fields_along

MOST = 8
"""Filters that are counted."""
ME, OTHERS = "me", "\x00"

routes = Blueprint("facets", __name__)


@dataclass(frozen=True, slots=True)
class Facet:
    """A quick filter that can be counted, and what is chosen of it."""

    name: str
    path: str
    field: Field
    chosen: tuple[str, ...]

    def value(self, raw: Any, me: str | None) -> str:
        """Return the value of the filter that fits what a record holds."""
        if str(self.field.value_type) == "boolean":
            return "yes" if raw else "no"
        if raw is None:
            return NONE
        if self.field.choices:
            return str(raw)
        return ME if str(raw) == me else OTHERS


@routes.get("/<entity>/facets")
def counts(entity: str) -> Response:
    """Return, by filter and value, how many records the list would have if that were chosen in it."""
    with reading() as reader:
        asked = carried(reader, entity)
        found = {} if asked.problems else counted(reader, asked)
    return jsonify(found)


def counted(reader: Reader, asked: Listing) -> Mapping[str, Mapping[str, str]]:
    """Return how many records each value of each filter would leave, the other filters as they are; one statement."""
    facets = [each for each in (_facet(reader, asked, name) for name in asked.filters) if each is not None][:MOST]
    if not facets:
        return {}
    wanted = asked.wanted
    others = {name: values for name, values in wanted.chosen.items() if name not in {each.name for each in facets}}
    _rest, where, problems = where_of(reader, replace(wanted, chosen=others), asked.filters)
    if problems:
        return {}
    query = replace(asked.query, where=where, cursor=None)
    found = reader.facets(query, [each.path for each in facets])
    numbers: dict[str, Counter[str]] = {each.name: Counter() for each in facets}
    for raws, number in found.rows:
        values = [each.value(raw, reader.principal.id) for each, raw in zip(facets, raws, strict=True)]
        misses = [
            each.name for each, value in zip(facets, values, strict=True) if each.chosen and value not in each.chosen
        ]
        for each, value in zip(facets, values, strict=True):
            if not misses or misses == [each.name]:
                numbers[each.name][value] += number
    more = "+" if found.capped else ""
    return {
        each.name: {
            value: f"{numbers[each.name][value]:,}{more}" for value, _label in asked.filters[each.name].options
        }
        for each in facets
    }  # fmt: skip


def _facet(reader: Reader, asked: Listing, name: str) -> Facet | None:
    """Return a filter of one of few values; None for any other, and where something else is chosen in it."""
    made = asked.filters[name]
    path = name.removeprefix("f.")
    fields = fields_along(reader.model, asked.wanted.entity.key, path.split("."))
    field = fields[-1] if fields else None
    chosen = tuple(asked.wanted.chosen.get(name, ()))
    if field is None or made.kind != "choice" or not set(chosen) <= {value for value, _label in made.options}:
        return None
    single = field.choices and str(field.value_type) != "list"
    flag, person = str(field.value_type) == "boolean", field.type.links == "one" and field.target == "user"
    return Facet(name, path, field, chosen) if single or flag or person else None
