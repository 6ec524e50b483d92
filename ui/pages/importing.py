"""Import: a file is uploaded, its columns are told, it is tried, and then it becomes records, which can be taken back.

Each step is a page of its own with an address, so the Back button works and nothing needs a script. What somebody said
is kept with the file at every step.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from flask import Blueprint, make_response, redirect, request
from werkzeug.wrappers import Response

from engine import (
    ColumnMap,
    FileLook,
    GuanxiError,
    ImportRun,
    Message,
    RecordInvalid,
    map_text,
    parse_map,
    proposed_map,
)
from ui.asking import principal, reading, site
from ui.frame import is_fragment, notice, page, words
from ui.pages.import_forms import posted_plan, repeated, shown_form
from ui.pages.import_results import check_page, entry_of, importable, moving, run_page, sentence
from ui.sending import sent
from ui.sizes import takes_imports

ENTRIES = 20
_REFUSED = 422
_ENCODINGS = ("utf-8", "gb18030", "big5", "cp1252", "utf-16")
_DELIMITERS = (",", ";", "\t", "|")

routes = Blueprint("importing", __name__)


# --- the file


@routes.get("/<entity>/import")
def begin(entity: str) -> str:
    """Ask for a file, and list earlier imports."""
    return _begin(entity)


@routes.post("/<entity>/import")
@takes_imports
def upload(entity: str) -> Response:
    """Take a file."""
    given = request.files.get("file")
    if given is None or not given.filename:
        return make_response(_begin(entity, words("Choose a file")), _REFUSED)
    try:
        run = site().imports.start(principal(), entity, given.stream, given.filename)
    except GuanxiError as error:
        return make_response(_begin(entity, sentence(error)), _REFUSED)
    return _to(run)


def _begin(entity: str, problem: str = "") -> str:
    who = principal()
    runs = site().imports.entries(who, entity, limit=ENTRIES + 1, before=request.args.get("before"))
    with reading() as reader:
        shown = importable(reader, entity)
        return page(
            "import.html", reader, entity=shown, problem=problem, most=site().config.limits.import_megabytes,
            runs=[entry_of(reader, run) for run in runs[:ENTRIES]], days=site().imports.days,
            more=runs[ENTRIES - 1].id if len(runs) > ENTRIES else "",
            maps=[(each, (who.id is not None and each.actor_id == who.id) or reader.access.has("admin"))
                  for each in site().imports.saved_maps(who, entity)],
        )  # fmt: skip


# --- one import


@routes.get("/<entity>/import/<uuid:id_>")
def show(entity: str, id_: Any) -> Response | str:
    """Show an import: its columns, how it is checked, how far it is, or what came of it."""
    run = site().imports.get(principal(), str(id_), entity)
    if is_fragment() and request.args.get("part") == "progress":
        return moving(run)
    if run.begun or run.state == "trying":
        return run_page(run)
    try:
        look = site().imports.look(run)
    except GuanxiError as error:
        return make_response(_unreadable(run, error), _REFUSED)
    if request.args.get("step") == "check" and run.plan.columns:
        return check_page(run, look)
    return _columns(run, look)


@routes.post("/<entity>/import/<uuid:id_>")
def act(entity: str, id_: Any) -> Response:
    """Do what a button of an import's page asks for."""
    run = site().imports.get(principal(), str(id_), entity)
    doing = _ACTS.get(request.form.get("act", ""), _plan)
    return doing(run)


def _to(run: ImportRun, step: str = "") -> Response:
    return redirect(f"/{run.entity}/import/{run.id}{'?step=' + step if step else ''}", 303)


def _shown(template: str, run: ImportRun, **values: Any) -> str:
    with reading() as reader:
        return page(template, reader, entity=importable(reader, run.entity), run=run, **values)


def _unreadable(run: ImportRun, error: GuanxiError) -> str:
    return _shown("import_unread.html", run, problem=sentence(error), **_ways_to_read(run))


