"""`guanxi duplicates`: what looks alike in the books."""

from __future__ import annotations

import click

from engine import SYSTEM, Message
from ui.cli.command import Command, Face, Option, pass_face, shared

_MOST = 1_000


@click.command("duplicates", cls=Command)
@shared
@click.argument("entity")
@click.option(
    "--limit", type=click.IntRange(1, _MOST), default=100, help="How many pairs are named at most.", cls=Option
)
@pass_face
def duplicates(face: Face, entity: str, limit: int) -> None:
    """Compare all records of an object with each other, and name those that look alike."""
    with face.site(published=True) as site:
        site.published.model.entity(entity)
        site.duplicates.prepare()
        found = site.duplicates.search_now(entity)
        with site.reading(SYSTEM) as reader:
            pairs = site.duplicates.suspects(reader, entity, limit=limit).suspects
        for each in pairs:
            why = ", ".join(face.words(reason) for reason in each.reasons)
            face.say(f"{each.score:>3}  {each.one.title}  {each.other.title}  ({why})")
        face.say(Message("{count} pairs look alike", count=found))
        face.answer(
            {
                "found": found,
                "pairs": [
                    {
                        "id": each.id,
                        "score": each.score,
                        "one": {"entity": each.one.entity, "id": each.one.id, "title": each.one.title},
                        "other": {"entity": each.other.entity, "id": each.other.id, "title": each.other.title},
                        "reasons": [face.words(reason) for reason in each.reasons],
                    }
                    for each in pairs
                ],
            }
        )
