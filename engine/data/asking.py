"""Whom to ask for what is refused: the roles that would do, who can give them, and who could share the record."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from engine.data.query import Query
from engine.data.rules import Rule, owner_path
from engine.errors import NotFound
from engine.expression import Call, Path, disjunction
from engine.expression import Literal as Value
from engine.metadata.model import Entity, Role

if TYPE_CHECKING:
    from engine.data.reader import Reader
    from engine.data.telling import Audience

MOST_PEOPLE = 5
"""People whom an explanation names for one reason: enough to find one who is there today."""
_LOOKED_AT = 50
GIVERS = frozenset({"users", "admin"})
"""Permissions with which somebody gives roles to people."""


@dataclass(frozen=True, slots=True)
class Helper:
    """Somebody who could help."""

    id: str
    name: str
    by: Literal["share", "role"]
    """What they could do about it: share the record, or give a role."""


def helpers(
    audience: Audience, about: Reader, entity: Entity, id_: str | None, roles: Iterable[str], rules: Iterable[Rule]
) -> Iterator[Helper]:
    """Yield who could help, as far as the one who asks may see them; nobody is told to ask themselves."""
    everything = about.as_system()
    if id_ is not None and any(_by_share(rule) for rule in rules):
        yield from _named(audience, about, "share", owner_of(everything, entity, id_))
    if roles:
        yield from _named(audience, about, "role", givers(everything))


def _named(audience: Audience, about: Reader, by: Literal["share", "role"], ids: list[str]) -> Iterator[Helper]:
    others = [each for each in ids if each != about.principal.id]
    names = audience.names(others)
    known = [Helper(each, names[each], by) for each in others if each in names]
    yield from sorted(known, key=lambda each: each.name)[:MOST_PEOPLE]


def _by_share(rule: Rule) -> bool:
    """Say whether a share of the record, or of the parent of child rows, would be enough."""
    return any(
        any(branch.rows == "shared" for branch in way.branches) or (way.parent is not None and _by_share(way.parent))
        for way in rule.ways
    )


def owner_of(everything: Reader, entity: Entity, id_: str) -> list[str]:
    """Return whose the record is, or of child rows the record that they are part of."""
    while entity.parent is not None and entity.parent_field is not None:
        id_ = stored(everything, entity.key, id_, entity.parent_field)
        entity = everything.model.entity(entity.parent)
    [key] = owner_path(entity).keys
    owner = stored(everything, entity.key, id_, key)
    return [owner] if owner is not None else []


def stored(everything: Reader, entity: str, id_: str, key: str) -> Any:
    """Return a value of a record, live or in the recycle bin."""
    try:
        row = everything.record(entity, id_, (key,))
    except NotFound:
        row = everything.record(entity, id_, (key,), trashed=True)
    return row.values()[key]


def givers(everything: Reader) -> list[str]:
    """Return the ids of active people who may give roles, by name."""
    model = everything.model
    roles = [role.key for role in model.roles.values() if role.permissions & GIVERS]
    user = model.entities.get("user")
    if user is None or not roles or "roles" not in user.fields:
        return []
    holds = disjunction(*(Call("in", (Value(role), Path(("roles",)))) for role in roles))
    active = Call("==", (Path(("status",)), Value("active")))
    query = Query("user", select=("id",), where=Call("and", (active, holds)), limit=_LOOKED_AT)
    return list(everything.query(query).ids)


def people_who_give_roles(reader: Reader) -> tuple[str, ...]:
    """Return the names of some who may give roles, of those whom the reader may know of, but for themselves."""
    ids = [each for each in givers(reader.as_system()) if each != reader.principal.id]
    open_to = reader.readable("user", ids)
    names = reader.titles("user", [each for each in ids if each in open_to])
    return tuple(sorted(names.values())[:MOST_PEOPLE])


def roles_that_would(reader: Reader, would: Callable[[Role], bool]) -> Iterator[Role]:
    """Yield the roles with which the person could do it, of those that they do not hold."""
    held = reader.principal.roles
    for role in reader.model.roles.values():
        if role.key not in held and would(role):
            yield role
