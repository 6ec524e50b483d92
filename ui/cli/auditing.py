"""`guanxi audit` and `guanxi alerts`: the log on the command line, its head, and a round of alarms by hand."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import click

from engine import (
    EVENT_KINDS,
    SYSTEM,
    EventNames,
    GuanxiError,
    LogEntry,
    Message,
    Raised,
    Site,
    Wanted,
    alert_labels,
    event_sentence,
    read_head,
)
from ui.cli.command import DONE, PROBLEMS, Command, Face, Group, Option, pass_face, shared
from ui.widgets.moments import zone

_SPELL = re.compile(r"(\d+)([mhdw])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_PAGE = 500


@click.group(cls=Group, invoke_without_command=True)
@shared
@click.option("--since", default="7d", show_default=True, help="From when on: 2h, 7d, or a date.", cls=Option)
@click.option("--kind", "kinds", multiple=True, help="Only events of this kind; several times.", cls=Option)
@click.option("--person", help="Only what this person did: an email, a name or an id.", cls=Option)
@click.option(
    "--limit",
    default=100,
    show_default=True,
    type=click.IntRange(1, 100_000),
    help="Show at most so many.",
    cls=Option,
)
@pass_face
@click.pass_context
def audit(
    context: click.Context, face: Face, since: str, kinds: tuple[str, ...], person: str | None, limit: int
) -> None:
    """Show what somebody may have to answer for, the latest first."""
    if context.invoked_subcommand is not None:
        return
    unknown = sorted(set(kinds) - set(EVENT_KINDS))
    if unknown:
        raise GuanxiError(
            Message(
                "There is no kind of event {kind}; there are {known}", kind=unknown[0], known=", ".join(EVENT_KINDS)
            )
        )
    with face.site(published=True) as site:
        actor = site.identity.find(person).id if person is not None else None
        wanted = Wanted(kinds=tuple(kinds), actor_id=actor, since=_moment(since, site.config.timezone))
        found = _entries(site, wanted, limit)
        names = _names(site, face.language, found)
        place = zone(site.config.timezone)
    for each in found:
        where = f"  [{each.via}{' ' + each.address if each.address else ''}]"
        face.say(f"{each.at.astimezone(place):%Y-%m-%d %H:%M:%S}  {face.words(event_sentence(each, names))}{where}")
    if not found:
        face.say(Message("Nothing was noted"))
    face.answer([_json(face, each, names) for each in found])


@audit.command("head", cls=Command)
@shared
@pass_face
def head(face: Face) -> None:
    """Print the last link of the chain; kept elsewhere, it proves that nothing before it was changed."""
    with face.site() as site:
        site.trail.seal()
        found = site.trail.head()
    face.say(str(found))
    face.answer({"place": found.place, "hash": found.hash, "head": str(found)})


@click.group(cls=Group)
def alerts() -> None:
    """Look after alarms."""


@alerts.command("run", cls=Command)
@shared
@pass_face
def run_alerts(face: Face) -> None:
    """Look once whether something happened that somebody should know of."""
    with face.site(published=True) as site:
        raised = site.alarms.evaluate()
        labels = alert_labels(site.published.model)
    for each in raised:
        face.say(f"{each.severity}: {_label(face, labels, each)}")
    if not raised:
        face.say(Message("No alarm rings"))
    face.answer([_raised_json(each) for each in raised])


@alerts.command("list", cls=Command)
@shared
@click.option("--all", "every", is_flag=True, help="Also those that were seen or closed.", cls=Option)
@pass_face
def list_alerts(face: Face, *, every: bool) -> None:
    """Show the alarms that rang, the latest first."""
    with face.site(published=True) as site:
        place, labels = zone(site.config.timezone), alert_labels(site.published.model)
        with site.reading(SYSTEM) as reader:
            found = site.alarms.inbox.page(reader.connection, states=() if every else ("new",), limit=200)
    for each in found:
        when = f"{each.raised_at.astimezone(place):%Y-%m-%d %H:%M}"
        face.say(f"{when}  {each.severity:6} {each.state:6} {_label(face, labels, each)} ({each.times})")
    if not found:
        face.say(Message("No alarm rang"))
    face.answer([_raised_json(each) for each in found])


def check_log(face: Face, given: str | None) -> int:
    """Check the chain of the log for `guanxi doctor --audit`, against a head that was kept elsewhere."""
    kept = read_head(given) if given is not None else None
    if given is not None and kept is None:
        raise GuanxiError(Message("{text} is no head; `guanxi audit head` prints one", text=given))
    with face.site() as site:
        found = site.trail.check(kept)
    if found.broken is not None:
        face.say(face.words(found.broken.said), error=True)
    else:
        face.say(Message("{count} events are as they were written; the head is {head}",
                         count=f"{found.events:,}", head=str(found.head)))  # fmt: skip
    if found.pending:
        face.say(Message("{count} events are not sealed yet", count=found.pending))
    if found.unsigned:
        face.say(Message("{count} links are signed with a key that is not here", count=f"{found.unsigned:,}"))
    broken = found.broken
    face.answer(
        {
            "good": broken is None,
            "events": found.events,
            "head": str(found.head),
            "pending": found.pending,
            "unsigned": found.unsigned,
            "broken": None
            if broken is None
            else {
                "fault": broken.fault,
                "place": broken.place,
                "event": broken.seq,
                "message": face.words(broken.said),
            },
        }
    )
    return DONE if broken is None else PROBLEMS


def _moment(text: str, timezone: str) -> datetime:
    """Return a moment: so long ago, or the beginning of a day where the site is."""
    spell = _SPELL.fullmatch(text.strip())
    try:
        if spell is not None:
            return datetime.now(UTC) - timedelta(**{_UNITS[spell[2]]: int(spell[1])})
        given = datetime.fromisoformat(text.strip())
    except (ValueError, OverflowError):
        raise GuanxiError(Message("{text} is no time; write 2h, 7d or 2026-01-31", text=text)) from None
    return given if given.tzinfo is not None else given.replace(tzinfo=zone(timezone))


def _entries(site: Site, wanted: Wanted, limit: int) -> list[LogEntry]:
    found: list[LogEntry] = []
    before = None
    with site.reading(SYSTEM) as reader:
        while len(found) < limit:
            part = site.trail.entries(reader.connection, wanted, min(_PAGE, limit - len(found)), before)
            found += part
            if len(part) < _PAGE:
                break
            before = (part[-1].at, part[-1].seq)
    return found


def _names(site: Site, language: str, found: list[LogEntry]) -> EventNames:
    people = {each.id: each.name for each in site.identity.people()}
    model = site.published.model

    def entities(key: str) -> tuple[str, str]:
        entity = model.entities.get(key)
        if entity is None:
            return key, key
        shown = entity.label.in_(language), entity.plural.in_(language)
        return (shown[0].lower(), shown[1].lower()) if language == "en" else shown

    return EventNames(people, entities, {}, alert_labels(model))


def _json(face: Face, each: LogEntry, names: EventNames) -> dict[str, Any]:
    return {
        "event": each.seq,
        "kind": each.kind,
        "at": each.at.isoformat(timespec="milliseconds"),
        "actor": each.actor_id,
        "entity": each.entity,
        "record": each.record_id,
        "number": each.number,
        "details": dict(each.details),
        "via": each.via,
        "address": each.address,
        "agent": each.agent,
        "token": each.token,
        "said": face.words(event_sentence(each, names)),
    }


def _label(face: Face, labels: Any, each: Raised) -> str:
    return face.words(labels[each.alert]) if each.alert in labels else each.alert


def _raised_json(each: Raised) -> dict[str, Any]:
    return {
        "id": each.id,
        "alert": each.alert,
        "severity": each.severity,
        "state": each.state,
        "raised_at": each.raised_at.isoformat(timespec="milliseconds"),
        "times": each.times,
        "person": each.person_id,
        "address": each.address,
        "details": dict(each.details),
    }


__all__ = ["alerts", "audit", "check_log"]
