"""What the pages of an import show once its columns are known: the trial, how far it is, what came of it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from flask import make_response, render_template, request
from werkzeug.wrappers import Response

from engine import (
    ColumnMap,
    Entity,
    FileLook,
    GuanxiError,
    ImportReport,
    ImportRun,
    Job,
    Message,
    NotFound,
    Reader,
    RecordInvalid,
    import_ways,
    problem_kind,
)
from engine import now as clock_now
from ui.asking import language, reading, site
from ui.frame import page, words
from ui.widgets.moments import moment_writer, zone

_MOMENT = timedelta(minutes=2)
PROBLEMS = 50
"""Problems that a page shows."""


def importable(reader: Reader, entity: str) -> Entity:
    """Return an entity that who reads may import.

    Raises:
        NotFound: there is none.
        AccessDenied: they may not.
    """
    found = reader.model.entities.get(entity)
    if found is None:
        raise NotFound(Message("There is no {key}", key=entity))
    reader.access.require(entity, "import")
    return found


def entry_of(reader: Reader, run: ImportRun) -> dict[str, Any]:
    """Return an import as a list shows it."""
    job = site().imports.job(run)
    return {
        "run": run,
        "state": _state(run, job),
        "report": run.report,
        "who": " · ".join(filter(None, (_who(reader, run), words("by a command") if run.by_command else ""))),
        "at": _moment(reader, run.made_at),
    }


def _who(reader: Reader, run: ImportRun) -> str:
    return reader.titles("user", [run.actor_id]).get(run.actor_id, "") if run.actor_id else ""


def _moment(reader: Reader, at: datetime) -> str:
    place = zone(reader.access.principal.timezone)
    return moment_writer(language())(at.astimezone(place), reader.access.env()["today"].year)


def _state(run: ImportRun, job: Any) -> tuple[str, str]:
    """Return (words, colour) of how an import stands."""
    if run.state in {"running", "trying"}:
        state = job.state if job is not None else "running" if _moves(run) else "broken"
        told = {
            "queued": (words("Waiting"), "secondary"),
            "running": (words("Running"), "blue"),
            "paused": (words("Paused"), "yellow"),
            "failed": (words("Failed"), "red"),
            "cancelled": (words("Cancelled"), "secondary"),
            "done": (words("Running"), "blue"),
        }
        return told.get(state, (words("Broken off"), "red"))
    if run.state == "done":
        return words("Done"), "yellow" if run.report is not None and run.report.failed else "green"
    return words("Not begun"), "secondary"


def _moves(run: ImportRun) -> bool:
    """Say whether a command that nobody can ask has noted something a moment ago."""
    return run.by_command and clock_now() - run.changed_at < _MOMENT


def sentence(error: GuanxiError) -> str:
    """Return what is wrong as one text."""
    if isinstance(error, RecordInvalid):
        return " ".join(dict.fromkeys(each.message.in_(language()) for each in error.problems))
    return error.in_(language())


def check_page(run: ImportRun, look: FileLook, problem: str = "", name_problem: str = "") -> str:
    """Return the page that asks how records are found again, and shows what a trial found."""
    with reading() as reader:
        entity = importable(reader, run.entity)
        plan = run.plan
        given = {rule.field.partition(".")[0] for header in plan.columns for rule in plan.rules(header)} | set(
            plan.values
        )
        ways = [
            {"key": key, "label": _way_label(entity, key, needed), "ready": needed <= given,
             "lacks": [entity.fields[each].label.in_(language()) for each in sorted(needed - given)]}
            for key, needed in import_ways(entity).items()
        ]  # fmt: skip
        may = {action: reader.access.may(entity.key, action) for action in ("create", "update")}
        trial = run.trial
        found, following = _problems(run, trial=True) if trial is not None else ([], None)
        return page(
            "import_check.html", reader, entity=entity, run=run, rows=look.rows, ways=ways, may=may, problem=problem,
            name_problem=name_problem, report=trial, kinds=_kinds(trial), problems=found, following=following,
            chosen_kind=request.args.get("kind", ""), used=len([1 for each in plan.columns.values() if each]),
            left=[header for _, header in look.named if not plan.rules(header)],
            secret=_secret(entity, plan),
        )  # fmt: skip


def _way_label(entity: Entity, key: str, needed: frozenset[str]) -> str:
    labels = [entity.fields[each].label.in_(language()) for each in entity.fields if each in needed]
    return " + ".join(labels) or key


def _secret(entity: Entity, plan: ColumnMap) -> list[str]:
    """Return the columns that the file with bad rows leaves out."""
    found = []
    for header in plan.columns:
        for rule in plan.rules(header):
            each = entity.fields.get(rule.field)
            if each is not None and (each.secret or each.type.name == "secret"):
                found.append(header)
    return found


def _kinds(report: ImportReport | None) -> list[dict[str, Any]]:
    """Return kinds of problem with their numbers, the most frequent first."""
    if report is None:
        return []
    return [
        {"key": problem_kind(each.first), "column": each.column or each.field, "count": each.count,
         "message": each.first.message.in_(language()), "row": each.first.row, "value": each.first.value}
        for each in sorted(report.kinds.values(), key=lambda each: -each.count)
    ]  # fmt: skip


def _problems(run: ImportRun, *, trial: bool) -> tuple[list[Any], int | None]:
    kind, after = request.args.get("kind", ""), request.args.get("after", 0, type=int)
    found, following = site().imports.problems(run, trial=trial, kind=kind, after=max(after, 0), limit=PROBLEMS)
    return [
        {"row": each.problem.row, "column": each.problem.column or each.problem.field, "value": each.problem.value,
         "why": each.problem.message.in_(language())}
        for each in found
    ], following  # fmt: skip


def run_page(run: ImportRun) -> str:
    """Return the page of an import at work, or with what came of it."""
    job = site().imports.job(run)
    values = _standing(run, job)
    live, report = values["live"], run.report
    values |= {
        "kinds": _kinds(report) if not live else [], "problems": [], "following": None, "undone": False,
        "chosen_kind": request.args.get("kind", ""),
        "error": job.error.in_(language()) if job is not None and job.error is not None and not live else "",
    }  # fmt: skip
    if not live and report is not None:
        values["problems"], values["following"] = _problems(run, trial=False)
    if run.change_set is not None:
        values["undone"] = site().imports.undone(run)
    with reading() as reader:
        entity = importable(reader, run.entity)
        values |= {"entry": entry_of(reader, run), "secret": _secret(entity, run.plan)}
        return page("import_run.html", reader, **values)


def moving(run: ImportRun) -> Response:
    """Return how far an import is, for a page that looks again and again; at its end that page is loaded anew."""
    job = site().imports.job(run)
    if not _is_live(run, job):
        response = make_response("")
        step = "?step=check" if run.state in {"tried", "draft"} else ""
        response.headers["HX-Redirect"] = f"/{run.entity}/import/{run.id}{step}"
        return response
    return make_response(render_template("_import_progress.html", **_standing(run, job)))


def _is_live(run: ImportRun, job: Job | None) -> bool:
    at_work = run.state in {"running", "trying"} and job is not None
    return at_work and job is not None and job.state in {"queued", "running", "done"}


def _standing(run: ImportRun, job: Job | None) -> dict[str, Any]:
    """Return what is shown of an import at work."""
    live = _is_live(run, job)
    with reading() as reader:
        entity = importable(reader, run.entity)
    return {
        "entity": entity, "run": run, "job": job, "report": run.report, "live": live, "trial": run.state == "trying",
        "state": _state(run, job), "rows": run.done.row if run.done is not None else 0,
        "waits": live and job is not None and job.state == "queued" and not site().jobs.manned(),
    }  # fmt: skip
