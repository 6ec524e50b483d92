"""Events of the audit log as pages show them: a sentence, when, from where, and what else there is to know."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from engine import (
    EVENT_LABELS,
    EventNames,
    LogEntry,
    Message,
    Reader,
    alert_labels,
    event_sentence,
    is_id,
)
from ui.asking import language
from ui.frame import within, words
from ui.pages.listing import locale_of
from ui.widgets.agents import device
from ui.widgets.moments import moment_writer, zone

LOG = "audit_event"
"""What exports of the log itself are noted under."""
_VIA = {
    "web": Message("in the browser"),
    "api": Message("by the API"),
    "mcp": Message("by an agent"),
    "command": Message("by a command"),
    "hook": Message("by an inbound hook"),
    "system": Message("by itself"),
}
_FACTS = {
    "tool": Message("Tool"),
    "client": Message("Program"),
    "called": Message("Token"),
    "outcome": Message("Outcome"),
    "proposal": Message("Proposal"),
    "step": Message("Step"),
    "method": Message("Method"),
    "format": Message("Format"),
    "where": Message("Condition"),
    "search": Message("Words searched for"),
    "fields": Message("Fields"),
    "files": Message("Files"),
    "bytes": Message("Bytes"),
    "file": Message("File"),
    "created": Message("Created"),
    "updated": Message("Changed"),
    "unchanged": Message("Unchanged"),
    "failed": Message("Not taken"),
    "change_set": Message("Change set"),
    "kept": Message("Left as they are"),
    "what": Message("Operation"),
    "broken_off": Message("Broken off"),
    "field": Message("Field"),
    "reason": Message("Reason"),
    "name": Message("Name"),
    "action": Message("Operation"),
    "gained": Message("Permissions gained"),
    "lost": Message("Permissions lost"),
    "roles": Message("Roles"),
    "department": Message("Department"),
    "manager": Message("Manager"),
    "deputy": Message("Deputy"),
    "absent_from": Message("Away from"),
    "absent_until": Message("Away until"),
    "leader": Message("Leader"),
    "head": Message("Head of department"),
    "members": Message("Members"),
    "parent": Message("Part of"),
    "status": Message("Status"),
    "revision": Message("Revision"),
    "from": Message("Before that"),
    "back_to": Message("Back to revision"),
    "comment": Message("Comment"),
    "documents": Message("Documents"),
    "changes": Message("Changes of tables"),
    "losses_accepted": Message("Losses that were accepted"),
    "retired": Message("Dropped"),
    "alert": Message("Alert"),
    "minutes": Message("Minutes"),
    "sessions": Message("Sign-ins"),
    "until": Message("Until"),
    "level": Message("Level"),
    "with": Message("With whom"),
    "scopes": Message("Scopes"),
    "filter": Message("Filter"),
    "hash": Message("Hash"),
    "place": Message("Place in the chain"),
    "before": Message("Before"),
}
"""What is called how of the details of events; the others show their own name."""
_PEOPLE = frozenset({"manager", "deputy", "leader", "head", "members"})
_DEPARTMENTS = frozenset({"department"})
_LONGEST = 400


@dataclass(frozen=True, slots=True)
class Line:
    """One event, in the reader's language."""

    seq: int
    kind: str
    kind_label: str
    said: str
    when: str
    iso: str
    who: str
    who_id: str | None
    record: str
    """Address of the record that it is about; "" when who reads may not open it."""
    via: str
    address: str
    device: str
    facts: Sequence[tuple[str, str]]
    """(label, value) of what else there is to know."""


