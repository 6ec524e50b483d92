"""`guanxi clean-up`: throw away what has had its time."""

from __future__ import annotations

import click

from engine import Message
from ui.cli.command import Command, Face, Option, pass_face, shared


@click.command("clean-up", cls=Command)
@shared
@click.option("--dry-run", is_flag=True, help="Only say what would go.", cls=Option)
@pass_face
def clean_up(face: Face, dry_run: bool) -> None:  # noqa: FBT001 - click's own shape
    """Throw away what has had its time: the recycle bin after trash_days, abandoned files, ended sign-ins and links."""
    with face.site(published=True) as site:
        swept = site.clean_up(dry_run=dry_run)
    for each in swept:
        face.say(f"- {face.words(each.label)}: {each.count}")
        for kept in each.kept:
            face.say(f"  {kept.id}: {face.words(kept.reason)}")
    total = sum(each.count for each in swept)
    face.say(Message("{count} would go", count=total) if dry_run else Message("{count} are gone", count=total))
    face.answer(
        {
            "dry_run": dry_run,
            "steps": {each.step: each.count for each in swept},
            "kept": [
                {"entity": kept.entity, "id": kept.id, "reason": face.words(kept.reason)}
                for each in swept
                for kept in each.kept
            ],
        }
    )
