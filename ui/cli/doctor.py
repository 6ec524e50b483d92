"""`guanxi doctor`: whether everything is as it should be."""

from __future__ import annotations

import click

from engine import Message, examine
from ui.cli.command import DONE, PROBLEMS, Command, Face, pass_face, shared

_MARKS = {"good": "✓", "warning": "!", "bad": "✗"}


@click.command(cls=Command)
@shared
@pass_face
def doctor(face: Face) -> int:
    """Look for what is wrong: settings, database, tables, indexes, links, search, files."""
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
