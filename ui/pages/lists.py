"""Lists: the records of an entity in the columns of a view, filtered, sorted and found by words; a page at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from tempfile import SpooledTemporaryFile
from typing import Any

from flask import Blueprint, Response, make_response, redirect, render_template, request, send_file

from engine import Count, ExpressionInvalid, ExpressionProblem, QueryInvalid, Reader, RowSet
from ui.asking import principal, reading, site
from ui.frame import htmx, is_fragment, page, words
from ui.pages import displays
from ui.pages.duplicates import watching
from ui.pages.filter_builder import said_filter
from ui.pages.grouping import choices_of, grouped, inside, totals
from ui.pages.listing import MOST, PAGE, Listing, chips_of, listing, sorted_by
from ui.pages.view_tabs import tabs_of

UNPROCESSABLE = 422
IN_MEMORY = 4 * 2**20
"""Bytes of an export that are kept in memory; a larger one goes through a file."""
ABILITIES = ("update", "delete")

routes = Blueprint("lists", __name__)


@routes.get("/<entity>")
def records(entity: str) -> Response:
    """Show a list; with htmx only the part below the filters."""
    with reading() as reader:
        asked, display = displays.settle(reader, listing(reader, entity, request.args), request.args)
        drawn = display.draw(reader, asked) if display is not None and not asked.problems else None
        if drawn is not None and is_fragment():
            response = make_response(drawn.html + _beside(reader, asked), drawn.status)
            response.headers["HX-Push-Url"] = asked.wanted.address()
            return response
        if drawn is not None:
            return make_response(page("list.html", reader, problems=(), **_around(reader, asked, drawn)), drawn.status)
        values, status = _page(reader, asked)
        if request.args.get("count") == "1" and status != UNPROCESSABLE:
            values["count"] = counted(reader.count(asked.query))
        if is_fragment():
            response = make_response(render_template("_list.html", **values) + _beside(reader, asked, **values), status)
            response.headers["HX-Push-Url"] = asked.wanted.address()
            return response
        return make_response(page("list.html", reader, **{**values, **_around(reader, asked)}), status)


@routes.get("/<entity>/rows")
def rows(entity: str) -> Response:
    """Return the rows after a cursor, and the link to those after them."""
    with reading() as reader:
        asked = listing(reader, entity, request.args)
        query = inside(reader, asked) if asked.wanted.inside else asked.query
        found = reader.query(replace(query, limit=PAGE), abilities=ABILITIES)
        before = min(request.args.get("before", 0, type=int), MOST)
        shown = {"rows": asked.table.rows(reader, found), "width": asked.table.width, **_more(asked, found, before)}
    response = make_response(render_template("_rows.html", **shown))
    if htmx and not asked.wanted.inside:
        # Who comes back finds the rows that they had reached.
        rows_now = min(before + len(found), MOST)
        response.headers["HX-Replace-Url"] = asked.wanted.address(cursor="", rows=max(rows_now, PAGE))
    return response


@routes.get("/<entity>/count")
def count(entity: str) -> Response:
    """Return how many records there are, in words; counting costs more than a page, so it is asked for apart."""
    with reading() as reader:
        asked = listing(reader, entity, request.args)
        found = reader.count(asked.query)
    return make_response(render_template("_count.html", count=counted(found)))


@routes.get("/<entity>/totals")
def sums(entity: str) -> Response:
    """Return the row of numbers below the columns, over all that the list has."""
    with reading() as reader:
        asked = listing(reader, entity, request.args)
        _number, found = totals(reader, asked)
    shown = {"sums": found, "width": asked.table.width}
    return make_response(render_template("_totals.html", **shown))


@routes.get("/<entity>/columns.css")
def style(entity: str) -> Response:
    """Return what a table's columns need of style: their labels on a phone, how they are aligned, how wide they are."""
    with reading() as reader:
        asked = listing(reader, entity, request.args)
    response = Response(asked.table.style, mimetype="text/css")
    # The address names the content, so what a browser keeps is never wrong.
    response.headers["Cache-Control"] = "private, max-age=31536000, immutable"
    return response


@routes.get("/<entity>/export.csv")
def export(entity: str) -> Response:
    """Send what the list shows, all pages and all fields of it, as a table that an import takes back."""
    with reading() as reader:
        asked = listing(reader, entity, request.args)
        reader.access.require(entity, "export")
        if asked.problems:
            raise QueryInvalid(asked.problems[0].message, asked.problems)
        if site().exports.allowance(reader).reason:
            return make_response(redirect(asked.wanted.address("/export", cursor="", rows=PAGE), 303))
        name = f"{entity}-{reader.access.env()['today'].isoformat()}.csv"
    file = SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115 - closed when it was sent
    try:
        site().export(principal(), entity, file, where=asked.query.where, search=asked.query.search)
    except BaseException:
        file.close()
        raise
    file.seek(0)
    return send_file(file, mimetype="text/csv", as_attachment=True, download_name=name)


