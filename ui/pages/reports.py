"""Reports: questions of documents, and those that people made of them, with tables, charts, filters and files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response, make_response, redirect, request
from markupsafe import Markup

from engine import (
    AccessDenied,
    Column,
    Entity,
    Event,
    ExpressionInvalid,
    Message,
    NotFound,
    OwnReport,
    Query,
    QueryInvalid,
    QueryTooSlow,
    Reader,
    RecordInvalid,
    ReportDoc,
    all_reports,
    ask_numbers,
    conjunction,
    dump,
    is_offered,
    report_of,
    reports_for,
    to_text,
)
from ui.asking import principal, reading, site
from ui.frame import notice, page, said, words
from ui.pages.cards import answered, table_of
from ui.pages.dashboards import numbers_file
from ui.pages.filter_builder import said_of
from ui.pages.listing import locale_of
from ui.pages.report_forms import CHARTS, Changes, Narrowed, choices_of, narrowed_by
from ui.pages.views import audience_of, sharing_of
from ui.widgets.grids import narrowed as narrowed_list
from ui.widgets.grids import whole_list
from ui.widgets.numbers import measure_label
from ui.widgets.tables import Table, table

OWN = "own."
"""Begins the names of reports that belong to one person."""
ROWS = 100
_UNPROCESSABLE = 422
_MOST_BY = 3

routes = Blueprint("reports", __name__)


@dataclass(frozen=True, slots=True)
class Asked:
    """A report as it is asked for."""

    name: str
    title: str
    base: Mapping[str, Any]
    """The values of its document, without the changes."""
    made: ReportDoc
    """With the changes."""
    changes: Changes
    entity: Entity
    narrowed: Narrowed
    own: bool
    """Whether it belongs to the person."""
    may_share: bool = False
    """Whether they may share it and throw it away."""


@dataclass(frozen=True, slots=True)
class Sorting:
    """Where the head of a column leads."""

    address: str
    now: str = ""
    """"ascending" or "descending" when the report is sorted by it."""


@routes.get("/report/")
def index() -> str:
    """List the reports that somebody is offered, and their own."""
    with reading() as reader:
        groups: dict[str, list[ReportDoc]] = {}
        for each in reports_for(reader.access):
            groups.setdefault(each.question.entity, []).append(each)
        model, me = reader.model, reader.principal.id
        saved = site().own_reports.of(reader.connection, reader.principal)
        kinds = [
            each
            for each in model.entities.values()
            if each.layer != "core" and each.parent is None and reader.access.may(each.key, "read")
        ]
        return page(
            "reports.html",
            reader,
            groups=[(model.entity(key), several) for key, several in groups.items()],
            mine=[each for each in saved if each.owner_id == me and model.entities.get(each.entity) in kinds],
            shared=[each for each in saved if each.owner_id != me and model.entities.get(each.entity) in kinds],
            kinds=kinds,
        )


@routes.get("/report/new")
def new() -> Response:
    """Show a report that is being made, of one kind of record."""
    with reading() as reader:
        key = request.args.get("entity", "")
        entity = reader.model.entities.get(key)
        if entity is None or not reader.access.may(key, "read"):
            raise NotFound(Message("There is no {key}", key=key))
        base = {"entity": key, "measures": {"count": {"count": True}}}
        return _page(reader, _asked(reader, "new", words("New report"), base, own=False), editing=True)


@routes.get("/report/<name>")
def report(name: str) -> Response:
    """Show a report."""
    with reading() as reader:
        return _page(reader, _named(reader, name), editing=request.args.get("edit") == "1")


@routes.get("/report/<name>/columns.css")
def style(name: str) -> Response:
    """Return what the columns of a report's list need of style."""
    with reading() as reader:
        asked = _named(reader, name)
        shown = _list_table(reader, asked)
    response = Response(shown.style, mimetype="text/css")
    response.headers["Cache-Control"] = "private, max-age=31536000, immutable"
    return response


