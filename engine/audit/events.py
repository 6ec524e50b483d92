"""What the log holds: events as they are told, and entries as they are read back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any

import orjson

from engine.audit.statements import text_of, time_of

_NOTHING: Mapping[str, Any] = MappingProxyType({})

COLUMNS = "seq, kind, at, actor_id, entity, record_id, number, details, via, address, agent, token"
"""Columns of `audit_event` in the order in which `entry` takes them."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that somebody may have to answer for."""

    kind: str
    """What it was, such as sign_in, export or reveal."""
    actor_id: str | None = None
    """Whose doing it was; None for the system, or somebody unknown."""
    entity: str | None = None
    record_id: str | None = None
    """The record that it was done to."""
    number: int = 1
    """How many records, values or attempts."""
    details: Mapping[str, Any] = field(default_factory=lambda: _NOTHING)
    """What else there is to know, as JSON; never a secret."""


@dataclass(frozen=True, slots=True)
class LogEntry:
    """An event as the log has it."""

    seq: int
    kind: str
    at: datetime
    """Aware, UTC, to the millisecond."""
    actor_id: str | None
    entity: str | None
    record_id: str | None
    number: int
    details: Mapping[str, Any]
    via: str
    address: str | None
    agent: str | None
    token: str | None


def entry(row: Sequence[Any]) -> LogEntry:
    """Return a row of COLUMNS as an entry."""
    return LogEntry(
        row[0], row[1], time_of(row[2]), text_of(row[3]), row[4], text_of(row[5]), row[6], read_details(row[7]),
        row[8], row[9], row[10], row[11],
    )  # fmt: skip


def read_details(text: str) -> Mapping[str, Any]:
    """Return details that were kept as JSON; what somebody spoilt in the database is shown as it stands."""
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError:
        return {"unreadable": text}
    return found if isinstance(found, dict) else {"unreadable": text}