def lines(reader: Reader, events: Sequence[LogEntry]) -> list[Line]:
    """Return events in the language of who reads; records that they may not read are not named."""
    spoken, place = language(), zone(locale_of(reader).timezone)
    write, year = moment_writer(spoken), reader.access.env()["today"].year
    names = names_of(reader, events)
    roles = {key: role.label.in_(spoken) for key, role in reader.model.roles.items()}
    return [
        Line(
            seq=each.seq,
            kind=each.kind,
            kind_label=EVENT_LABELS[each.kind].in_(spoken) if each.kind in EVENT_LABELS else each.kind,
            said=event_sentence(each, names).in_(spoken),
            when=write(each.at.astimezone(place), year),
            iso=each.at.isoformat(timespec="milliseconds"),
            who=names.people.get(each.actor_id or "", "") or words("The system"),
            who_id=each.actor_id,
            record=_address(each, names),
            via=_VIA[each.via].in_(spoken) if each.via in _VIA else each.via,
            address=each.address or "",
            device=device(each.agent),
            facts=list(_facts(each, names, roles)),
        )
        for each in events
    ]


def names_of(reader: Reader, events: Iterable[LogEntry]) -> EventNames:
    """Return how what events name is called."""
    people: set[str] = set()
    records: dict[str, set[str]] = {}
    departments: set[str] = set()
    for each in events:
        people.update(known for known in (each.actor_id, _person(each)) if known)
        if each.entity in reader.model.entities and each.record_id is not None and each.entity is not None:
            records.setdefault(each.entity, set()).add(each.record_id)
        people.update(_named(each.details, _PEOPLE))
        departments.update(_named(each.details, _DEPARTMENTS))
    if departments:
        records.setdefault("department", set()).update(departments)
    titles = {
        (entity, id_): title
        for entity, ids in records.items()
        if entity != "user"
        for id_, title in reader.titles(entity, reader.readable(entity, ids)).items()
    }
    known = reader.titles("user", people)
    titles |= {("user", id_): title for id_, title in known.items()}
    return EventNames(known, lambda key: _called(reader, key), titles, alert_labels(reader.model))


def _called(reader: Reader, key: str) -> tuple[str, str]:
    if key == LOG:
        return words("event"), words("events of the audit log")
    entity = reader.model.entities.get(key)
    return (key, key) if entity is None else (within(entity.label), within(entity.plural))


def _person(event: LogEntry) -> str | None:
    return event.record_id if event.entity == "user" else None


def _named(details: Mapping[str, Any], fields: frozenset[str]) -> Iterable[str]:
    """Yield the ids that changes of some fields name."""
    for key, change in details.items():
        if key in fields and isinstance(change, dict):
            for side in ("from", "to"):
                value = change.get(side)
                for each in value if isinstance(value, list) else [value]:
                    if isinstance(each, str) and is_id(each):
                        yield each


def _address(event: LogEntry, names: EventNames) -> str:
    if event.entity is None or event.record_id is None or (event.entity, event.record_id) not in names.titles:
        return ""
    return f"/{event.entity}/{event.record_id}"


def _facts(event: LogEntry, names: EventNames, roles: Mapping[str, str]) -> Iterable[tuple[str, str]]:
    """Yield what the sentence does not say."""
    for name, value in event.details.items():
        key = _FACTS[name].in_(language()) if name in _FACTS else name
        if name == "roles" and isinstance(value, dict):
            before, after = ([roles.get(each, each) for each in value.get(side) or ()] for side in ("from", "to"))
            yield key, f"{', '.join(before) or '—'} → {', '.join(after) or '—'}"
        elif isinstance(value, dict) and set(value) == {"from", "to"}:
            yield key, f"{_short(value['from'], name, names)} → {_short(value['to'], name, names)}"
        elif value not in (None, "", [], {}):
            yield key, _short(value, name, names)
    if event.agent:
        yield words("Browser or program"), event.agent[:_LONGEST]
    if event.token:
        yield words("Token"), event.token
    yield words("Event"), str(event.seq)


def _short(value: Any, key: str, names: EventNames) -> str:
    if isinstance(value, list):
        return ", ".join(_short(each, key, names) for each in value)[:_LONGEST] or "—"
    if value is None:
        return "—"
    if isinstance(value, str):
        known = names.people.get(value) or names.titles.get(("department", value))
        return (known or value)[:_LONGEST]
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return f"{value:,}" if key not in {"revision", "from", "back_to", "place"} else str(value)
    return orjson.dumps(value).decode()[:_LONGEST]