@routes.get("/report/<name>/document")
def document(name: str) -> str:
    """Show a report as a document, to be put among the documents of a site."""
    with reading() as reader:
        asked = _named(reader, name)
        body = {key: value for key, value in asked.made.body.items() if key != "report"} if asked.made.body else {}
        if asked.narrowed.where is not None:
            body["where"] = _whole_condition(asked)
        plain = f"{asked.entity.key}.report" if asked.own or name == "new" else f"{name}_2"
        text = dump({"report": plain, **body})
        return page("report_document.html", reader, asked=asked, text=text)


@routes.get("/report/<name>/export.<kind>")
def export(name: str, kind: str) -> Response:
    """Send the numbers of a report as a file."""
    if kind not in {"csv", "xlsx"}:
        raise NotFound(Message("There is no {key}", key=kind))
    with reading() as reader:
        asked = _named(reader, name)
        reader.access.require(asked.entity.key, "export")
        _refuse_problem(asked)
        shown = table_of(_answered(reader, asked))
        if shown is None:
            raise NotFound(Message("There is no {key}", key=kind))
        who, viewer = reader.principal.id, reader.principal.viewer
        told = {"format": kind, "report": asked.name, "as": who if viewer is not None else None}
        details = {key: value for key, value in told.items() if value}
        event = Event("export", viewer.id if viewer else who, asked.entity.key, None, len(shown.rows), details)
        response = numbers_file(shown, kind, asked.title)
    site().trail.tell(event)
    return response


@routes.post("/report/<name>/save")
def save(name: str) -> Response:
    """Keep a report, as it is changed, as one of the person's own."""
    with reading() as reader:
        asked = _named(reader, name, given=True)
        _refuse_problem(asked)
        body = dict(asked.made.body or {})
        if asked.narrowed.where is not None:
            body["where"] = _whole_condition(asked)
        title = request.form.get("name", "").strip()
        body = {key: value for key, value in body.items() if key not in {"report", "roles", "hidden", "help"}}
    replaced = name.removeprefix(OWN) if asked.own and request.form.get("instead") == "1" else ""
    try:
        made = site().own_reports.keep(principal(), title, asked.entity.key, {**body, "title": title}, replaced)
    except RecordInvalid as error:
        with reading() as reader:
            asked = _named(reader, name, given=True)
            said_ = said(error.problems[0].message)
            return _page(reader, asked, editing=True, name_problem=said_, status=_UNPROCESSABLE)
    notice(Message("The report was saved"))
    return make_response(redirect(f"/report/{OWN}{made}", 303))


@routes.post("/report/<name>/delete")
def delete(name: str) -> Response:
    """Throw one of the person's own reports away."""
    if not name.startswith(OWN):
        raise NotFound(Message("There is no report {name}", name=name))
    with reading() as reader:
        access = reader.access
    site().own_reports.drop(access, name.removeprefix(OWN))
    notice(Message("The report was deleted"))
    return make_response(redirect("/report/", 303))


@routes.get("/report/<name>/share")
def sharing(name: str) -> str:
    """Ask with whom a saved report is shared."""
    with reading() as reader:
        found = _saved(reader, name)
        return page(
            "report_share.html", reader, report=found, address=f"/report/{name}", may_change=True,
            **sharing_of(reader, found.audience),
        )  # fmt: skip


@routes.post("/report/<name>/share")
def share(name: str) -> Response:
    """Share a saved report."""
    with reading() as reader:
        found, access = _saved(reader, name), reader.access
        audience = audience_of(reader, found.audience)
    site().own_reports.share(access, found.id, audience)
    notice(Message("The report is shared") if audience.anybody else Message("The report is yours alone"))
    return make_response(redirect(f"/report/{name}", 303))


def _saved(reader: Reader, name: str) -> OwnReport:
    """Return a saved report that who reads may share.

    Raises:
        NotFound, AccessDenied: there is none for them, or it is somebody else's.
    """
    if not name.startswith(OWN):
        raise NotFound(Message("There is no report {name}", name=name))
    found = site().own_reports.get(reader.connection, reader.principal, name.removeprefix(OWN))
    if not site().own_reports.may_change(reader.access, found):
        raise AccessDenied(Message("This report belongs to somebody else"))
    return found


