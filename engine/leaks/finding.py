"""What was found: who was told what by which channel, and the rule that forbids it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from engine.i18n import Message

Kind = Literal["leak", "changed", "withheld", "failed"]
"""Told what is forbidden; did what is forbidden; kept back what is granted; broke down, so that nothing is proved."""


@dataclass(frozen=True, slots=True)
class Leak:
    """One finding."""

    kind: Kind
    channel: str
    entity: str | None
    record: str | None
    field: str | None
    person: str
    roles: tuple[str, ...]
    told: str
    """What was told, shortened."""
    rule: Message
    """Which rule forbids it, or grants what was kept back."""
    part: str = ""

    @property
    def key(self) -> tuple[Any, ...]:
        """Return what makes it the same finding as another: the record and the person do not count."""
        return self.kind, self.channel, self.part, self.entity, self.field, self.roles

    def message(self) -> Message:
        """Return it as one sentence."""
        where = ".".join(filter(None, (self.entity, self.field)))
        values: dict[str, Any] = {
            "channel": self.channel if not self.part else f"{self.channel} ({self.part})",
            "person": self.person,
            "roles": ", ".join(self.roles) or "-",
            "what": " ".join(filter(None, (where, self.record or "", f"“{self.told}”" if self.told else ""))),
            "rule": self.rule,
        }
        match self.kind:
            case "leak":
                return Message("{channel} told {person} ({roles}) of {what}: {rule}", **values)
            case "changed":
                return Message("{channel} let {person} ({roles}) do this to {what}: {rule}", **values)
            case "withheld":
                return Message("{channel} kept {what} from {person} ({roles}): {rule}", **values)
        return Message("{channel} broke down for {person} ({roles}), {what}: {rule}", **values)

    def json(self, language: str = "en") -> Mapping[str, Any]:
        """Return plain JSON values."""
        return {
            "kind": self.kind,
            "channel": self.channel,
            "part": self.part,
            "entity": self.entity,
            "record": self.record,
            "field": self.field,
            "person": self.person,
            "roles": list(self.roles),
            "told": self.told,
            "rule": self.rule.in_(language),
            "message": self.message().in_(language),
        }
