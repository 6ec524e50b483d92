"""`guanxi new`: the folder of a new site."""

from __future__ import annotations

from pathlib import Path

import click

from engine import Message, create_folder
from ui.cli.command import Command, Face, Option, pass_face, shared


@click.command(cls=Command)
@shared
@click.argument("directory", type=click.Path(file_okay=False, path_type=Path))
@click.option("--database", help="Its database; SQLite in the folder unless given.", cls=Option)
@click.option("--timezone", default="Asia/Shanghai", show_default=True, help="Its time zone.", cls=Option)
@click.option("--currency", default="CNY", show_default=True, help="Its currency.", cls=Option)
@pass_face
def new(face: Face, directory: Path, database: str | None, timezone: str, currency: str) -> None:
    """Make the folder of a new site."""
    create_folder(directory, language=face.language, timezone=timezone, currency=currency, database=database)
    face.say(Message("Made {folder}. What comes next:", folder=str(directory)))
    face.say(f"  cd {directory}")
    face.say("  guanxi publish")
    face.say("  guanxi user add NAME --email E --role admin")
    face.say("  guanxi serve")
    face.answer({"folder": str(directory.resolve())})