def counted(found: Count) -> str:
    """Return a count in words."""
    if found.number == 1 and not found.capped:
        return words("1 record")
    return words("{count} records", count=f"{found.number:,}{'+' if found.capped else ''}")


def _page(reader: Reader, asked: Listing) -> tuple[dict[str, Any], int]:
    """Return what the part below the filters shows, and the status."""
    wanted, problems, found, groups = asked.wanted, asked.problems, None, None
    if not problems:
        try:
            if asked.bucket is not None:
                groups = grouped(reader, asked)
                asked = groups.asked
            if groups is None or groups.groups:
                query = inside(reader, asked) if asked.wanted.inside else asked.query
                found = reader.query(query, abilities=ABILITIES)
        except (QueryInvalid, ExpressionInvalid) as error:
            problems = tuple(error.problems) or (ExpressionProblem(error.message),)
            if not wanted.filter:
                raise
    order = {path: each for path, each in sorted_by(wanted).items() if path in asked.table.sorts}
    shown: dict[str, Any] = {
        "entity": wanted.entity,
        "wanted": wanted,
        "heads": asked.table.heads,
        "width": asked.table.width,
        "sorted": order,
        "order_text": ",".join(f"{'-' if falls else ''}{path}" for path, (_place, falls) in order.items()),
        "problems": problems,
        "rows": "" if found is None else asked.table.rows(reader, found),
        "any": bool(found),
        "may_create": reader.access.may(wanted.entity.key, "create"),
        "may_change": reader.access.may(wanted.entity.key, "update"),
        "may_delete": reader.access.may(wanted.entity.key, "delete"),
        "may_export": reader.access.may(wanted.entity.key, "export"),
        "may_import": reader.access.may(wanted.entity.key, "import") and not wanted.entity.parent,
        "limited": not reader.access.rule(wanted.entity.key, "read").everybody,
        "count": "",
        "more": None,
        "groups": groups,
        "sums": None,
    }
    if wanted.totals and found is not None:
        number, shown["sums"] = totals(reader, asked)
        shown["count"] = counted(number)
    if found is not None:
        shown.update(_more(asked, found, 0))
        if found.next_cursor is None and not wanted.cursor and groups is None and not shown["count"]:
            shown["count"] = counted(Count(len(found), capped=False))
    return shown, UNPROCESSABLE if problems else 200


def _more(asked: Listing, found: RowSet, before: int) -> dict[str, Any]:
    """Return the addresses of the next page: as rows to add, and as a page of its own."""
    if found.next_cursor is None:
        return {"more": None}
    following = asked.wanted.address(cursor=found.next_cursor, rows=PAGE)
    rows_address = asked.wanted.address("/rows", cursor=found.next_cursor, rows=PAGE)
    return {"more": {"page": following, "rows": f"{rows_address}&before={before + len(found)}"}}


def _beside(reader: Reader, asked: Listing, problems: Sequence[ExpressionProblem] = (), **_shown: Any) -> str:
    """Return what stands around a list and says how it is narrowed and what differs from its view, out of band."""
    return render_template(
        "_beside.html", entity=asked.wanted.entity, wanted=asked.wanted, problems=problems, arranged=asked.arranged,
        views=tabs_of(reader, asked), chips=chips_of(reader, asked), said_filter=said_filter(reader, asked.wanted),
    )  # fmt: skip


def _around(reader: Reader, asked: Listing, drawn: displays.Drawn | None = None) -> dict[str, Any]:
    """Return what stands above the list, and what stands in its place where it is not a table."""
    wanted = asked.wanted
    key = wanted.entity.key
    return {
        "entity": wanted.entity,
        "wanted": wanted,
        "drawn": drawn,
        "title": wanted.view.title if not wanted.is_default else wanted.entity.plural,
        "views": tabs_of(reader, asked),
        "gone": asked.gone,
        "arranged": asked.arranged,
        "displays": displays.choices(reader, wanted),
        "may_create": reader.access.may(key, "create"),
        "may_export": reader.access.may(key, "export"),
        "filters": list(asked.filters.values()),
        "chips": chips_of(reader, asked),
        "group_choices": choices_of(reader, wanted.entity, wanted.group),
        "said_filter": said_filter(reader, wanted),
        "field_names": asked.table.select,
        "style": f"/{key}/columns.css?view={wanted.view.key}&v={asked.table.style_key}",
        "may_import": reader.access.may(key, "import") and not wanted.entity.parent,
        "duplicates": watching(reader, key) if reader.access.may(key, "update") else "",
        "searchable": "search" in wanted.entity.features or any(wanted.entity.search_fields),
    }
