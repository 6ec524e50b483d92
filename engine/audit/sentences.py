"""What the log says to people: a name for each kind of event, and a sentence for each event."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.audit.events import LogEntry
from engine.i18n import Message, Text

EVENT_LABELS: Mapping[str, Message] = {
    "sign_in": Message("Sign-in"),
    "sign_in_failed": Message("Failed sign-in"),
    "sign_out": Message("Sign-out"),
    "locked_out": Message("Locked out"),
    "password_changed": Message("Password changed"),
    "password_reset": Message("Password reset"),
    "email_changed": Message("Email address changed"),
    "invited": Message("Invitation"),
    "second_factor_added": Message("Second factor added"),
    "second_factor_removed": Message("Second factor removed"),
    "recovery_code_used": Message("Recovery code used"),
    "session_ended": Message("Sign-in ended"),
    "token_made": Message("Token made"),
    "token_revoked": Message("Token revoked"),
    "sso_linked": Message("Account linked"),
    "export": Message("Export"),
    "import": Message("Import"),
    "reveal": Message("Masked value revealed"),
    "share": Message("Record shared"),
    "unshare": Message("Share ended"),
    "bulk": Message("Bulk change"),
    "merge": Message("Records merged"),
    "purge": Message("Deleted for good"),
    "undo": Message("Undo"),
    "view_as": Message("Viewed as somebody else"),
    "rights_changed": Message("Rights changed"),
    "user_disabled": Message("User disabled"),
    "user_enabled": Message("User enabled"),
    "metadata_published": Message("Publication"),
    "rolled_back": Message("Rollback"),
    "key_rotated": Message("Keys rotated"),
    "backup": Message("Backup"),
    "restore": Message("Restored from a backup"),
    "handover": Message("Hand-over"),
    "job": Message("Job stopped or started"),
    "agent": Message("Call of an agent"),
    "proposal": Message("Proposal of an agent"),
    "webhook_changed": Message("Webhook changed"),
    "hook_changed": Message("Inbound hook changed"),
    "alert": Message("Alert"),
    "log_trimmed": Message("Old events removed"),
    "log_broken": Message("Log tampered with"),
}
"""What each kind is called."""

_ACTS: Mapping[str, Message] = {
    "create": Message("{actor} created {count} {what} at once"),
    "update": Message("{actor} changed {count} {what} at once"),
    "upsert": Message("{actor} created or changed {count} {what} at once"),
    "delete": Message("{actor} moved {count} {what} to the recycle bin at once"),
    "restore": Message("{actor} restored {count} {what} at once"),
    "transition": Message("{actor} moved {count} {what} to another state at once"),
}
_FORMATS = {"csv": "CSV", "xlsx": "XLSX", "jsonl": "JSON"}
_PLAIN: Mapping[str, Message] = {
    "sign_in": Message("{actor} signed in"),
    "sign_in_failed": Message("Somebody failed to sign in as {person}"),
    "sign_out": Message("{actor} signed out"),
    "locked_out": Message("{person} has to wait after too many failures"),
    "recovery_code_used": Message("{actor} signed in with a recovery code"),
    "sso_linked": Message("{person} was linked with an account elsewhere"),
    "user_disabled": Message("{actor} disabled {person}"),
    "user_enabled": Message("{actor} enabled {person} again"),
    "merge": Message("{actor} merged {count} {what} into {record}"),
    "key_rotated": Message("{actor} rotated the keys of secret values"),
    "backup": Message("{actor} made a backup"),
    "restore": Message("{actor} restored the site from a backup"),
    "log_trimmed": Message("{count} old events were removed from the log"),
    "log_broken": Message("The audit log was found to be tampered with"),
}
_TO_PERSON: Mapping[str, tuple[Message, Message]] = {
    "password_changed": (
        Message("{actor} changed their password"),
        Message("{actor} changed the password of {person}"),
    ),
    "password_reset": (Message("{actor} reset their password"), Message("{actor} reset the password of {person}")),
    "email_changed": (
        Message("{actor} changed their email address"),
        Message("{actor} changed the email address of {person}"),
    ),
    "invited": (Message("{actor} was invited"), Message("{actor} invited {person}")),
    "second_factor_added": (
        Message("{actor} added a second factor"),
        Message("{actor} added a second factor for {person}"),
    ),
    "second_factor_removed": (
        Message("{actor} removed a second factor"),
        Message("{actor} removed a second factor of {person}"),
    ),
    "session_ended": (Message("{actor} ended {count} of their sign-ins"), Message("{actor} signed {person} out")),
    "token_made": (Message("{actor} made a token"), Message("{actor} made a token for {person}")),
    "token_revoked": (Message("{actor} revoked a token"), Message("{actor} revoked a token of {person}")),
    "view_as": (Message("{actor} viewed the site as somebody else"), Message("{actor} viewed the site as {person}")),
    "handover": (Message("{actor} handed records over"), Message("{actor} handed the records of {person} over")),
}
"""What somebody did to themselves, and to somebody else."""


@dataclass(frozen=True, slots=True)
class EventNames:
    """How people, entities and records are called, for who reads."""

    people: Mapping[str, str] = field(default_factory=dict)
    entities: Callable[[str], tuple[Text | str, Text | str]] = lambda key: (key, key)
    """Key -> what one is called, and what several are."""
    titles: Mapping[tuple[str, str], str] = field(default_factory=dict)
    """(entity, id) -> title, of records that may be told of."""
    alerts: Mapping[str, Text] = field(default_factory=dict)

    def person(self, id_: str | None) -> str | Message:
        """Return how a person is called."""
        return Message("The system") if id_ is None else self.people.get(id_) or id_

    def what(self, entity: str | None, number: int) -> Any:
        """Return what a number of records are called."""
        if entity is None:
            return Message("record") if number == 1 else Message("records")
        return self.entities(entity)[0 if number == 1 else 1]

    def record(self, event: LogEntry) -> Any:
        """Return how the record of an event is called."""
        if event.entity is None or event.record_id is None:
            return ""
        title = self.titles.get((event.entity, event.record_id)) or event.details.get("name") or event.record_id
        return Message("{label} “{title}”", label=self.entities(event.entity)[0], title=title)


def event_sentence(event: LogEntry, names: EventNames) -> Message:
    """Return what happened, as a sentence."""
    common = _common(event, names)
    kind = event.kind
    if kind == "sign_in_failed" and event.record_id is None:
        return Message("Somebody failed to sign in with an unknown name")
    if kind == "locked_out" and event.record_id is None:
        return Message("An unknown name, or an address, has to wait after too many failures")
    if kind in _TO_PERSON:
        own, other = _TO_PERSON[kind]
        chosen = own if event.record_id in {None, event.actor_id} else other
        return Message(chosen.template, **common)
    if kind in _PLAIN:
        return Message(_PLAIN[kind].template, **common)
    if kind in _TOLD:
        return _TOLD[kind](event, names, common)
    return Message("{actor}: {kind}", actor=common["actor"], kind=EVENT_LABELS.get(kind, kind))


def _common(event: LogEntry, names: EventNames) -> dict[str, Any]:
    person = event.record_id if event.entity == "user" and event.record_id else event.actor_id
    shown = names.person(person)
    if person is not None and person not in names.people and event.details.get("name"):
        shown = str(event.details["name"])
    return {
        "actor": names.person(event.actor_id),
        "person": shown,
        "count": f"{event.number:,}",
        "what": names.what(event.entity, event.number),
        "record": names.record(event),
    }


_JOB_ACTS: Mapping[str, Message] = {
    "cancel": Message("{actor} cancelled the job {title}"),
    "pause": Message("{actor} paused the job {title}"),
    "go_on": Message("{actor} let the job {title} go on"),
    "retry": Message("{actor} had the job {title} tried anew"),
    "start": Message("{actor} started the job {title}"),
    "schedule": Message("{actor} changed when the job {title} is due"),
}


def _job(event: LogEntry, _names: EventNames, common: dict[str, Any]) -> Message:
    said = _JOB_ACTS.get(event.details.get("act", ""), _JOB_ACTS["start"])
    return Message(said.template, title=event.details.get("title", ""), **common)


def _export(event: LogEntry, _names: EventNames, common: dict[str, Any]) -> Message:
    shape = _FORMATS.get(event.details.get("format", ""), event.details.get("format", ""))
    return Message("{actor} exported {count} {what} as {format}", format=shape, **common)


def _import(event: LogEntry, _names: EventNames, common: dict[str, Any]) -> Message:
    file = event.details.get("file", "")
    if event.details.get("started"):
        return Message("{actor} began to import {what} from {file}", file=file, **common)
    if event.details.get("cancelled"):
        return Message("{actor} cancelled the import of {what} from {file}", file=file, **common)
    return Message("{actor} imported {count} {what} from {file}", file=file, **common)


def _reveal(event: LogEntry, _names: EventNames, common: dict[str, Any]) -> Message:
    return Message("{actor} looked at {field} of {record}", field=event.details.get("field", ""), **common)


def _share(event: LogEntry, _names: EventNames, common: dict[str, Any]) -> Message:
    if event.kind == "unshare":
        return Message("{actor} ended a share of {record}", **common)
    return Message("{actor} shared {record}", **common)


def _bulk(event: LogEntry, _names: EventNames, common: dict[str, Any]) -> Message:
    words = _ACTS.get(event.details.get("what", ""), Message("{actor} worked on {count} {what} at once"))
    return Message(words.template, **common)


def _purge(event: LogEntry, _names: EventNames, common: dict[str, Any]) -> Message:
    if event.entity is None and event.details.get("why") == "history_days":
        return Message("Old history was removed: {count}", **common)
    if event.entity is None:
        return Message("Retired fields and tables were dropped: {count}", **common)
    return Message("{actor} deleted {count} {what} for good", **common)


def _undo(event: LogEntry, _names: EventNames, common: dict[str, Any]) -> Message:
    return Message("{actor} took back a change of {count} records", **common)


def _rights(event: LogEntry, _names: EventNames, common: dict[str, Any]) -> Message:
    return Message("{actor} changed the rights of {record}", **common)


def _published(event: LogEntry, _names: EventNames, common: dict[str, Any]) -> Message:
    revision = event.details.get("revision", "")
    if event.kind == "rolled_back":
        back = event.details.get("back_to", "")
        return Message(
            "{actor} went back to revision {back}, as revision {revision}", back=back, revision=revision, **common
        )
    return Message("{actor} published revision {revision}", revision=revision, **common)


_STEPS: Mapping[str, Message] = {
    "made": Message("An agent of {actor} proposed {count} changes: {client}"),
    "approved": Message("{actor} approved {count} changes that an agent of {person} had proposed: {client}"),
    "rejected": Message("{actor} turned down {count} changes that an agent of {person} had proposed: {client}"),
}


def _agent(event: LogEntry, names: EventNames, common: dict[str, Any]) -> Message:
    tool, through = event.details.get("tool", ""), _through(event)
    if event.entity is None:
        return Message("An agent of {actor} called {tool}: {client}", tool=tool, client=through, **common)
    common["what"] = names.what(event.entity, 2)
    return Message("An agent of {actor} called {tool} of {what}: {client}", tool=tool, client=through, **common)


def _proposal(event: LogEntry, _names: EventNames, common: dict[str, Any]) -> Message:
    template = _STEPS.get(event.details.get("step", ""), _STEPS["made"]).template
    return Message(template, client=_through(event), **common)


def _through(event: LogEntry) -> str:
    """Return the program and the token that an agent worked through."""
    return " · ".join(filter(None, (event.details.get("client"), event.details.get("called")))) or "—"


_EXCHANGES: Mapping[str, Message] = {
    "made": Message("{actor} set up {name}"),
    "changed": Message("{actor} changed {name}"),
    "removed": Message("{actor} removed {name}"),
    "rotated": Message("{actor} replaced the secret of {name}"),
    "moved": Message("{actor} gave {name} a new address"),
    "paused": Message("{actor} paused {name}"),
    "resumed": Message("{actor} let {name} go on"),
    "disabled": Message("{name} was switched off: {why}"),
    "replayed": Message("{actor} had {count} deliveries of {name} sent again"),
    "dropped": Message("{actor} threw {count} waiting deliveries of {name} away"),
}


def _exchange(event: LogEntry, _names: EventNames, common: dict[str, Any]) -> Message:
    words = _EXCHANGES.get(str(event.details.get("what")), _EXCHANGES["changed"])
    name, why = (str(event.details.get(key, "")) for key in ("name", "why"))
    return Message(words.template, **{**common, "name": name, "why": why})


def _alert(event: LogEntry, names: EventNames, common: dict[str, Any]) -> Message:
    name = str(event.details.get("alert", ""))
    return Message("An alarm rang: {alert}", alert=names.alerts.get(name, name), **common)


_TOLD: Mapping[str, Callable[[LogEntry, EventNames, dict[str, Any]], Message]] = {
    "export": _export,
    "import": _import,
    "job": _job,
    "reveal": _reveal,
    "share": _share,
    "unshare": _share,
    "bulk": _bulk,
    "purge": _purge,
    "undo": _undo,
    "rights_changed": _rights,
    "metadata_published": _published,
    "rolled_back": _published,
    "agent": _agent,
    "proposal": _proposal,
    "alert": _alert,
    "webhook_changed": _exchange,
    "hook_changed": _exchange,
}
