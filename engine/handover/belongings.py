"""What can be somebody's: every field that leads to a user, found from the Model, so that new objects are in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from engine.data.incoming import incoming
from engine.i18n import Text
from engine.metadata.model import Field, Model

USER = "user"
OWNER = "owner"
Hold = Literal["owner", "link", "list"]


@dataclass(frozen=True, slots=True)
class Belonging:
    """One way in which records are somebody's: they own them, or a field leads to them, alone or among others."""

    entity: str
    field: str
    hold: Hold
    label: Text
    """Of the field."""

    @property
    def key(self) -> str:
        """Return its name in forms and commands: `lead` for what is owned, `team.leader` for other fields."""
        return self.entity if self.hold == "owner" else f"{self.entity}.{self.field}"


def belongings(model: Model) -> tuple[Belonging, ...]:
    """Return what can be handed over: what is owned first, then other fields; worked out once per Model."""
    return model.derive("belongings", lambda: tuple(sorted(_found(model), key=lambda each: each.hold != "owner")))


def past(model: Model) -> tuple[Belonging, ...]:
    """Return fields that lead to people and tell what was: they stay as they are."""
    return model.derive("past belongings", lambda: tuple(_found(model, past=True)))


def _found(model: Model, *, past: bool = False) -> Iterator[Belonging]:
    for link in incoming(model, USER):
        field = link.field
        if link.on_delete == "leave" or field.type.links == "any" or _is_past(field) is not past:
            continue
        hold: Hold = "owner" if field.system and field.key == OWNER else "list" if link.many else "link"
        yield Belonging(field.entity, field.key, hold, field.label)


def _is_past(field: Field) -> bool:
    """Say whether nobody may give the field another value."""
    return field.read_only or not field.writable
