"""`guanxi worker`, and `guanxi jobs`: what runs jobs, and a look at them."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import click

from engine import JOB_STATE_LABELS, JOB_STATES, Job, Message, Site, nightly_backup
from ui.cli.command import DONE, PROBLEMS, Command, Face, Group, Option, pass_face, shared

_WATCH_S = 1.0


@click.command(cls=Command)
@shared
@click.option(
    "--threads", type=click.IntRange(1, 64), help="Jobs at once; what guanxi.yaml says unless given.", cls=Option
)
@click.option("--beside", type=int, hidden=True, help="End when this process does.", cls=Option)
@pass_face
def worker(face: Face, threads: int | None, beside: int | None) -> int:
    """Run the jobs of the site, until it is stopped."""
    from ui import logs

    with working_site(face) as site:
        logs.set_up(site.config.log, site.config.folder)
        at_work = site.worker(threads=threads, kind="worker" if beside is None else "server")
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: at_work.stop())
        if beside is not None:
            threading.Thread(target=_watch, args=(beside, at_work.stop), daemon=True).start()
        else:
            face.say(Message("Running the jobs of {folder} (stop with Ctrl-C)", folder=str(face.site_folder)))
        site.post.start()
        site.upkeep.start(alone=False)
        try:
            all_stopped = at_work.run()
        finally:
            site.post.stop()
            site.upkeep.stop()
    if not all_stopped:
        # A job that does not look up would keep the process for ever; it is run anew elsewhere.
        sys.stdout.flush()
        os._exit(PROBLEMS)
    return DONE


def _watch(parent: int, stop: Any) -> None:
    """Stop when the server that this worker belongs to is gone, however it ended."""
    while os.getppid() == parent:
        time.sleep(_WATCH_S)
    stop()


@contextmanager
def working_site(face: Face) -> Iterator[Site]:
    """Open the site with all that its jobs may need."""
    with face.site(published=True) as site:
        nightly_backup(site)
        yield site


# ------------------------------------------------------------------------------------------------- jobs


@click.group(cls=Group)
def jobs() -> None:
    """Look at jobs and schedules, stop them and start them anew."""


@jobs.command("list", cls=Command)
@shared
@click.option("--state", type=click.Choice(JOB_STATES), help="Only jobs in this state.", cls=Option)
@click.option("--task", help="Only jobs of this task.", cls=Option)
@click.option(
    "--limit", default=50, show_default=True, type=click.IntRange(1, 1000), help="How many at most.", cls=Option
)
@pass_face
def list_jobs(face: Face, state: str | None, task: str | None, limit: int) -> None:
    """List the newest jobs."""
    with working_site(face) as site:
        found = site.jobs.entries(state=state, task=task, limit=limit)
    for job in found:
        face.say(_line(face, job))
    face.answer([job_json(face, job) for job in found])


@jobs.command("show", cls=Command)
@shared
@click.argument("job_id", metavar="ID")
@pass_face
def show(face: Face, job_id: str) -> None:
    """Show one job, with what it was given and what came of it."""
    with working_site(face) as site:
        job = site.jobs.get(job_id)
    face.say(_line(face, job))
    for key, value in job_json(face, job).items():
        if value not in (None, {}) and key not in {"id", "title", "state"}:
            face.say(f"  {key}: {value}")
    face.answer(job_json(face, job))


def _act(name: str, help_: str, said: Message) -> None:
    @jobs.command(name, cls=Command, help=help_)
    @shared
    @click.argument("ids", metavar="ID", nargs=-1, required=True)
    @pass_face
    def act(face: Face, ids: tuple[str, ...]) -> None:
        with working_site(face) as site:
            done = [getattr(site.jobs, name.replace("-", "_"))(job_id, None) for job_id in ids]
        for job in done:
            face.say(Message("{title}: {said}", title=job.title, said=said))
        face.answer([job_json(face, job) for job in done])


_act("cancel", "End jobs; those that run end at their next look.", Message("is cancelled"))
_act("pause", "Let jobs wait until you let them go on.", Message("is paused"))
_act("go-on", "Let paused jobs go on.", Message("goes on"))
_act("retry", "Try jobs anew that failed or were cancelled.", Message("is tried anew"))


@jobs.command("run", cls=Command)
@shared
@pass_face
def run_due(face: Face) -> None:
    """Run what is due here and now; for sites without a worker."""
    with working_site(face) as site:
        site.jobs.schedules.fire()
        count = site.jobs.run_due()
    face.say(Message("{count} jobs were run", count=count))
    face.answer({"count": count})


@jobs.command("workers", cls=Command)
@shared
@pass_face
def workers(face: Face) -> int:
    """List who runs jobs; exit code 1 when nobody does."""
    with face.site() as site:
        found = [each for each in site.jobs.workers() if not each.dead]
    for each in found:
        face.say(f"{_when(each.started_at)}  {each.host}  {each.pid}  {each.kind}  {each.threads}")
    if not found:
        face.say(Message("No worker is running: `guanxi worker` starts one"), error=True)
    face.answer(
        [
            {
                "id": each.id, "host": each.host, "pid": each.pid, "kind": each.kind, "threads": each.threads,
                "started_at": each.started_at.isoformat(), "seen_at": each.seen_at.isoformat(),
            }
            for each in found
        ]
    )  # fmt: skip
    return DONE if found else PROBLEMS


@jobs.command("schedules", cls=Command)
@shared
@pass_face
def schedules(face: Face) -> None:
    """List what is done again and again."""
    with working_site(face) as site:
        found = site.jobs.schedules.entries()
    for each in found:
        following = _when(each.next_at) if each.next_at is not None else face.words(each.lacking or Message("off"))
        face.say(f"{each.name:<12} {each.cron:<14} {following}  {face.words(each.label)}")
    face.answer(
        [
            {
                "name": each.name, "task": each.task, "cron": each.cron, "enabled": each.enabled,
                "next_at": each.next_at and each.next_at.isoformat(),
                "last_at": each.last_at and each.last_at.isoformat(), "last_job": each.last_job,
            }
            for each in found
        ]
    )  # fmt: skip


@jobs.command("schedule", cls=Command)
@shared
@click.argument("name")
@click.option("--on/--off", "enabled", default=None, help="Turn it on or off.", cls=Option)
@click.option("--cron", help='When: five fields such as "30 2 * * *"; "" for what is shipped.', cls=Option)
@click.option("--now", is_flag=True, help="Do it now, once.", cls=Option)
@pass_face
def schedule(face: Face, name: str, *, enabled: bool | None, cron: str | None, now: bool) -> None:
    """Change when something is done again, or do it now."""
    with working_site(face) as site:
        site.jobs.schedules.change(name, cron=cron, enabled=enabled)
        job = site.jobs.schedules.run_now(name) if now else None
        [entry] = [each for each in site.jobs.schedules.entries() if each.name == name]
    if job is not None:
        face.say(Message("Job {id} will do it, as soon as a worker is free", id=job))
    if entry.next_at is not None:
        face.say(Message("{name} is due next on {moment}", name=name, moment=_when(entry.next_at)))
    else:
        face.say(Message("{name} is off", name=name))
    face.answer({"name": name, "next_at": entry.next_at and entry.next_at.isoformat(), "job": job})


def _line(face: Face, job: Job) -> str:
    far = f" {job.percent}%" if job.percent is not None and not job.ended else ""
    why = f"  ({face.words(job.error)})" if job.error is not None and job.state != "done" else ""
    return (
        f"{_when(job.created_at)}  {job.id}  {face.words(JOB_STATE_LABELS[job.state])}{far}  {job.task}"
        f"  {face.words(job.title)}{why}"
    )


def _when(moment: datetime) -> str:
    return moment.astimezone().strftime("%Y-%m-%d %H:%M")


def job_json(face: Face, job: Job) -> dict[str, Any]:
    """Return a job for machines."""
    return {
        "id": job.id,
        "task": job.task,
        "title": face.words(job.title),
        "state": job.state,
        "asked": job.wish,
        "actor": job.actor,
        "entity": job.entity,
        "payload": dict(job.payload),
        "done": job.done,
        "total": job.total,
        "note": job.note and face.words(job.note),
        "result": job.result,
        "error": job.error and face.words(job.error),
        "attempts": job.attempts,
        "created_at": job.created_at.isoformat(),
        "run_at": job.run_at.isoformat(),
        "started_at": job.started_at and job.started_at.isoformat(),
        "finished_at": job.finished_at and job.finished_at.isoformat(),
    }