# --- what is asked for


def _named(reader: Reader, name: str, *, given: bool = False) -> Asked:
    """Return a report by its name, with the changes of the address, or of a form that repeats it.

    Raises:
        NotFound: there is none for who reads.
    """
    if name.startswith(OWN):
        own = site().own_reports.get(reader.connection, reader.principal, name.removeprefix(OWN))
        if not reader.access.may(own.entity, "read") or own.entity not in reader.model.entities:
            raise NotFound(Message("There is no report {name}", name=name))
        asked = _asked(reader, name, own.name, own.body, own=own.owner_id == reader.principal.id, given=given)
        return replace(asked, may_share=site().own_reports.may_change(reader.access, own))
    if name == "new":
        key = request.form.get("entity", "") if given else request.args.get("entity", "")
        if key in reader.model.entities and reader.access.may(key, "read"):
            base = {"entity": key, "measures": {"count": {"count": True}}}
            return _asked(reader, "new", words("New report"), base, own=False, given=given)
    found = all_reports(reader.model).get(name)
    if found is None or not is_offered(reader.access, found) or not reader.access.may(found.question.entity, "read"):
        raise NotFound(Message("There is no report {name}", name=name))
    return _asked(reader, name, said(found.title), found.body or {}, own=False, given=given)


def _asked(reader: Reader, name: str, title: str, base: Mapping[str, Any], *, own: bool, given: bool = False) -> Asked:
    changes = Changes.read(request.form if given else request.args)
    entity = reader.model.entity(str(base["entity"]))
    try:
        made = report_of(reader.model, name, changes.body(base))
    except (QueryInvalid, ExpressionInvalid):
        # What the address says wrongly is as if it was not said.
        changes = Changes(filter=changes.filter, chosen=changes.chosen)
        made = report_of(reader.model, name, base)
    offered = tuple(map(str, base.get("filters") or ()))
    return Asked(name, title, base, made, changes, entity, narrowed_by(reader, entity, offered, changes), own)


def _refuse_problem(asked: Asked) -> None:
    if asked.narrowed.problem:
        raise QueryInvalid(asked.narrowed.problem)


# --- what is shown


def _page(reader: Reader, asked: Asked, *, editing: bool, name_problem: str = "", status: int = 200) -> Response:
    problem, shown = asked.narrowed.problem, None
    values: dict[str, Any] = {"heads": (), "rows": Markup(""), "more": "", "style": ""}
    try:
        if not problem and asked.made.question.measures:
            shown = _answered(reader, asked)
        elif not problem:
            values |= _listed(reader, asked)
    except QueryTooSlow:
        problem = words("This takes longer than the site allows. Narrow it by a period or a filter.")
    except (QueryInvalid, ExpressionInvalid, AccessDenied) as error:
        problem = said(error.message)
    if problem and status == 200:  # noqa: PLR2004 - as HTTP calls it
        status = _UNPROCESSABLE
    changes, entity = asked.changes, asked.entity
    values |= {
        "asked": asked,
        "address": f"/report/{asked.name}",
        "problem": problem,
        "name_problem": name_problem,
        "editing": editing,
        "filters": asked.narrowed.filters,
        "charts": [(key, said(label)) for key, label in CHARTS.items()],
        "most_by": _MOST_BY,
        "may_export": reader.access.may(entity.key, "export"),
        "choices": choices_of(reader, entity) if editing else None,
        "base_numbers": _base_numbers(reader, asked) if editing else [],
        "query": changes.query(),
        "hidden": list(changes.parameters()),
        "conditions": "" if editing else _conditions(asked),
        "said_filter": [
            (told, f"/report/{asked.name}?{changes.query(filter=without)}{_of_new(asked)}")
            for told, without in said_of(reader, entity.key, changes.filter)
        ],
        "may_save": reader.principal.id is not None and reader.principal.viewer is None,
        "list_address": _list_address(reader, asked),
        "sort": lambda key: _sorting(asked, key),
        **({"data": "", "grid": None} if shown is None else shown.values),
    }
    return make_response(page("report.html", reader, **values), status)


