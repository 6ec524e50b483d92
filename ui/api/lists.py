"""Lists over REST: pages of records, groups with their numbers, and whole queries as JSON."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from flask import Blueprint, Response, request

from engine import SUGAR, Message, Query, Reader, conjunction, query_paths, sugared
from ui.api.body import answer, given, parameters
from ui.api.deprecation import named
from ui.api.problems import BadRequest
from ui.api.titles import titles, wanted
from ui.asking import reading, site

PARAMETERS = ("filter", "fields", "order", "limit", "cursor", "q", "trashed", "ids", "count", "titles")
"""What a list can be asked for, beside conditions such as `amount[ge]`."""

routes = Blueprint("lists", __name__)


@routes.get("/<entity>")
def listing(entity: str) -> Response:
    """Return one page of records."""
    asked = parameters(*PARAMETERS, more=SUGAR)
    counted, titled = _counted(asked.get("count")), wanted(asked.get("titles"))
    query = Query.from_params(entity, asked, most=site().config.limits.rows_per_page)
    with reading() as reader:
        reader.access.require(entity, "read")
        if len(asked) < len(request.args):
            condition = sugared(reader, entity, request.args.items(multi=True))
            known = [each for each in (query.where, condition) if each is not None]
            query = replace(query, where=conjunction(*known))
        named(reader, entity, query_paths(query))
        return _answered(reader, query, counted=counted, titled=titled)


@routes.post("/<entity>/query")
def query(entity: str) -> Response:
    """Answer a whole query."""
    body = given()
    counted, titled = _counted(body.pop("count", None)), _flag(body.pop("titles", False))
    wanted_query = Query.from_json(entity, body, most=site().config.limits.rows_per_page)
    with reading() as reader:
        reader.access.require(entity, "read")
        named(reader, entity, query_paths(wanted_query))
        return _answered(reader, wanted_query, counted=counted, titled=titled)


def _answered(reader: Reader, query: Query, *, counted: bool, titled: bool) -> Response:
    if query.aggregates or query.group_by:
        if counted:
            raise BadRequest(Message("Groups are not counted; ask for count() among the numbers"))
        page = reader.aggregate(query)
        return answer({"data": page.json(), "next": page.next_cursor})
    query = replace(query, select=_selected(reader, query.entity, query.select))
    page = reader.query(query)
    rows = page.json()
    body: dict[str, Any] = {"data": rows, "next": page.next_cursor}
    if counted:
        body["count"] = str(reader.count(query))
    if titled:
        body["titles"] = titles(reader, query.entity, rows)
    return answer(body)


def _counted(given_: Any) -> bool:
    """Return whether the records are to be counted, which costs more than the page.

    Raises:
        BadRequest: it says something else than `capped`.
    """
    if given_ is not None and given_ not in ("", "capped"):
        raise BadRequest(Message("count may be capped"))
    return bool(given_ == "capped")


def _flag(given_: Any) -> bool:
    if not isinstance(given_, bool):
        raise BadRequest(Message("titles is true or false"))
    return given_


def _selected(reader: Reader, entity: str, asked: tuple[str, ...]) -> tuple[str, ...]:
    """Return the paths of a list: the id and what was asked for, else every field that a row of a table can hold."""
    if asked:
        return asked if "id" in asked else ("id", *asked)
    known = reader.model.entity(entity).fields
    return tuple(key for key in reader.columns(entity) if known[key].type.links not in {"many", "children"})
