"""Documents on their way into the database, and back: check, plan, publish, pull, history, rollback, purge."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from engine import Entry, Message, Plan, check_files, plan_to_json, plan_to_text
from ui.cli.command import CHANGES, DONE, PROBLEMS, Command, Face, Option, existing, pass_face, shared


@click.command(cls=Command)
@shared
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path), callback=existing)
@pass_face
def check(face: Face, paths: tuple[Path, ...]) -> int:
    """Check documents, without a database: every problem of every file, with its place."""
    checked = check_files(paths, site=face.site_folder)
    errors = [problem for problem in checked.problems if problem.severity == "error"]
    if face.as_json:
        face.answer(
            {
                "documents": checked.documents,
                "problems": [face.problem_json(problem) for problem in checked.problems],
            }
        )
    else:
        face.problems(checked.problems, error=False)
        if errors:
            face.say(
                Message("{count} problems in {documents} documents", count=len(errors), documents=checked.documents),
                error=True,
            )
        else:
            face.say(Message("{documents} documents, no problems", documents=checked.documents))
    return PROBLEMS if errors else DONE


@click.command(cls=Command)
@shared
@pass_face
def plan(face: Face) -> int:
    """Show the changes that publishing would make, with their risk and what would be lost."""
    with face.site() as site:
        planned = site.plan()
    _show_plan(face, planned)
    face.answer(plan_to_json(planned, face.language))
    if planned.problems:
        return PROBLEMS
    return DONE if planned.empty else CHANGES


@click.command(cls=Command)
@shared
@click.option(
    "--accept",
    multiple=True,
    metavar="ITEM=N",
    help="Accept the loss of N values of an item, as the plan says.",
    cls=Option,
)
@click.option("-m", "--message", "comment", help="Why; it stands in the history.", cls=Option)
@click.option(
    "--base", type=int, help="The revision that the folder was taken from, where it does not know.", cls=Option
)
@pass_face
def publish(face: Face, accept: tuple[str, ...], comment: str | None, base: int | None) -> None:
    """Make the documents of the folder those of the site, while it runs."""
    accepted = _accepted(accept)
    with face.site() as site:
        before = site.revision
        planned = site.plan(accept=accepted)
        revision = site.publish(accept=accepted, comment=comment, base=base)
    if revision.number == before:
        face.say(Message("Nothing to do: revision {number} is what the folder says", number=revision.number))
    else:
        _show_plan(face, planned)
        face.say(Message("Published revision {number}", number=revision.number))
    face.answer(
        {
            "revision": revision.number,
            "published": revision.number != before,
            "plan": plan_to_json(planned, face.language),
        }
    )


def _accepted(items: tuple[str, ...]) -> Mapping[str, int]:
    accepted = {}
    for item in items:
        target, _, number = item.partition("=")
        if not number.isdigit():
            raise click.BadParameter("ITEM=N", param_hint="--accept")
        accepted[target] = int(number)
    return accepted


def _show_plan(face: Face, planned: Plan) -> None:
    if not face.as_json:
        click.echo(plan_to_text(planned, face.language))


@click.command(cls=Command)
@shared
@click.option("--force", is_flag=True, help="Overwrite documents that were changed here.", cls=Option)
@pass_face
def pull(face: Face, force: bool) -> None:  # noqa: FBT001 - click's own shape
    """Write the published documents into the folder."""
    with face.site() as site:
        pulled = site.pull(force=force)
    for file in pulled.written:
        face.say(f"+ {file}")
    for file in pulled.removed:
        face.say(f"- {file}")
    face.say(Message("The folder is at revision {number}", number=pulled.revision))
    face.answer({"revision": pulled.revision, "written": pulled.written, "removed": pulled.removed})


@click.command(cls=Command)
@shared
@pass_face
def history(face: Face) -> None:
    """List the revisions that were published, the newest first."""
    with face.site() as site:
        revisions = site.history()
        zone = site.config.timezone
    for revision in revisions:
        face.say(_revision_line(face, revision, zone))
    if not revisions:
        face.say(Message("Nothing was published yet"))
    face.answer([_revision_json(revision) for revision in revisions])


def _revision_line(face: Face, revision: Entry, zone: str) -> str:
    from zoneinfo import ZoneInfo

    at = revision.published_at.astimezone(ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M")
    return f"{revision.number:>4}  {at}  {revision.comment or ''}".rstrip()


def _revision_json(revision: Entry) -> dict[str, Any]:
    return {
        "revision": revision.number,
        "published_at": revision.published_at.isoformat(),
        "author": revision.author_id,
        "comment": revision.comment,
        "checksum": revision.checksum,
    }


@click.command(cls=Command)
@shared
@click.argument("number", type=int)
@click.option(
    "--accept",
    multiple=True,
    metavar="ITEM=N",
    help="Accept the loss of N values of an item, as the plan says.",
    cls=Option,
)
@pass_face
def rollback(face: Face, number: int, accept: tuple[str, ...]) -> None:
    """Publish the documents of an older revision again, as a new one; values that were retired come back."""
    with face.site() as site:
        revision = site.rollback(number, accept=_accepted(accept))
    face.say(
        Message("Published revision {number}, with the documents of revision {old}", number=revision.number, old=number)
    )
    face.say(Message("`guanxi pull` writes them into the folder"))
    face.answer({"revision": revision.number, "of": number})


@click.command(cls=Command)
@shared
@click.option("--dry-run", is_flag=True, help="Show what would go, and leave it.", cls=Option)
@pass_face
def purge(face: Face, dry_run: bool) -> None:  # noqa: FBT001 - click's own shape
    """Drop the columns and tables of retired fields whose time of grace is over."""
    with face.site() as site:
        dropped = site.purge(dry_run=dry_run)
    for item in dropped:
        face.say(f"- {item}")
    if dry_run:
        face.say(Message("{count} items would be dropped", count=len(dropped)))
    else:
        face.say(Message("Dropped {count} items", count=len(dropped)))
    face.answer({"dropped": [str(item) for item in dropped], "dry_run": dry_run})