def _conditions(asked: Asked) -> str:
    """Return the address of the filter builder for a report, from which one comes back to it."""
    back = f"/report/{asked.name}?{asked.changes.query(filter='')}{_of_new(asked)}"
    return f"/{asked.entity.key}/filter?{urlencode({'filter': asked.changes.filter, 'back': back})}"


def _of_new(asked: Asked) -> str:
    return f"&entity={asked.entity.key}" if asked.name == "new" else ""


def _answered(reader: Reader, asked: Asked) -> Any:
    answer = ask_numbers(reader, asked.made.question, where=asked.narrowed.where)
    made = asked.made
    return answered(reader, answer, made.chart, stacked=made.stacked, hidden_table=False, key="report")


def _list_table(reader: Reader, asked: Asked) -> Table:
    columns = [Column(tuple(path.split("."))) for path in asked.made.question.columns]
    name = f"report {asked.entity.key} {','.join(asked.made.question.columns)}"
    return table(reader.access, asked.entity, columns, locale_of(reader), name, "plain")


def _listed(reader: Reader, asked: Asked) -> dict[str, Any]:
    """Return the records of a report that counts nothing."""
    prepared, question = _list_table(reader, asked), asked.made.question
    parts = [each for each in (question.where, asked.narrowed.where) if each is not None]
    known = {head.sort for head in prepared.heads if head.sort}
    asked_order = tuple(each for each in question.order if ".".join(each.path) in known)
    query = Query(
        asked.entity.key,
        prepared.select,
        conjunction(*parts) if parts else None,
        order_by=asked_order or question.order,
        limit=min(question.limit, ROWS),
        cursor=request.args.get("cursor") or None,
    )
    found = reader.query(query)
    more = ""
    if found.next_cursor is not None:
        changed = asked.changes.query()
        more = f"/report/{asked.name}?{changed}{'&' if changed else ''}cursor={found.next_cursor}"
    changed = asked.changes.query()
    return {
        "heads": prepared.heads,
        "rows": prepared.rows(reader, found),
        "more": more,
        "style": f"/report/{asked.name}/columns.css?{changed}{'&' if changed else ''}v={prepared.style_key}",
    }


def _whole_condition(asked: Asked) -> str:
    """Return the condition of a report together with its filters, as people write it."""
    parts = [each for each in (asked.made.question.where, asked.narrowed.where) if each is not None]
    return to_text(conjunction(*parts)) if parts else ""


def _list_address(reader: Reader, asked: Asked) -> str:
    """Return the address of the list of the records that the report is about; "" when there is none."""
    base = whole_list(reader, asked.entity.key)
    return narrowed_list(base, _whole_condition(asked))


def _sorting(asked: Asked, key: str) -> Sorting:
    """Return where a head leads: up, and down when it is up already."""
    now = asked.made.question.order[0] if asked.made.question.order else None
    current = now is not None and ".".join(now.path) == key
    state = "" if not current or now is None else "descending" if now.descending else "ascending"
    wanted = key if state == "descending" else f"-{key}" if state or _is_number(asked, key) else key
    return Sorting(f"/report/{asked.name}?{asked.changes.query(sort=wanted)}", state)


def _is_number(asked: Asked, key: str) -> bool:
    return asked.made.question.measure(key) is not None


def _base_numbers(reader: Reader, asked: Asked) -> list[tuple[str, str]]:
    """Return the numbers that the report's own document works out: (key, words)."""
    base = report_of(reader.model, asked.name, asked.base).question
    spoken = locale_of(reader).language
    return [(each.key, measure_label(reader.model, asked.entity, each, spoken)) for each in base.measures]
