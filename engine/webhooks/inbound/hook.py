"""What hooks and calls are: who may send what in, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, get_args

from engine.i18n import Message

HookMode = Literal["create", "upsert"]
HOOK_MODES: tuple[HookMode, ...] = get_args(HookMode)
HookScheme = Literal["none", "standard", "hmac", "header"]
HOOK_SCHEMES: tuple[HookScheme, ...] = get_args(HookScheme)
HookState = Literal["active", "paused"]
Outcome = Literal["done", "ignored", "repeated", "invalid", "refused", "failed"]

HOOK_MODE_LABELS = {
    "create": Message("Creates a record each time"),
    "upsert": Message("Changes the record that matches, or creates one"),
}
HOOK_SCHEME_LABELS = {
    "none": Message("Nothing: whoever knows the address may send"),
    "standard": Message("The signature of Standard Webhooks"),
    "hmac": Message("HMAC-SHA256 of the body in a header, as GitHub sends it"),
    "header": Message("A shared secret in a header"),
}
HOOK_STATE_LABELS = {"active": Message("Active"), "paused": Message("Paused")}
CALL_OUTCOME_LABELS = {
    "done": Message("Done"),
    "ignored": Message("Ignored"),
    "repeated": Message("Repeated"),
    "invalid": Message("Not valid"),
    "refused": Message("Refused"),
    "failed": Message("Failed"),
}
USUAL_HOOK_BYTES = 256 * 1024
MOST_HOOK_BYTES = 4 * 2**20
USUAL_HEADERS = {"hmac": "X-Hub-Signature-256", "header": "X-Webhook-Secret"}


@dataclass(frozen=True, slots=True)
class MappedField:
    """Where a field gets its value from."""

    field: str
    path: str = ""
    """`customer.email`, `lines.0.sku`, `header:X-GitHub-Event`; "" when `value` is the value."""
    transforms: tuple[str, ...] = ()
    """Names of `TRANSFORMS`, one after the other; `old=new` changes one text into another."""
    value: str = ""
    """What the field gets when there is nothing at the path."""


@dataclass(frozen=True, slots=True)
class BodyMapping:
    """What is made of a body."""

    fields: tuple[MappedField, ...]
    items: str = ""
    """Path of a list of which each part is a record; the body is one unless given."""
    when: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """(path, values): what is sent counts only when one of these stands at each path."""

    def json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "fields": [
                {"field": each.field, "path": each.path, "transforms": list(each.transforms), "value": each.value}
                for each in self.fields
            ],
            "items": self.items,
            "when": [[path, list(values)] for path, values in self.when],
        }


def mapping_from_json(body: Mapping[str, Any]) -> BodyMapping:
    """Return a mapping that `BodyMapping.json` wrote."""
    return BodyMapping(
        tuple(
            MappedField(each["field"], each["path"], tuple(each["transforms"]), each["value"])
            for each in body["fields"]
        ),
        body["items"],
        tuple((path, tuple(values)) for path, values in body["when"]),
    )


@dataclass(frozen=True, slots=True)
class HookWish:
    """A hook as somebody wants it."""

    name: str
    entity: str
    mapping: BodyMapping
    mode: str = "create"
    match_by: str = ""
    """By what `upsert` finds the record: `external_id`, a unique field or a unique rule."""
    actor_id: str | None = None
    """Id of the `user` in whose name records are written; whoever makes it unless given."""
    scheme: str = "none"
    header: str = ""
    """Header of the signature or secret; the usual one of the scheme unless given."""
    id_header: str = ""
    """Header with an id of each message, so that a repeated one is not carried out twice."""
    secret: str = ""
    """The sender's secret; one is made, or the one that there is stays, unless given."""
    most_bytes: int = USUAL_HOOK_BYTES


@dataclass(frozen=True, slots=True)
class Hook:
    """An address at which something may be sent in; times are aware UTC."""

    id: str
    name: str
    entity: str
    mode: HookMode
    match_by: str
    mapping: BodyMapping
    actor_id: str
    scheme: HookScheme
    header: str
    id_header: str
    most_bytes: int
    state: HookState
    created_at: datetime
    created_by: str | None
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class HookCall:
    """One time that something was sent in; times are aware UTC."""

    id: str
    hook_id: str
    at: datetime
    address: str | None
    message_id: str | None
    outcome: Outcome
    status: int
    note: Message | None
    entity: str
    records: tuple[str, ...]
    body: str | None
    """The beginning of what was sent, without secrets."""


@dataclass(frozen=True, slots=True)
class Incoming:
    """A request to a hook."""

    body: bytes
    headers: Mapping[str, str]
    """By name in lower case."""
    mimetype: str = "application/json"
    address: str | None = None


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a request, and how it is answered."""

    status: int
    outcome: Outcome
    note: Message | None = None
    records: Sequence[Mapping[str, Any]] = ()
    """{id, version, action} of each record."""
    problems: Sequence[tuple[str, Message]] = ()
    """(path, what is wrong)"""
    retry_after: int | None = None
    values: Sequence[Mapping[str, Any]] = field(default=())
    """What would be written; for trials alone."""
