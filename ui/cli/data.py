"""Many records at once: import, undo."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from engine import SYSTEM, ImportOptions, ImportReport, Message, Principal, Site, map_text
from ui.cli.command import DONE, PROBLEMS, SOME_FAILED, Command, Face, Option, existing, pass_face, shared

_SHOWN_PROBLEMS = 5


@click.command("import", cls=Command)
@shared
@click.argument("entity")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path), callback=existing)
@click.option(
    "--map",
    "mapping",
    type=click.Path(dir_okay=False, path_type=Path),
    callback=existing,
    help="YAML or JSON that says which column is which field, and what happens to its cells.",
    cls=Option,
)
@click.option("--propose", is_flag=True, help="Print a mapping that fits the file, and import nothing.", cls=Option)
@click.option("--dry-run", is_flag=True, help="Try every row, and keep nothing.", cls=Option)
@click.option("--on", help="Update records that are there: external_id, id, or a unique rule or field.", cls=Option)
@click.option(
    "--mode",
    type=click.Choice(["create", "update", "both"]),
    help="With --on: only create, only update, or both.",
    cls=Option,
)
@click.option(
    "--empty",
    type=click.Choice(["clear", "keep"]),
    help="What an empty cell does to a record that is there: take the value away, or leave it alone.",
    cls=Option,
)
@click.option("--set", "fixed", multiple=True, metavar="FIELD=VALUE", help="The same for every row.", cls=Option)
@click.option("--as", "person", help="Act as a user: an email. The product itself unless given.", cls=Option)
@click.option("--resume", metavar="CHANGE_SET", help="Go on with an import that was broken off.", cls=Option)
@click.option("--again", is_flag=True, help="Import a file once more that was broken off, from its start.", cls=Option)
@click.option("--encoding", help="The encoding of the file; found out unless given.", cls=Option)
@click.option("--delimiter", help="What stands between cells; found out unless given.", cls=Option)
@click.option("--sheet", help="The sheet of a spreadsheet; the first unless given.", cls=Option)
@click.option(
    "--header-row",
    type=click.IntRange(1),
    help="The row that names the columns; found out unless given.",
    cls=Option,
)
@pass_face
def import_(
    face: Face,
    /,
    entity: str,
    file: Path,
    person: str | None,
    propose: bool,  # noqa: FBT001 - click's own shape
    fixed: tuple[str, ...],
    delimiter: str | None,
    **given: Any,
) -> int:
    """Read records from CSV, a spreadsheet or JSON lines."""
    options = ImportOptions(**given, delimiter=_tab(delimiter), values=_fixed(fixed))
    with face.site(published=True) as site:
        principal = who(site, person)
        if propose:
            said = site.imports.propose(principal, entity, file, options.said())
            face.say(map_text(said).rstrip())
            face.answer(said.body())
            return DONE
        with face.progress(Message("Importing"), file.stat().st_size) as move:
            report = site.import_file(principal, entity, file, options, progress=move)
    _show(face, report, dry_run=options.dry_run)
    return SOME_FAILED if report.failed else DONE


def _fixed(said: tuple[str, ...]) -> dict[str, str]:
    """Return what --set says.

    Raises:
        BadParameter: it is no FIELD=VALUE.
    """
    wrong = next((each for each in said if "=" not in each), None)
    if wrong is not None:
        raise click.BadParameter("FIELD=VALUE", param_hint="--set")
    return {field.strip(): value for field, _, value in (each.partition("=") for each in said)}


def _tab(delimiter: str | None) -> str | None:
    return "\t" if delimiter in {"\\t", "tab"} else delimiter


def _show(face: Face, report: ImportReport, *, dry_run: bool) -> None:
    if report.left_out:
        face.say(Message("Columns left out: {names}", names=", ".join(report.left_out)))
    for problem in report.problems[:_SHOWN_PROBLEMS]:
        face.say(Message("Row {row}: {why}", row=problem.row, why=problem.why), error=True)
    counts = {
        "created": report.created,
        "updated": report.updated,
        "unchanged": report.unchanged,
        "failed": report.failed,
    }
    face.say(Message("{created} created, {updated} updated, {unchanged} unchanged, {failed} failed", **counts))
    if report.skipped:
        face.say(Message("{count} rows were left as they are there already", count=report.skipped))
    if report.linked:
        face.say(Message("{count} linked records created", count=report.linked))
    if report.errors_file:
        face.say(Message("The rows that failed are in {file}", file=report.errors_file))
    if dry_run:
        face.say(Message("Nothing was kept: this was a trial"))
    elif report.change_set:
        face.say(Message("Take it back with `guanxi undo {id}`", id=report.change_set))
    face.answer(
        {
            "change_set": report.change_set,
            **counts,
            "errors_file": report.errors_file,
            "left_out": list(report.left_out),
            "warnings": report.warnings,
            "skipped": report.skipped,
            "linked": report.linked,
            "problems": [
                {
                    "row": each.row,
                    "column": each.column,
                    "field": each.field,
                    "value": each.value,
                    "reason": each.message.in_(face.language),
                }
                for each in report.problems
            ],
        }
    )


def who(site: Site, person: str | None) -> Principal:
    """Return whom a command acts as: a user by email, else the product itself."""
    return SYSTEM if person is None else site.principal(site.identity.find(person).id)


@click.command(cls=Command)
@shared
@click.argument("change_set")
@click.option("--as", "person", help="Act as a user: an email. The product itself unless given.", cls=Option)
@pass_face
def undo(face: Face, change_set: str, person: str | None) -> int:
    """Take back what an import or a bulk change did, apart from what was edited since."""
    with face.site(published=True) as site:
        report = site.undo(who(site, person), change_set)
    for kept in report.kept[:20]:
        face.say(Message("Kept {label}: {why}", label=kept.title, why=kept.why))
    face.say(Message("{undone} records taken back, {kept} kept", undone=report.undone, kept=len(report.kept)))
    face.answer({"change_set": report.change_set, "undone": report.undone, "kept": [kept.id for kept in report.kept]})
    return PROBLEMS if report.kept and not report.undone else DONE
