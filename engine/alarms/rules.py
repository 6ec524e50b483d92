"""Alert documents as what is watched: read once per Model."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

from engine.data.query import Function
from engine.expression import Expr, parse
from engine.i18n import Text
from engine.metadata.kinds.alerts import READING_KINDS
from engine.metadata.kinds.service import DAYS
from engine.metadata.model import Model

Severity = Literal["low", "medium", "high"]
By = Literal["person", "address"]

_UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_QUIET = timedelta(hours=1)
_REMEMBERED = timedelta(days=90)
_A_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Hours:
    """Working hours: the same on some days of the week, or those of a calendar."""

    start: str
    end: str
    weekdays: frozenset[int]
    """0 = Monday."""
    timezone: str
    calendar: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class Counting:
    """More than `above` events in `within`, or of different persons or addresses."""

    above: int
    within: timedelta
    by: By
    different: By | None


@dataclass(frozen=True, slots=True)
class Unseen:
    """A place that the person has not used for a while."""

    address: bool
    agent: bool
    within: timedelta


@dataclass(frozen=True, slots=True)
class AuditWatch:
    """Events of the audit log for which every condition holds."""

    kinds: frozenset[str]
    entities: frozenset[str]
    acts: frozenset[str]
    outside: Hours | None
    more_than: int | None
    count: Counting | None
    unseen: Unseen | None
    gained: frozenset[str]
    system: bool


@dataclass(frozen=True, slots=True)
class ReadingWatch:
    """Reading far more than usual."""

    kinds: tuple[str, ...]
    entity: str | None
    within: timedelta
    above_usual: float
    floor: int


@dataclass(frozen=True, slots=True)
class RecordWatch:
    """A number over the records of an entity."""

    entity: str
    where: Expr | None
    function: Function
    path: str | None
    above: float | None
    below: float | None
    within: timedelta | None


@dataclass(frozen=True, slots=True)
class Rule:
    """One alert document."""

    name: str
    label: Text
    help: Text
    severity: Severity
    watch: AuditWatch | ReadingWatch | RecordWatch
    schedule: str | None
    quiet: timedelta
    to: tuple[str, ...]
    words: Text
    """What the document has to say besides; empty when nothing."""


def rules(model: Model) -> tuple[Rule, ...]:
    """Return the active alerts of a Model."""
    found: tuple[Rule, ...] = model.derive("alarms", lambda: tuple(_rules(model)))
    return found


def alert_labels(model: Model) -> Mapping[str, Text]:
    """Return what each alert is called, by name, also of those that are switched off."""
    return {
        name.removeprefix("alert/"): Text(body.get("label"), name.removeprefix("alert/"))
        for name, body in model.documents.items()
        if name.startswith("alert/")
    }


def alert_helps(model: Model) -> Mapping[str, Text]:
    """Return what each alert means, by name, where its document says so."""
    return {
        name.removeprefix("alert/"): Text(body["help"])
        for name, body in model.documents.items()
        if name.startswith("alert/") and body.get("help")
    }


def _rules(model: Model) -> list[Rule]:
    found = []
    for document, body in model.documents.items():
        kind, _, name = document.partition("/")
        if kind != "alert" or body.get("active") is False:
            continue
        watch = _watch(model, body)
        to, template = body["to"], body.get("template")
        usual = _A_DAY if isinstance(watch, RecordWatch) else _QUIET
        found.append(
            Rule(
                name,
                Text(body.get("label"), name),
                Text(body.get("help")),
                body.get("severity", "medium"),
                watch,
                body.get("schedule"),
                length(body.get("quiet")) or usual,
                (to,) if isinstance(to, str) else tuple(to),
                _words(model, template),
            )
        )
    return found


def _words(model: Model, template: Any) -> Text:
    """Return the words of a template, or of the document of that name."""
    named = model.documents.get(f"template/{template}") if isinstance(template, str) else None
    words = named.get("body") if named is not None else template
    # There is no record whose fields could fill a gap.
    if isinstance(words, Mapping):
        return Text({language: _without_gaps(text) for language, text in words.items()})
    return Text(_without_gaps(words)) if isinstance(words, str) else Text(None)


def _without_gaps(words: str) -> str:
    return re.sub(r"\{\{.*?\}\}", "", words)


def _watch(model: Model, body: Mapping[str, Any]) -> AuditWatch | ReadingWatch | RecordWatch:
    watched = body.get("on") or {}
    if (audit := watched.get("audit")) is not None:
        return _audit(model, audit)
    if (reading := watched.get("reading")) is not None:
        return ReadingWatch(
            tuple(reading.get("kinds") or READING_KINDS),
            reading.get("entity"),
            length(reading.get("within")) or _A_DAY,
            float(reading["above_usual"]),
            int(reading["floor"]),
        )
    measure: Mapping[Function, Any] = body.get("measure") or {}
    function: Function = next(iter(measure), "count")
    path = measure.get(function)
    where = body.get("where")
    return RecordWatch(
        body["entity"],
        parse(where) if where else None,
        function,
        path if isinstance(path, str) else None,
        body.get("above"),
        body.get("below"),
        length(body.get("within")),
    )


def _audit(model: Model, audit: Mapping[str, Any]) -> AuditWatch:
    count, unseen, outside = audit.get("count"), audit.get("unseen"), audit.get("outside")
    return AuditWatch(
        frozenset(audit["kinds"]),
        frozenset(audit.get("entities") or ()),
        frozenset(audit.get("acts") or ()),
        None if outside is None else _hours(model, outside),
        audit.get("more_than"),
        None if count is None else _counting(count),
        None if unseen is None else _unseen(unseen),
        frozenset(audit.get("gained") or ()),
        bool(audit.get("system")),
    )


def _counting(count: Mapping[str, Any]) -> Counting:
    within = length(count["within"]) or timedelta()
    return Counting(count["above"], within, count.get("by", "person"), count.get("different"))


def _unseen(unseen: Mapping[str, Any]) -> Unseen:
    of: Sequence[str] = unseen.get("of") or ("address", "agent")
    return Unseen("address" in of, "agent" in of, length(unseen.get("within")) or _REMEMBERED)


def _hours(model: Model, outside: Mapping[str, Any]) -> Hours:
    calendar = model.documents.get(f"calendar/{outside['calendar']}") if "calendar" in outside else None
    zone = outside.get("timezone") or (calendar or {}).get("timezone") or model.timezone
    days = outside.get("weekdays") or DAYS
    return Hours(
        outside.get("from", ""), outside.get("to", ""), frozenset(DAYS.index(day) for day in days), zone, calendar
    )


def length(text: str | None) -> timedelta | None:
    """Return a length of time such as 30m, 2h, 3d, 1w; None for none."""
    return None if not text else timedelta(seconds=float(text[:-1]) * _UNITS[text[-1]])
