"""Starred and visited records as pages show them: with the kind of each, and an address."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from engine import Entity, Reader, Remembered


@dataclass(frozen=True, slots=True)
class Shown:
    """One record of such a list."""

    entity: Entity
    title: str
    address: str
    at: datetime
    """When it was starred, or visited last; aware UTC."""


def shown(reader: Reader, found: Iterable[Remembered]) -> list[Shown]:
    """Return records as pages show them."""
    entities = reader.model.entities
    return [
        Shown(entities[each.entity], each.title or "—", f"/{each.entity}/{each.id}", each.at)
        for each in found
        if each.entity in entities
    ]


def recent(reader: Reader, limit: int = 8) -> list[Shown]:
    """Return the records that who reads opened last; one statement."""
    return shown(reader, reader.remembered("person_visit", limit))


def starred(reader: Reader, limit: int = 8) -> list[Shown]:
    """Return the records that who reads starred last; one statement."""
    return shown(reader, reader.remembered("person_star", limit))
