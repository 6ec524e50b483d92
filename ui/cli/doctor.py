"""`guanxi doctor`: whether everything is as it should be."""

from __future__ import annotations

import click

from engine import Message, examine
from ui.cli import auditing, leaking
from ui.cli.command import DONE, PROBLEMS, Command, Face, Option, pass_face, shared

_MARKS = {"good": "✓", "warning": "!", "bad": "✗"}


@click.command(cls=Command)
@shared
@click.option("--leaks", is_flag=True, help="Try every way to see records, in the name of many people.", cls=Option)
@click.option(
    "--seconds", metavar="N", type=click.FloatRange(min=1), default=60.0, help="How long to look for leaks.", cls=Option
)
@click.option("--seed", metavar="N", type=int, help="Look for leaks just as another run did.", cls=Option)
@click.option("--audit", "log", is_flag=True, help="Check that nobody changed the audit log.", cls=Option)
@click.option("--head", help="Of --audit: the head that you kept, from `guanxi audit head`.", cls=Option)
@pass_face
def doctor(face: Face, *, leaks: bool, seconds: float, seed: int | None, log: bool, head: str | None) -> int:
    """Look for what is wrong: settings, database, tables, indexes, links, search, files."""
    if leaks:
        return leaking.look(face, seconds, seed)
    if log or head is not None:
        return auditing.check_log(face, head)
    with face.site() as site:
        findings = examine(site)
    for finding in findings:
        face.say(f"{_MARKS[finding.state]} {face.words(finding.about)}: {face.words(finding.said)}")
        for line in finding.details[:10]:
            face.say(f"    {face.words(line)}")
    face.answer(
        [
            {
                "check": finding.key,
                "state": finding.state,
                "message": face.words(finding.said),
                "details": [face.words(line) for line in finding.details],
            }
            for finding in findings
        ]
    )
    bad = any(finding.state == "bad" for finding in findings)
    if bad:
        face.say(Message("Something needs to be put right"), error=True)
    return PROBLEMS if bad else DONE
