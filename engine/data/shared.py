"""The named rows `shared`: what somebody was given, by a share, by a field that names them, or by a link.

Three things share a record: a row of `share`; a field with `share:` that leads to users, teams or departments; and a
link with `share:` to a record that follows somebody. What follows a person are the records that they own, and those
that were given to them with all that hangs on them; along declared links that goes on to any depth.

Each is a sub-select of ids, so that one statement serves everybody who holds the same roles.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import (
    ColumnElement,
    Integer,
    Select,
    Text,
    and_,
    cast,
    column,
    literal,
    literal_column,
    or_,
    select,
    table,
    union_all,
)

from engine.data.place import Frame, Place
from engine.data.rules import owner_path
from engine.fields import StorageType
from engine.metadata.model import Entity, Field, Model
from engine.storage.columns import Stored

Element = ColumnElement[Any]
How = Literal["given", "named", "linked"]

share = table(
    "share",
    column("entity", Text()),
    column("record_id", Stored("uuid")),
    column("principal_id", Stored("uuid")),
    column("level", Text()),
    column("cascades", Integer()),
    column("until", Stored("datetime")),
)
PRINCIPALS = frozenset({"user", "team", "department"})
_WITH_ANY_LEVEL = frozenset({"read", "export"})
_UUID, _MOMENT = StorageType("uuid"), StorageType("datetime")


@dataclass(frozen=True, slots=True)
class Cause:
    """One thing that shares records of an entity, and which ones."""

    how: How
    field: Field | None
    """The field that names the person, or the link; None for rows of `share`."""
    condition: Element
    """Whether it shares the rows of the place that was asked about."""
    ids: Select[Any]
    """Which records it shares, found without looking at that place."""


def causes(place: Place, action: str) -> list[Cause]:
    """Return all that may share rows of a place, as far as an action needs: to read, or to edit."""
    frame, entity = place.frame, place.entity
    found = []
    given = _given(frame, entity, action)
    found.append(Cause("given", None, place.alias.c.id.in_(given), given))
    for field in naming(entity, action):
        mine = frame.binds.listed("user.sharing")
        found.append(_cause("named", field, place, mine, frame.binds.listed("user.sharing")))
    for field in cascading(frame.roles.model, entity.key, action):
        target = frame.roles.model.entity(field.target or "")
        found.append(_cause("linked", field, place, following(frame, target, action), following(frame, target, action)))
    return found


def mine(place: Place) -> Element:
    """Return the condition that the rows of a place are one's own, or of somebody for whom one stands in."""
    owner = place.alias.c[owner_path(place.entity).keys[0]]
    if place.frame.roles.standing_in:
        return owner.in_(place.frame.binds.listed("user.covered"))
    return owner == place.frame.binds.scalar("user.id", _UUID)


# --- what follows somebody ------------------------------------------------------------------------------------------


def following(frame: Frame, entity: Entity, action: str) -> Any:
    """Return the ids of the records of an entity that follow the person: what hangs on them is theirs too."""
    circle = _circle(frame.roles.model, entity.key, action)
    if circle:
        return _round(frame, entity, circle, action)
    return _joined(list(_sources(frame, entity, action, frozenset())))


def _sources(frame: Frame, entity: Entity, action: str, inside: frozenset[str]) -> Iterator[Select[Any]]:
    """Yield what begins to follow, and what follows by links to entities that are not `inside`."""
    yield _given(frame, entity, action, cascading=True)
    for field in naming(entity, action):
        yield _by_field(frame, entity, field, frame.binds.listed("user.sharing"))
    own = Place(frame, entity, frame.alias(entity.key))
    yield select(own.alias.c.id).where(mine(own), own.alias.c.deleted_at.is_(None))
    for field in cascading(frame.roles.model, entity.key, action):
        if field.target not in inside:
            target = frame.roles.model.entity(field.target or "")
            yield _by_field(frame, entity, field, following(frame, target, action))


def _round(frame: Frame, entity: Entity, circle: frozenset[str], action: str) -> Select[Any]:
    """Return `following` where links lead round: a tree of records, or entities that share with one another."""
    model = frame.roles.model
    begins = [
        select(_kind(each), source.subquery().c[0].label("id"))
        for each in sorted(circle)
        for source in _sources(frame, model.entity(each), action, circle)
    ]
    steps = [
        _step(frame, model.entity(each), field)
        for each in sorted(circle)
        for field in cascading(model, each, action)
        if field.target in circle
    ]
    first = _joined(begins).subquery()
    # UNION, not UNION ALL: a circle of records ends by itself.
    tree = frame.steps(select(first.c.kind, first.c.id))
    step = _joined(steps).subquery()
    onward = select(step.c.kind, step.c.id).join_from(
        tree, step, and_(step.c.above_kind == tree.c.kind, step.c.above == tree.c.id)
    )
    tree = tree.union(onward)
    return select(tree.c.id).where(tree.c.kind == _text(entity.key))


