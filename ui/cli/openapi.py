"""`guanxi openapi`: the description of the API as a file, and what in it breaks programs made from an older one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
import orjson

from engine import EVERYONE, SYSTEM, Access, GuanxiError, Message, NotFound, Principal
from ui.api.openapi.breaking import breaking
from ui.api.openapi.document import document
from ui.api.openapi.shapes import Most
from ui.cli.command import DONE, PROBLEMS, Command, Face, Option, existing, pass_face, shared


@click.command(cls=Command)
@shared
@click.option("--role", help="As the holders of this role may use it; everything unless given.", cls=Option)
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The file to write; the output unless given.",
    cls=Option,
)
@click.option(
    "--against",
    type=click.Path(dir_okay=False, path_type=Path),
    callback=existing,
    help="Compare with an older document, and print what breaks programs made from it.",
    cls=Option,
)
@pass_face
def openapi(face: Face, role: str | None, output: Path | None, against: Path | None) -> int:
    """Write the OpenAPI document of the site, or say what in it breaks programs."""
    made = _document(face, role)
    if output is not None:
        output.write_bytes(orjson.dumps(made, option=orjson.OPT_INDENT_2) + b"\n")
        face.say(Message("{file} describes revision {number}", file=str(output), number=made["info"]["x-revision"]))
    elif against is None:
        click.echo(orjson.dumps(made, option=orjson.OPT_INDENT_2))
    return DONE if against is None else _compare(face, against, made)


def _document(face: Face, role: str | None) -> dict[str, Any]:
    with face.site(published=True) as site:
        limits = site.config.limits
        with site.reading(SYSTEM) as reader:
            access = reader.access
            if role is not None:
                if role not in reader.model.roles:
                    raise NotFound(Message("There is no role {name}", name=role))
                access = Access(reader.published, Principal(None, role, frozenset((role, EVERYONE))))
            return document(access, face.language, Most(limits.rows_per_page, limits.rows_per_write), role=role)


def _read(file: Path) -> Any:
    try:
        found = json.loads(file.read_bytes())
    except ValueError:
        found = None
    if not isinstance(found, dict) or "paths" not in found:
        raise GuanxiError(Message("{file} is no OpenAPI document", file=str(file)))
    return found


def _compare(face: Face, file: Path, new: dict[str, Any]) -> int:
    old = _read(file)
    found = breaking(old, new)
    for each in found:
        face.say(each.in_(face.language))
    face.answer(
        {
            "from": old.get("info", {}).get("x-revision"),
            "to": new["info"]["x-revision"],
            "breaks": [{"place": each.place, "message": face.words(each.message)} for each in found],
        }
    )
    if found:
        face.say(Message("{count} changes break programs", count=len(found)), error=True)
        return PROBLEMS
    face.say(Message("Nothing breaks programs made from {file}", file=str(file)))
    return DONE