def _ways_to_read(run: ImportRun, look: FileLook | None = None) -> dict[str, Any]:
    """Return what the form shows in which somebody says how the file is read."""
    known = look.encoding if look is not None else run.plan.encoding or ""
    delimiter = look.delimiter if look is not None else run.plan.delimiter or ","
    return {
        "look": look,
        "encodings": list(dict.fromkeys([*_ENCODINGS, known] if known else _ENCODINGS)),
        "encoding": known,
        "delimiters": list(dict.fromkeys([*_DELIMITERS, delimiter])),
        "delimiter": delimiter,
    }


# --- which column is which field


def _columns(
    run: ImportRun,
    look: FileLook,
    plan: ColumnMap | None = None,
    problems: Mapping[str, Message] | None = None,
    problem: str = "",
) -> str:
    who, imports = principal(), site().imports
    saved, used = imports.saved_maps(who, run.entity), None
    plan = plan or run.plan
    if not plan.columns:
        used = proposed_map(saved, look.headers)
        plan = _fitting(used.said, plan, look) if used is not None else plan
    proposals = imports.proposals(who, run, look, plan if plan.columns else None)
    whys = {each.index: each.why for each in proposals if each.rule is not None}
    if not run.plan.columns or used is not None:
        known = {each.header: each.rule for each in proposals if each.why != "said"}
        plan = ColumnMap(**{**_fields(plan), "columns": {**known, **plan.columns}})
    form = shown_form(
        look, imports.targets(who, run.entity), plan, whys, problems or {}, problem, repeated(request.form)
    )
    return _shown(
        "import_columns.html", run, form=form, saved=saved, used=used, rows=look.rows, **_ways_to_read(run, look)
    )


def _fields(plan: ColumnMap) -> dict[str, Any]:
    return {name: getattr(plan, name) for name in plan.__dataclass_fields__}


def _fitting(saved: ColumnMap, plan: ColumnMap, look: FileLook) -> ColumnMap:
    """Return a saved mapping for a file that may lack some of its columns; the file is read as it was."""
    headers = set(look.headers)
    columns = {header: rule for header, rule in saved.columns.items() if header in headers}
    here = {name: getattr(plan, name) for name in ("encoding", "delimiter", "sheet", "header_row")}
    return ColumnMap(**{**_fields(saved), "columns": columns, **here})


def _plan(run: ImportRun) -> Response:
    """Keep what was said about the columns, and go on to the next page."""
    look = site().imports.look(run)
    plan = posted_plan(request.form, look, run.plan)
    if "again" in request.form or request.form.get("act") == "refresh":
        return make_response(_columns(run, look, plan))
    problems = site().imports.faults(principal(), run, plan)
    if not problems:
        try:
            site().imports.check(
                principal(), run, look.headers, ColumnMap(**{**_fields(plan), "on": None, "mode": "both"})
            )
        except GuanxiError as error:
            return make_response(_columns(run, look, plan, {}, sentence(error)), _REFUSED)
        return _to(site().imports.plan(principal(), run, plan), "check")
    return make_response(_columns(run, look, plan, problems), _REFUSED)


def _read_anew(run: ImportRun) -> Response:
    """Keep how the file itself is read: its encoding, its delimiter, its sheet, the row of its headers."""
    given = request.form
    row = given.get("header_row", 0, type=int)
    plan = ColumnMap(
        **{
            **_fields(run.plan),
            "columns": {},
            "encoding": given.get("encoding") or None,
            "delimiter": {"tab": "\t"}.get(given.get("delimiter", ""), given.get("delimiter")) or None,
            "sheet": given.get("sheet") or None,
            "header_row": row if row > 0 else None,
        }
    )
    return _to(site().imports.plan(principal(), run, plan))


def _use_map(run: ImportRun) -> Response:
    """Take a saved mapping, or one of a file."""
    given = request.files.get("map_file")
    look = site().imports.look(run)
    try:
        if given is not None and given.filename:
            said = parse_map(given.stream.read(), given.filename)
        else:
            chosen = request.form.get("map", "")
            saved = site().imports.saved_maps(principal(), run.entity)
            said = next((each.said for each in saved if each.id == chosen), ColumnMap())
        plan = _fitting(said, run.plan, look)
        site().imports.plan(principal(), run, plan)
    except GuanxiError as error:
        return make_response(_columns(run, look, None, {}, sentence(error)), _REFUSED)
    return _to(run)


