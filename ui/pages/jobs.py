"""Jobs: the console of whoever looks after the site, and everybody's own, with their progress.

Any page may show a job: it includes `_job.html` with `job` set to `shown(reader, job, at)`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, redirect, request
from werkzeug.wrappers import Response

from engine import JOB_STATE_LABELS, JOB_STATES, AccessDenied, GuanxiError, Job, Message, NotFound, Reader, is_id
from ui.asking import principal, reading, site
from ui.frame import notice, page, said, words
from ui.pages.account import HOME, moments, own, own_id

console = Blueprint("jobs", __name__, url_prefix="/admin/jobs")
mine = Blueprint("own_jobs", __name__, url_prefix=f"{HOME}/jobs")

PAGE = 50
_LONGEST = 300
_COLOURS = {
    "queued": "secondary", "running": "blue", "paused": "yellow", "done": "green", "failed": "red",
    "cancelled": "secondary",
}  # fmt: skip
_ICONS = {
    "queued": "hourglass", "running": "loader-2", "paused": "player-pause", "done": "circle-check",
    "failed": "alert-circle", "cancelled": "circle-x",
}  # fmt: skip
_ACTS = {
    "cancel": (Message("Cancel"), "x", ("queued", "running", "paused")),
    "pause": (Message("Pause"), "player-pause", ("queued", "running")),
    "go_on": (Message("Go on"), "player-play", ("paused",)),
    "retry": (Message("Try again"), "refresh", ("failed", "cancelled")),
}
_SAID = {
    "cancel": (Message("The job was cancelled"), Message("The job ends as soon as it looks up")),
    "pause": (Message("The job is paused"), Message("The job pauses as soon as it looks up")),
    "go_on": (Message("The job goes on"), Message("The job goes on")),
    "retry": (Message("The job is tried again"), Message("The job is tried again")),
}
_WISHES = {"cancel": Message("is being cancelled"), "pause": Message("is being paused")}
_SECRETS = ("password", "passwd", "secret", "token", "authorization", "api_key", "apikey")


@dataclass(frozen=True, slots=True)
class Shown:
    """A job in the reader's language."""

    id: str
    address: str
    """Its page."""
    at: str
    """What asks how far it is, and where its buttons post to."""
    title: str
    task: str
    """What its task is called."""
    state: str
    label: str
    colour: str
    icon: str
    wish: str
    """What was asked of it and it has not come to, "" for nothing."""
    live: bool
    """Whether something may change by itself."""
    percent: int | None
    count: str
    """How much is done, "" when it says nothing."""
    note: str
    error: str
    person: str
    """In whose name, "" for the system."""
    when: str
    """When it was asked for."""
    due: str
    """When it runs next, "" when it does not wait for a time."""
    facts: tuple[tuple[str, str], ...]
    result: tuple[tuple[str, str], ...]
    onward: str
    """The page that shows what came of it; "" when there is none."""
    acts: tuple[tuple[str, str, str], ...]
    """(name, label, icon) of what may be asked of it."""


def shown(reader: Reader, job: Job, at: str) -> Shown:
    """Return a job as pages show it; `at` is the address that its page has for who reads."""
    return _shown(reader, [job], at.rpartition("/")[0])[0]


def _shown(reader: Reader, jobs: Iterable[Job], base: str) -> list[Shown]:
    found = list(jobs)
    names = reader.titles("user", {job.actor for job in found if job.actor is not None})
    tasks = site().jobs.tasks
    when: Any = moments(reader)
    return [_one(job, names, tasks, when, base) for job in found]


def _one(job: Job, names: Any, tasks: Any, when: Any, base: str) -> Shown:
    task = tasks.get(job.task)
    waits = job.state == "queued" and job.run_at > job.created_at
    facts = [
        (words("Asked for"), when(job.created_at)),
        (words("Begun"), when(job.started_at)),
        (words("Ended"), when(job.finished_at)),
        (words("Attempts"), str(job.attempts) if job.attempts > 1 else ""),
    ]
    count = ""
    if job.total and not job.ended:
        count = words("{done} of {total}", done=f"{job.done:,}", total=f"{job.total:,}")
    elif job.done and not job.ended:
        count = f"{job.done:,}"
    onward = task.address.format(id=job.id) if task is not None and task.address else ""
    return Shown(
        id=job.id, address=f"{base}/{job.id}", at=f"{base}/{job.id}", title=said(job.title),
        task=said(task.label) if task is not None else job.task, state=job.state,
        label=said(JOB_STATE_LABELS[job.state]), colour=_COLOURS[job.state], icon=_ICONS[job.state],
        wish=said(_WISHES.get(job.wish or "")), live=not job.ended and job.state != "paused", percent=job.percent,
        count=count, note=said(job.note) if not job.ended else "",
        error=said(job.error) if job.error is not None and job.state != "done" else "",
        person=names.get(job.actor or "", job.actor or ""), when=when(job.created_at),
        due=when(job.run_at) if waits else "", facts=tuple(each for each in facts if each[1]),
        result=_table(job.result), onward=onward,
        acts=tuple(
            (name, said(label), icon)
            for name, (label, icon, states) in _ACTS.items()
            if job.state in states and not (job.state == "running" and job.wish == name)
        ),
    )  # fmt: skip


