"""Records out, as files of several kinds."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from engine import LANGUAGES, Count, ExportOptions, Message, Query, Site, kind_of_file, read_export_options
from ui.cli.command import Command, Face, Option, pass_face, shared
from ui.cli.data import who

_ZIP = ".zip"


@click.command(cls=Command)
@shared
@click.argument("entity")
@click.option("--where", help="Only records for which this is true.", cls=Option)
@click.option("--search", help="Only records in which these words are found.", cls=Option)
@click.option("--ids", help="Only these records: ids with commas.", cls=Option)
@click.option("--fields", help="Fields, or paths along links, with commas; all unless given.", cls=Option)
@click.option("--order", help="Fields to sort by, with commas; - in front for descending.", cls=Option)
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="A file, .csv, .xlsx, .jsonl or .zip; the output unless given.",
    cls=Option,
)
@click.option(
    "--format", "kind", type=click.Choice(["csv", "xlsx", "jsonl"]),
    help="How it is written, where the file does not say; CSV unless given.", cls=Option,
)  # fmt: skip
@click.option("--people", is_flag=True, help="As people read it: labels, names of linked records, amounts.", cls=Option)
@click.option("--headers", type=click.Choice(["keys", "labels"]), help="What stands above the columns.", cls=Option)
@click.option(
    "--links", type=click.Choice(["ids", "titles", "both"]), help="How linked records stand there.", cls=Option
)
@click.option("--values", type=click.Choice(["exact", "people"]), help="How values are written.", cls=Option)
@click.option("--language", type=click.Choice(LANGUAGES), help="Of labels.", cls=Option)
@click.option("--timezone", help="Of times, such as Asia/Shanghai.", cls=Option)
@click.option("--encoding", help="Of CSV: utf-8-sig, utf-8, gb18030 or utf-16.", cls=Option)
@click.option("--delimiter", help="What stands between the cells of CSV: a comma, a semicolon or tab.", cls=Option)
@click.option("--children", is_flag=True, help="With child rows: sheets of a spreadsheet, or within JSON.", cls=Option)
@click.option(
    "--files", is_flag=True, help="With the files of the records, as a zip; usual where the file ends so.", cls=Option
)
@click.option("--about", is_flag=True, help="Say in the file who exported what and when.", cls=Option)
@click.option("--reason", help="Why; it stands in the audit log.", cls=Option)
@click.option("--as", "person", help="Act as a user: an email. The product itself unless given.", cls=Option)
@pass_face
def export(face: Face, /, entity: str, output: Path | None, person: str | None, **given: Any) -> None:
    """Write records as CSV, a spreadsheet or JSON lines."""
    options = _options(output, given)
    with face.site(published=True) as site:
        principal = who(site, person)
        if output is None:
            count = site.export(principal, entity, sys.stdout.buffer, options)
            sys.stdout.buffer.flush()
            return
        with face.progress(Message("Exporting"), _total(site, principal, entity, options)) as move:
            shown = 0

            def told(count: int) -> None:
                nonlocal shown
                move(count - shown)
                shown = count

            count = site.export_file(principal, entity, output, options, progress=told)
    face.say(Message("Wrote {count} records to {file}", count=count, file=str(output)))
    face.answer({"records": count, "file": str(output)})


def _options(output: Path | None, given: dict[str, Any]) -> ExportOptions:
    files = given["files"] or (output is not None and output.suffix.lower() == _ZIP)
    kind = given["kind"] or (kind_of_file(output) if output is not None and output.suffix.lower() != _ZIP else None)
    people = given["people"] and kind != "jsonl"
    delimiter = given["delimiter"]
    body = {
        "format": kind,
        "filter": given["where"],
        "q": given["search"],
        "ids": given["ids"],
        "fields": given["fields"],
        "order": given["order"],
        "headers": given["headers"] or ("labels" if people else None),
        "links": given["links"] or ("titles" if given["people"] else None),
        "values": given["values"] or ("people" if people else None),
        "language": given["language"],
        "timezone": given["timezone"],
        "encoding": given["encoding"],
        "delimiter": "\t" if delimiter in {"\\t", "tab"} else delimiter,
        "children": given["children"] or None,
        "about": given["about"] or None,
        "files": files,
        "reason": given["reason"],
    }
    return read_export_options(body)


def _total(site: Site, principal: Any, entity: str, options: ExportOptions) -> int | None:
    """Return how many records there are, where a bar is shown to somebody; None where nobody looks or knows."""
    if not sys.stderr.isatty():
        return None
    with site.reading(principal) as reader:
        query = Query(entity, ("id",), options.where, search=options.search, ids=options.ids)
        found: Count = reader.count(query, 10_000_000)
    return found.number