# --- what is there already, and the trial


def _checked(run: ImportRun) -> ImportRun:
    """Keep what the form says of records that are there."""
    given = request.form
    on = given.get("on") or None
    mode = given.get("mode", "both") if on else "both"
    empty = given.get("empty", "clear")
    plan = ColumnMap(
        **{
            **_fields(run.plan),
            "on": on,
            "mode": mode if mode in {"create", "update", "both"} else "both",
            "empty": empty if empty in {"clear", "keep"} else "clear",
        }
    )
    if (plan.on, plan.mode, plan.empty) == (run.plan.on, run.plan.mode, run.plan.empty):
        return run
    return site().imports.plan(principal(), run, plan)


def _begin_work(run: ImportRun, *, trial: bool) -> Response:
    kept = run
    try:
        kept = _checked(run)
        begun = site().imports.begin(principal(), kept, trial=trial)
    except GuanxiError as error:
        kept = site().imports.get(principal(), run.id)
        if kept.begun or kept.state == "trying":
            raise
        return make_response(check_page(kept, site().imports.look(kept), sentence(error)), _REFUSED)
    return _to(begun, "check" if trial and begun.state == "tried" else "")


def _save_map(run: ImportRun) -> Response:
    kept = _checked(run)
    look = site().imports.look(kept)
    name = request.form.get("map_name", "")
    shared = "map_shared" in request.form
    try:
        site().imports.save_map(principal(), run.entity, name, kept.plan, look.headers, shared=shared)
    except RecordInvalid as error:
        return make_response(check_page(kept, look, name_problem=sentence(error)), _REFUSED)
    notice(Message("The mapping “{name}” is saved", name=name.strip()))
    return _to(kept, "check")


@routes.get("/<entity>/import/<uuid:id_>/map.yaml")
def map_file(entity: str, id_: Any) -> Response:
    """Send the mapping as the file that the command takes."""
    run = site().imports.get(principal(), str(id_), entity)
    response = make_response(map_text(run.plan))
    response.mimetype = "application/yaml"
    response.headers["Content-Disposition"] = f'attachment; filename="{entity}-map.yaml"'
    return response


@routes.post("/<entity>/import/maps/<uuid:id_>/forget")
def forget_map(entity: str, id_: Any) -> Response:
    """Delete a saved mapping."""
    site().imports.forget_map(principal(), str(id_))
    notice(Message("The mapping is deleted"))
    return redirect(f"/{entity}/import", 303)


# --- how far it is, and what came of it


@routes.get("/<entity>/import/<uuid:id_>/errors.csv")
def errors(entity: str, id_: Any) -> Response:
    """Send the rows that were not taken, with the reasons."""
    run = site().imports.get(principal(), str(id_), entity)
    trial = "trial" in request.args
    found = site().imports.errors(principal(), run, trial=trial)
    stem = run.name.rpartition(".")[0] or run.name
    return sent(replace(found, name=f"{stem}.errors.csv"))


def _pause(run: ImportRun) -> Response:
    site().imports.pause(principal(), run)
    return _to(run)


def _go_on(run: ImportRun) -> Response:
    site().imports.go_on(principal(), run)
    return _to(run)


def _cancel(run: ImportRun) -> Response:
    return _to(site().imports.cancel(principal(), run), "check" if run.state == "trying" else "")


def _reopen(run: ImportRun) -> Response:
    return _to(site().imports.reopen(principal(), run), "check")


def _discard(run: ImportRun) -> Response:
    site().imports.discard(principal(), run)
    notice(Message("The file is thrown away"))
    return redirect(f"/{run.entity}/import", 303)


_ACTS = {
    "read": _read_anew,
    "use_map": _use_map,
    "save_map": _save_map,
    "try": lambda run: _begin_work(run, trial=True),
    "run": lambda run: _begin_work(run, trial=False),
    "pause": _pause,
    "go_on": _go_on,
    "cancel": _cancel,
    "reopen": _reopen,
    "discard": _discard,
}
