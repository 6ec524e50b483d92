"""Export: what a list shows, or the ticked rows, into a file; small ones at once, big ones by a job that goes on alone.

A file belongs to whoever asked for it. It has a page of its own until its time is over.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from flask import Blueprint, make_response, redirect, request
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from engine import (
    Count,
    Entity,
    ExportFile,
    ExportOptions,
    Message,
    QueryInvalid,
    QueryTooSlow,
    Reader,
    RecordInvalid,
    is_id,
    read_export_options,
)
from ui.asking import language, principal, reading, site
from ui.frame import notice, page, said, words
from ui.pages.account import moments
from ui.pages.export_forms import ExportForm, asked_form, groups_of, has_files, posted_body
from ui.pages.jobs import shown as shown_job
from ui.pages.listing import PAGE, Listing, listing
from ui.safe import own_path
from ui.sending import sent

routes = Blueprint("exporting", __name__)
files = Blueprint("export_files", __name__, url_prefix="/files/exports")

_REFUSED = 422
_KILO = 1024


@routes.get("/<entity>/export")
def choose(entity: str) -> Response:
    """Ask what is exported, and how."""
    if "back" in request.args:
        return redirect(_of_ticked(entity), 303)
    with reading() as reader:
        asked = _list(reader, entity)
        return make_response(_form(reader, asked, asked_form(request.args, about=site().exports.rules.about)))


def _of_ticked(entity: str) -> str:
    """Return the address of this page for the ticked rows of a list, which names itself in `back`."""
    known = parse_qsl(urlsplit(own_path(request.args.get("back", ""), f"/{entity}")).query)
    every = bool(request.args.get("all"))
    ids = [] if every else [("id", each) for each in request.args.getlist("id") if is_id(each)]
    return f"/{entity}/export?{urlencode([*known, *ids])}"


@routes.post("/<entity>/export")
def export(entity: str) -> Response:
    """Make the file, or have it made."""
    with reading() as reader:
        asked = _list(reader, entity)
        form = asked_form(request.form)
        try:
            options = _options(reader, asked, form)
        except RecordInvalid as error:
            return make_response(_form(reader, asked, form, error), _REFUSED)
    try:
        made = site().exports.ask(principal(), entity, options, at_once=True, mails=form.mails)
    except (RecordInvalid, QueryInvalid) as error:
        with reading() as reader:
            return make_response(_form(reader, _list(reader, entity), form, error), _REFUSED)
    # What is there is sent at once, and the page of the export stays where it is.
    return redirect(f"/files/exports/{made.id}{'/file' if made.ready else ''}", 303)


def _list(reader: Reader, entity: str) -> Listing:
    # What the list is narrowed by stands in the address, apart from what the form says: a field may have any name.
    asked = listing(reader, entity, MultiDict(each for each in request.args.items(multi=True) if each[0] != "id"))
    reader.access.require(entity, "export")
    if asked.problems:
        raise QueryInvalid(asked.problems[0].message, asked.problems)
    return asked


def _options(reader: Reader, asked: Listing, form: ExportForm) -> ExportOptions:
    body = posted_body(reader, asked, form)
    body["language"] = language()
    if form.format == "xlsx":
        body["about"] = form.about
    elif form.format == "csv":
        body["about"] = form.footer
    options = read_export_options(body)
    return replace(options, where=asked.query.where, search=asked.query.search)


def _form(reader: Reader, asked: Listing, form: ExportForm, error: RecordInvalid | QueryInvalid | None = None) -> str:
    entity, exports = asked.wanted.entity, site().exports
    allowance = exports.allowance(reader)
    problems: dict[str, str] = {}
    if isinstance(error, RecordInvalid):
        problems = {each.path.partition("/")[0]: each.message.in_(language()) for each in error.problems}
    elif error is not None:
        problems = {"fields": error.in_(language())}
    count, big = _count(reader, asked, form)
    return page(
        "export.html",
        reader,
        entity=entity,
        back=asked.wanted.address(cursor="", rows=PAGE),
        address=asked.wanted.address("/export", cursor="", rows=PAGE),
        narrowed=asked.wanted.narrowed or asked.wanted.view.where is not None,
        form=form,
        problems=problems,
        count=count,
        big=big,
        limit="" if allowance.rows is None else f"{allowance.rows:,}",
        beyond=_beyond(reader, asked, form, allowance.rows),
        partly=reader.access.rule(entity.key, "export").ways != reader.access.rule(entity.key, "read").ways,
        needs_reason=allowance.reason,
        groups=groups_of(reader, asked, form),
        has_children=any(entity.fields[key].type.links == "children" for key in reader.columns(entity.key)),
        has_files=has_files(reader, entity),
        zone=reader.principal.timezone,
        days=exports.rules.days,
        may_mail=bool(reader.principal.email),
        theirs=exports.entries(reader.principal, 1),
    )


def _counted(reader: Reader, asked: Listing, form: ExportForm) -> Count | None:
    wanted = ExportOptions(where=asked.query.where, search=asked.query.search, ids=form.ids or None)
    try:
        return site().exports.estimate(reader, asked.wanted.entity.key, wanted)
    except QueryTooSlow:
        return None


def _count(reader: Reader, asked: Listing, form: ExportForm) -> tuple[str, bool]:
    """Return how many records fit, in words, and whether a job makes the file."""
    found = _counted(reader, asked, form)
    if found is None:
        return words("How many records fit takes too long to count."), True
    big = found.number > site().exports.rules.at_once
    if found.number == 1 and not found.capped:
        return words("1 record fits."), big
    number = f"{found.number:,}"
    return words("More than {count} records fit.", count=number) if found.capped else words(
        "{count} records fit.", count=number
    ), big


def _beyond(reader: Reader, asked: Listing, form: ExportForm, most: int | None) -> str:
    """Return why there are too many, "" when there are not."""
    found = _counted(reader, asked, form) if most is not None else None
    if found is None or most is None or not found.capped:
        return ""
    return site().exports.refusal(reader, asked.wanted.entity.key, most).in_(language())


# --- files


@files.get("")
def mine() -> str:
    """List the files that somebody exported."""
    with reading() as reader:
        when = moments(reader)
        entries = [_shown(reader, each, when) for each in site().exports.entries(reader.principal)]
        return page("exports.html", reader, entries=entries, days=site().exports.rules.days)


@files.get("/<uuid:export_id>")
def one(export_id: Any) -> str:
    """Show a file: how far it is, or where it is fetched."""
    with reading() as reader:
        made = site().exports.get(reader.principal, str(export_id))
        job = None if made.ready else site().exports.job(made)
        seen = None if job is None else shown_job(reader, job, f"/login/account/jobs/{job.id}")
        return page("export_file.html", reader, made=_shown(reader, made, moments(reader)), job=seen)


@files.get("/<uuid:export_id>/file")
def fetch(export_id: Any) -> Response:
    """Send a file."""
    with reading() as reader:
        found = site().exports.fetch(reader, str(export_id))
    return sent(found)


@files.post("/<uuid:export_id>/delete")
def delete(export_id: Any) -> Response:
    """Throw a file away."""
    site().exports.delete(principal(), str(export_id))
    notice(Message("The file was deleted"))
    return redirect("/files/exports", 303)


def _shown(reader: Reader, made: ExportFile, when: Any) -> Mapping[str, Any]:
    entity: Entity | None = reader.model.entities.get(made.entity)
    return {
        "id": made.id,
        "name": made.name,
        "what": said(entity.plural) if entity is not None else made.entity,
        "ready": made.ready,
        "number": words("1 record") if made.number == 1 else words("{count} records", count=f"{made.number:,}"),
        "size": _size(made.size),
        "made": when(made.made_at),
        "ends": when(made.ends_at),
        "fetched": made.fetched,
        "cut": made.cut,
        "reason": made.options.get("reason", ""),
    }


def _size(size: int) -> str:
    if size < _KILO * _KILO:
        return f"{max(1, round(size / _KILO)):,} KB"
    return f"{size / _KILO / _KILO:,.1f} MB"
