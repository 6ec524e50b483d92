"""Who reaches what, worked out record by record from plain rows, as slowly and obviously as it can be said.

Nothing here asks the engine: rows, shares, people and links are dictionaries, and what follows somebody is found by
going up link by link.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

Row = dict[str, Any]
LINKS: dict[str, dict[str, tuple[str, str]]] = {
    "account": {"parent": ("account", "edit")},
    "contact": {"account": ("account", "edit")},
    "deal": {"account": ("account", "read")},
    "task": {"deal": ("deal", "edit"), "next": ("task", "read")},
}
"""Entity -> link with `share:` -> (where it leads, level)."""


@dataclass
class Facts:
    """Everything that is in the database."""

    rows: dict[str, dict[str, Row]] = field(default_factory=dict)
    users: dict[str, Row] = field(default_factory=dict)
    teams: dict[str, Row] = field(default_factory=dict)
    departments: dict[str, str | None] = field(default_factory=dict)
    territories: dict[str, Row] = field(default_factory=dict)
    shares: list[Row] = field(default_factory=list)


class Person:
    """One person at one moment."""

    def __init__(self, facts: Facts, user: str, now: datetime) -> None:
        self.facts, self.id, self.now = facts, user, now
        self.row = facts.users[user]
        self.principals = {user} | {team for team, row in facts.teams.items() if user in row["members"]}
        department = self.row["department"]
        while department is not None:
            self.principals.add(department)
            department = facts.departments[department]
        self.covered = {user} | {other for other, row in facts.users.items() if self._covers(row)}

    def _covers(self, row: Row) -> bool:
        if row["deputy"] != self.id or row["absent_from"] is None:
            return False
        there: date = self.now.astimezone(ZoneInfo(row["timezone"])).date()
        return bool(row["absent_from"] <= there <= (row["absent_until"] or date.max))

    def reaches(self, rows: str, entity: str, id_: str, *, edit: bool) -> bool:
        """Say whether named rows let the person at a record, to read or to edit."""
        row = self.facts.rows[entity][id_]
        match rows:
            case "all":
                return True
            case "own":
                return row["owner"] in self.covered
            case "subordinates":
                return self._below(row["owner"])
            case "shared":
                return self._shared(entity, id_, edit=edit)
            case "territory in user.territories":
                return self._in_territory(row["territory"])
        raise AssertionError(rows)

    def _below(self, owner: str | None) -> bool:
        above = self.facts.users[owner]["manager"] if owner is not None else None
        while above is not None:
            if above in self.covered:
                return True
            above = self.facts.users[above]["manager"]
        return False

    def _in_territory(self, territory: str | None) -> bool:
        while territory is not None:
            row = self.facts.territories[territory]
            if self.id in row["members"] or self.id == row["manager"]:
                return True
            territory = row["parent"]
        return False

    def _shared(self, entity: str, id_: str, *, edit: bool) -> bool:
        if self._given(entity, id_, edit=edit, onward=False):
            return True
        above = self._above(entity, id_, edit=edit)
        return any(self._follows(kind, each, edit=edit, seen=set()) for kind, each in above)

    def _follows(self, entity: str, id_: str, *, edit: bool, seen: set[tuple[str, str]]) -> bool:
        """Say whether a record is the person's own, given with all that hangs on it, or hangs on one that is."""
        if (entity, id_) in seen:
            return False
        seen.add((entity, id_))
        row = self.facts.rows[entity][id_]
        if row["owner"] in self.covered or self._given(entity, id_, edit=edit, onward=True):
            return True
        above = self._above(entity, id_, edit=edit)
        return any(self._follows(kind, each, edit=edit, seen=seen) for kind, each in above)

    def _above(self, entity: str, id_: str, *, edit: bool) -> list[tuple[str, str]]:
        row = self.facts.rows[entity][id_]
        links = LINKS[entity].items()
        return [(to, row[key]) for key, (to, level) in links if row[key] is not None and (level == "edit" or not edit)]

    def _given(self, entity: str, id_: str, *, edit: bool, onward: bool) -> bool:
        if entity == "account" and self.id in self.facts.rows[entity][id_]["helpers"]:
            return True
        return any(
            (share["entity"], share["record"]) == (entity, id_)
            and share["principal"] in self.principals
            and (share["level"] == "edit" or not edit)
            and (share["until"] is None or share["until"] > self.now)
            and (share["cascade"] or not onward)
            for share in self.facts.shares
        )