def _step(frame: Frame, entity: Entity, field: Field) -> Select[Any]:
    """Return (kind, id, kind above, id above) of records and what they hang on by a link."""
    if field.type.links == "many":
        link = frame.link(entity.key, field.key)
        child, above = link.c.record_id, link.c.target_id
    else:
        rows = frame.alias(entity.key)
        child, above = rows.c.id, rows.c[field.key]
    return select(
        _kind(entity.key),
        child.label("id"),
        _text(field.target or "").label("above_kind"),
        above.label("above"),
    )


def _circle(model: Model, entity: str, action: str) -> frozenset[str]:
    """Return the entities from which links with `share:` lead back, this one among them; none when no link does."""
    level = "any" if action in _WITH_ANY_LEVEL else "edit"

    def work_out() -> frozenset[str]:
        onward = {key: {field.target or "" for field in cascading(model, key, action)} for key in model.entities}
        there = _reached(onward, entity)
        return frozenset(each for each in there if entity in _reached(onward, each)) if entity in there else frozenset()

    return model.derive(("shares round", entity, level), work_out)


def _reached(onward: dict[str, set[str]], start: str) -> set[str]:
    found: set[str] = set()
    waiting = list(onward[start])
    while waiting:
        each = waiting.pop()
        if each not in found:
            found.add(each)
            waiting += onward[each]
    return found


# --- parts ----------------------------------------------------------------------------------------------------------


def naming(entity: Entity, action: str) -> list[Field]:
    """Return the fields by which a record is shared with the users, teams or departments that stand in them."""
    return [field for field in _sharing(entity, action) if field.target in PRINCIPALS]


def cascading(model: Model, entity: str, action: str) -> list[Field]:
    """Return the links by which a record follows what it hangs on."""
    known = _sharing(model.entity(entity), action)
    return [field for field in known if field.target not in PRINCIPALS and field.target in model.entities]


def followers(model: Model, entity: str, action: str) -> frozenset[str]:
    """Return the entities whose records follow those of an entity, at any distance."""

    def work_out() -> frozenset[str]:
        back: dict[str, set[str]] = {key: set() for key in model.entities}
        for key in model.entities:
            for field in cascading(model, key, action):
                back[field.target or ""].add(key)
        return frozenset(_reached(back, entity))

    return model.derive(("followers", entity, action in _WITH_ANY_LEVEL), work_out)


def _sharing(entity: Entity, action: str) -> list[Field]:
    levels = {"read", "edit"} if action in _WITH_ANY_LEVEL else {"edit"}
    return [field for field in entity.fields.values() if field.share in levels and field.type.links in {"one", "many"}]


def _given(frame: Frame, entity: Entity, action: str, *, cascading: bool = False) -> Select[Any]:
    """Return the ids of records with a share that holds now, high enough for an action."""
    now = frame.binds.scalar("now", _MOMENT)
    chosen = select(share.c.record_id).where(
        share.c.entity == _written(entity.key),
        frame.binds.among(share.c.principal_id, "user.sharing"),
        or_(share.c.until.is_(None), share.c.until > now),
    )
    if action not in _WITH_ANY_LEVEL:
        chosen = chosen.where(share.c.level == _written("edit"))
    return chosen.where(share.c.cascades == literal_column("1", Integer())) if cascading else chosen


def _cause(how: How, field: Field, place: Place, targets: Any, again: Any) -> Cause:
    """Return the cause that a field leads to one of some targets; `again` are the same ones, for a second use."""
    ids = _by_field(place.frame, place.entity, field, again)
    if field.type.links == "many":
        link = place.frame.link(place.entity.key, field.key)
        held = place.alias.c.id.in_(select(link.c.record_id).where(link.c.target_id.in_(targets)))
    else:
        held = place.alias.c[field.key].in_(targets)
    return Cause(how, field, held, ids)


def _by_field(frame: Frame, entity: Entity, field: Field, targets: Any) -> Select[Any]:
    """Return the ids of records whose field leads to one of some targets."""
    if field.type.links == "many":
        link = frame.link(entity.key, field.key)
        return select(link.c.record_id).where(link.c.target_id.in_(targets))
    rows = frame.alias(entity.key)
    return select(rows.c.id).where(rows.c[field.key].in_(targets))


def _joined(parts: list[Select[Any]]) -> Any:
    return union_all(*parts) if len(parts) > 1 else parts[0]


def _written(word: str) -> Element:
    # A part of the text, not a parameter: PostgreSQL's plan for everybody is then as good as the one for somebody.
    return literal_column(f"'{word}'", Text())


def _kind(entity: str) -> Element:
    return _text(entity).label("kind")


def _text(word: str) -> Element:
    # A parameter in a list of columns has no type of its own on PostgreSQL.
    return cast(literal(word, Text()), Text())
