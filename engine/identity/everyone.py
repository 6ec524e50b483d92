"""Everybody at once, as those who ask are known to the engine: a few statements, however many people there are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from engine.data.principal import Absence, Principal
from engine.identity.people import ABSENCE, EVERYONE, People, absences_of
from engine.identity.store import Store
from engine.publish import Published
from engine.storage.columns import quoted


def principals(store: Store, people: People, connection: Connection, published: Published) -> list[Principal]:
    """Return everybody who is active, by name; each is what `People.principal` gives."""
    model = published.model
    teams = _members(store, connection, published, "team")
    above = _above(store, connection, published, "department")
    territories = _territories(store, connection, published)
    absences = _absences(store, connection, published)
    return [
        Principal(
            id=each.id,
            name=each.name,
            roles=frozenset(each.roles) | {EVERYONE},
            language=each.language or model.languages[0],
            timezone=each.timezone or model.timezone,
            email=each.email,
            teams=tuple(sorted(teams.get(each.id, ()))),
            department=each.department,
            departments=_line(above, each.department),
            territories=tuple(sorted(territories.get(each.id, ()))),
            manager=each.manager,
            leads=each.leads,
            absences=tuple(absences.get(each.id, ())),
        )
        for each in people.every(connection, published)
        if each.active
    ]


def _members(store: Store, connection: Connection, published: Published, entity: str) -> Mapping[str, set[str]]:
    """Return user id -> ids of the live records of an entity that name the user among their members."""
    found: dict[str, set[str]] = defaultdict(set)
    if entity in published.model.entities:
        link, table = quoted(published.tables.link_name(entity, "members")), quoted(published.tables.name(entity))
        statement = (
            f"SELECT link.target_id, link.record_id FROM {link} AS link"  # noqa: S608 - names of our own making
            f" JOIN {table} AS kept ON kept.id = link.record_id WHERE kept.deleted_at IS NULL"
        )
        for user, record in store.run_on_users(connection, statement).fetchall():
            found[str(user)].add(str(record))
    return found


def _above(store: Store, connection: Connection, published: Published, entity: str) -> Mapping[str, str | None]:
    """Return the id of each record of a tree with the one above it."""
    known = published.model.entities.get(entity)
    if known is None or "parent" not in known.fields:
        return {}
    parent, table = quoted(published.tables.column_name(entity, "parent")), quoted(published.tables.name(entity))
    rows = store.run_on_users(connection, f"SELECT id, {parent} FROM {table}").fetchall()  # noqa: S608 - as above
    return {str(id_): None if up is None else str(up) for id_, up in rows}


def _line(above: Mapping[str, str | None], nearest: str | None) -> tuple[str, ...]:
    found: list[str] = []
    while nearest is not None and nearest in above and nearest not in found:
        found.append(nearest)
        nearest = above[nearest]
    return tuple(found)


def _territories(store: Store, connection: Connection, published: Published) -> Mapping[str, set[str]]:
    """Return user id -> ids of the territories that the user works in or manages, and of all below them."""
    if "territory" not in published.model.entities:
        return {}
    tables = published.tables
    table = quoted(tables.name("territory"))
    manager, parent = (quoted(tables.column_name("territory", key)) for key in ("manager", "parent"))
    below: dict[str, list[str]] = defaultdict(list)
    found: dict[str, set[str]] = defaultdict(set)
    statement = f"SELECT id, {manager}, {parent} FROM {table} WHERE deleted_at IS NULL"  # noqa: S608 - as above
    for id_, user, up in store.run_on_users(connection, statement).fetchall():
        if up is not None:
            below[str(up)].append(str(id_))
        if user is not None:
            found[str(user)].add(str(id_))
    for user, mine in _members(store, connection, published, "territory").items():
        found[user] |= mine
    for mine in found.values():
        waiting = list(mine)
        while waiting:
            fresh = [each for each in below[waiting.pop()] if each not in mine]
            mine.update(fresh)
            waiting += fresh
    return found


def _absences(store: Store, connection: Connection, published: Published) -> Mapping[str, list[Absence]]:
    """Return deputy id -> for whom they stand in and when, as far as it is not over yet."""
    found: dict[str, list[Absence]] = defaultdict(list)
    if "deputy" not in published.model.entities["user"].fields:
        return found
    names = {key: quoted(published.tables.column_name("user", key)) for key in ABSENCE}
    statement = (
        f"SELECT id, {', '.join(names[key] for key in ABSENCE)}"  # noqa: S608 - names of our own making
        f" FROM {quoted(published.tables.name('user'))} WHERE {names['deputy']} IS NOT NULL"
        f" AND {names['absent_from']} IS NOT NULL AND deleted_at IS NULL ORDER BY id"
    )
    rows: dict[str, list[Any]] = defaultdict(list)
    for id_, deputy, *rest in store.run_on_users(connection, statement).fetchall():
        rows[str(deputy)].append((id_, *rest))
    for deputy, mine in rows.items():
        found[deputy] = list(absences_of(mine, published.model.timezone))
    return found
