"""`guanxi doctor --leaks`: every way to see records, tried in the name of many people."""

from __future__ import annotations

from engine import LeakReport, Message, examine_leaks
from ui.cli.command import DONE, PROBLEMS, Face

_PARTS = 100


def look(face: Face, seconds: float, seed: int | None) -> int:
    """Look for leaks, tell of them, and return the exit code."""
    from ui.leaks import register_faces  # the web is slow to load, and no other command needs it

    register_faces()
    with face.site(published=True) as site, face.progress(Message("Looking for leaks"), _PARTS) as move:
        shown = 0

        def tell(part: float) -> None:
            nonlocal shown
            now = int(part * _PARTS)
            move(now - shown)
            shown = now

        report = examine_leaks(site, seconds=seconds, seed=seed, progress=tell)
    for leak in report.leaks:
        face.say(f"✗ {face.words(leak.message())}", error=leak.kind != "withheld" and not face.as_json)
    face.answer(report.json(face.language))
    _sum_up(face, report)
    return PROBLEMS if report.leaks else DONE


def _sum_up(face: Face, report: LeakReport) -> None:
    face.say(
        Message(
            "{people} people asked about {entities} kinds of records in {questions} ways and were told {told} things",
            people=report.people,
            entities=report.entities,
            questions=report.questions,
            told=report.told,
        )
    )
    if not report.finished:
        face.say(Message("The time was over before everything was asked; --seconds gives it more"))
    if report.leaks:
        face.say(Message("{count} of it should not be so", count=len(report.leaks)), error=True)
    else:
        face.say(Message("✓ Nobody was told or let do what their roles do not grant"))