def _table(values: Any) -> tuple[tuple[str, str], ...]:
    """Return a mapping as rows; what is called like a secret is not shown, whoever put it there."""
    rows = []
    for key, value in (values or {}).items():
        secret = any(each in key.lower() for each in _SECRETS)
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
        rows.append((key, "•••" if secret else text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"))
    return tuple(rows)


def _wanted() -> tuple[str | None, str | None, str | None]:
    """Return (state, task, id of the last job that was shown) as the address says."""
    state, task, cursor = (request.args.get(name, "") for name in ("state", "task", "cursor"))
    known = state if state in JOB_STATES else None
    return known, task or None, cursor if is_id(cursor) else None


def _more(base: str, found: list[Job], state: str | None, task: str | None) -> str:
    if len(found) <= PAGE:
        return ""
    asked = {"state": state or "", "task": task or "", "cursor": found[PAGE - 1].id}
    return f"{base}?{urlencode({key: value for key, value in asked.items() if value})}"


# --- the console


def require_admin(reader: Reader) -> None:
    """Refuse whoever does not look after the site.

    Raises:
        AccessDenied: they lack the permission.
    """
    if not reader.access.has("admin"):
        raise AccessDenied(Message("Only who holds the permission admin may look after jobs"))


@console.get("")
def overview() -> str:
    """Show jobs, the newest first, who runs them, and what is done again and again."""
    with reading() as reader:
        require_admin(reader)
        jobs = site().jobs
        state, task, before = _wanted()
        found = jobs.entries(state=state, task=task, before=before, limit=PAGE + 1)
        counts = jobs.counts()
        by_state = {each: sum(n for (_, s), n in counts.items() if s == each) for each in JOB_STATES}
        return page(
            "jobs.html",
            reader,
            jobs=_shown(reader, found[:PAGE], "/admin/jobs"),
            more=_more("/admin/jobs", found, state, task),
            state=state or "",
            task=task or "",
            states=[(each, said(JOB_STATE_LABELS[each]), by_state[each]) for each in JOB_STATES],
            tasks=sorted(
                ((name, said(jobs.tasks[name].label) if name in jobs.tasks else name)
                 for name in {*jobs.tasks, *(each for each, _ in counts)}),
                key=lambda each: each[1],
            ),
            workers=[each for each in jobs.workers() if each.constant and not each.dead],
            schedules=jobs.schedules.entries(),
            when=moments(reader),
        )  # fmt: skip


@console.get("/<uuid:job_id>")
def one(job_id: Any) -> str:
    """Show one job."""
    with reading() as reader:
        require_admin(reader)
        job = site().jobs.get(str(job_id))
        [seen] = _shown(reader, [job], "/admin/jobs")
        up, label = "/admin/jobs", words("Jobs")
        return page("job.html", reader, job=seen, payload=_table(job.payload), up=up, up_label=label)


@console.post("/<uuid:job_id>/<act>")
def ask(job_id: Any, act: str) -> Response:
    """Cancel, pause, go on, try again."""
    with reading() as reader:
        require_admin(reader)
        reader.principal.require_own_hands()
    return _ask(str(job_id), act, f"/admin/jobs/{job_id}")


@console.post("/schedules/<name>")
def schedule(name: str) -> Response:
    """Do what a schedule does now, turn it on or off, or change when it is due."""
    with reading() as reader:
        require_admin(reader)
        reader.principal.require_own_hands()
    schedules, act, by = site().jobs.schedules, request.form.get("act", ""), principal().id
    try:
        if act == "run":
            return redirect(f"/admin/jobs/{schedules.run_now(name, by)}", 303)
        if act in {"on", "off"}:
            schedules.change(name, enabled=act == "on", by=by)
        else:
            schedules.change(name, cron=request.form.get("cron", ""), by=by)
    except NotFound:
        raise
    except GuanxiError as refused:
        notice(refused.message, "danger")
    else:
        notice(Message("The schedule was changed"))
    return redirect("/admin/jobs#schedules", 303)


def _ask(job_id: str, act: str, back: str) -> Response:
    if act not in _ACTS:
        raise NotFound(Message("There is no page at this address"))
    try:
        job = getattr(site().jobs, act)(job_id, principal().id)
    except NotFound:
        raise
    except GuanxiError as refused:
        notice(refused.message, "warning")
    else:
        notice(_SAID[act][job.state == "running"])
    return redirect(back, 303)


# --- one's own


@mine.get("")
def own_jobs() -> str:
    """Show what is done, or was, in the name of who asks."""
    own()
    state, task, before = _wanted()
    with reading() as reader:
        found = site().jobs.entries(actor=own_id(), state=state, task=task, before=before, limit=PAGE + 1)
        base = f"{HOME}/jobs"
        return page(
            "own_jobs.html", reader, jobs=_shown(reader, found[:PAGE], base), more=_more(base, found, state, task),
            may_see_all=reader.access.has("admin"),
        )  # fmt: skip


@mine.get("/<uuid:job_id>")
def own_job(job_id: Any) -> str:
    """Show one of one's own jobs."""
    job = _own(str(job_id))
    with reading() as reader:
        [seen] = _shown(reader, [job], f"{HOME}/jobs")
        return page("job.html", reader, job=seen, payload=(), up=f"{HOME}/jobs", up_label=words("Your jobs"))


@mine.post("/<uuid:job_id>/<act>")
def ask_own(job_id: Any, act: str) -> Response:
    """Cancel, pause, go on, try again: one's own."""
    principal().require_own_hands()
    job = _own(str(job_id))
    return _ask(job.id, act, f"{HOME}/jobs/{job.id}")


def _own(job_id: str) -> Job:
    """Return a job of who asks; those of others are none.

    Raises:
        NotFound: there is none, or it is somebody else's.
    """
    own()
    job = site().jobs.get(job_id)
    if job.actor != own_id():
        raise NotFound(Message("There is no job {id}", id=job_id))
    return job
