"""What people are told of, and how they want to be told: on the site, by mail, or not at all."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, time
from typing import Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import orjson

from engine.errors import FieldProblem, RecordInvalid
from engine.i18n import Message

MailWay = Literal["no", "now", "daily"]
MAIL_WAYS: tuple[MailWay, ...] = ("no", "now", "daily")
MAIL_WAY_LABELS: Mapping[str, Message] = {
    "no": Message("Not by mail"),
    "now": Message("At once"),
    "daily": Message("Once a day"),
}
NOTICE_LABELS: Mapping[str, Message] = {
    "mention": Message("Somebody mentions me"),
    "assigned": Message("A record becomes mine"),
    "shared": Message("A record is shared with me"),
    "comment": Message("Somebody comments on what I follow"),
    "moved": Message("What I follow moves to another stage"),
    "job": Message("A job of mine ends"),
}
"""Every kind of notice, and what it is for."""
_USUAL_MAIL: Mapping[str, MailWay] = {"mention": "daily", "assigned": "daily", "shared": "daily"}
_CLOCK = re.compile(r"(?:[01]\d|2[0-3]):[0-5]\d")
_DIGEST = "08:30"


@dataclass(frozen=True, slots=True)
class Way:
    """How somebody is told of one kind of thing."""

    shown: bool = True
    """Whether it stands among their notices."""
    mail: MailWay = "no"


@dataclass(frozen=True, slots=True)
class NoticeSettings:
    """How one person wants to be told."""

    ways: Mapping[str, Way] = field(default_factory=dict)
    """Kind -> way; what is not there is as usual."""
    quiet_from: str = ""
    """When mails stop for the night, `22:00` by the person's own clock; "" = never."""
    quiet_until: str = ""
    digest_at: str = _DIGEST
    """When the daily mail goes out, by the person's own clock."""
    follow_own: bool = True
    """Whether they follow what they comment on."""

    def way(self, kind: str) -> Way:
        """Return how they are told of something."""
        return self.ways.get(kind) or Way(mail=_USUAL_MAIL.get(kind, "no"))

    def is_quiet(self, moment: datetime, timezone: str) -> bool:
        """Say whether no mail is wanted at a moment."""
        if not self.quiet_from or not self.quiet_until or self.quiet_from == self.quiet_until:
            return False
        clock = local_clock(moment, timezone)
        if self.quiet_from < self.quiet_until:
            return self.quiet_from <= clock < self.quiet_until
        return clock >= self.quiet_from or clock < self.quiet_until

    def text(self) -> str:
        """Return the settings as they are kept."""
        ways = {kind: [way.shown, way.mail] for kind, way in self.ways.items()}
        body = {"ways": ways, "quiet": [self.quiet_from, self.quiet_until], "digest": self.digest_at}
        return orjson.dumps({**body, "follow": self.follow_own}).decode()


def read_settings(text: str | None) -> NoticeSettings:
    """Return settings from what is kept; what cannot be understood is as usual."""
    if not text:
        return NoticeSettings()
    body: dict[str, Any] = orjson.loads(text)
    ways = {
        kind: Way(bool(each[0]), each[1])
        for kind, each in (body.get("ways") or {}).items()
        if kind in NOTICE_LABELS and each[1] in MAIL_WAYS
    }
    quiet = body.get("quiet") or ["", ""]
    return NoticeSettings(ways, quiet[0], quiet[1], body.get("digest") or _DIGEST, bool(body.get("follow", True)))


def asked_settings(values: Mapping[str, str]) -> NoticeSettings:
    """Return settings from a form.

    Its fields are `show-<kind>`, `mail-<kind>`, `quiet_from`, `quiet_until`, `digest_at` and `follow_own`.

    Raises:
        RecordInvalid: a time of day is none, or one end of the quiet hours is missing.
    """
    problems: list[FieldProblem] = []
    clocks = {name: values.get(name, "").strip()[:5] for name in ("quiet_from", "quiet_until", "digest_at")}
    for name, value in clocks.items():
        if value and _CLOCK.fullmatch(value) is None:
            problems.append(FieldProblem(name, Message("Give a time of day such as 22:00"), "time"))
    if bool(clocks["quiet_from"]) != bool(clocks["quiet_until"]):
        missing = "quiet_until" if clocks["quiet_from"] else "quiet_from"
        problems.append(FieldProblem(missing, Message("Quiet hours have a beginning and an end"), "required"))
    if problems:
        raise RecordInvalid(problems)
    ways = {}
    for kind in NOTICE_LABELS:
        [mail, *_] = [each for each in MAIL_WAYS if each == values.get(f"mail-{kind}")] or [MAIL_WAYS[0]]
        ways[kind] = Way(f"show-{kind}" in values, mail)
    return NoticeSettings(
        ways, clocks["quiet_from"], clocks["quiet_until"], clocks["digest_at"] or _DIGEST, "follow_own" in values
    )


def local_clock(moment: datetime, timezone: str) -> str:
    """Return the time of day at a moment by the clocks of a time zone, such as 08:30."""
    try:
        zone = ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError):
        zone = ZoneInfo("UTC")
    here: time = moment.astimezone(zone).time()
    return here.strftime("%H:%M")
