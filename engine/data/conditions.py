"""Row rules as SQL: each named row is a comparison or `IN (SELECT ...)`, never a list of ids.

Lists of ids grow with the organisation and make the planner merge indexes and sort; a sub-select stays the same text
for everybody and lets the index that sorts the list also walk it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Integer,
    Select,
    Text,
    and_,
    column,
    false,
    literal,
    or_,
    select,
    table,
    true,
    union_all,
)

from engine.data.place import Frame, Place, below
from engine.data.rules import Branch, Rule, Way, owner_path
from engine.expression import compile_sql
from engine.fields import StorageType
from engine.metadata.model import Entity, Field
from engine.storage.columns import Stored

Element = ColumnElement[Any]

_UUID, _MOMENT = StorageType("uuid"), StorageType("datetime")

user_closure = table(
    "user_closure", column("manager_id", Stored("uuid")), column("user_id", Stored("uuid")), column("depth")
)
share = table(
    "share",
    column("entity", Text()),
    column("record_id", Stored("uuid")),
    column("principal_id", Stored("uuid")),
    column("level", Text()),
    column("cascades", Integer()),
    column("until", Stored("datetime")),
)
_WITH_ANY_SHARE = frozenset({"read", "export"})


def condition(rule: Rule, place: Place) -> Element:
    """Return which of the rows of a place a rule lets through; NULL counts as false."""
    return and_(true(), *restrictions(rule, place), ways(rule, place))


def restrictions(rule: Rule, place: Place) -> list[Element]:
    """Return the conditions that hold whatever is granted."""
    return [compile_sql(each.condition, place.scope(asking=False)) for each in rule.restricts]


def ways(rule: Rule, place: Place) -> Element:
    """Return the condition that something is granted: FALSE when nothing is."""
    if rule.nobody:
        return false()
    return or_(*(way(each, rule.action, place) for each in rule.ways))


def way(given: Way, action: str, place: Place) -> Element:
    """Return the condition of one way in."""
    parts: list[Element] = []
    if given.parent is not None and not given.parent.everybody:
        parts.append(parent_in_reach(given.parent, place))
    if not any(branch.everything for branch in given.branches):
        parts.append(or_(*(granted(branch, action, place) for branch in given.branches)))
    return and_(true(), *parts)


def parent_in_reach(rule: Rule, place: Place) -> Element:
    """Return the condition that the parent of child rows is in reach of a rule of its own."""
    frame = place.frame
    above = Place(frame, frame.roles.model.entity(rule.entity), frame.alias(rule.entity))
    assert place.entity.parent_field is not None  # noqa: S101 - it has a parent, so it has the field
    back = place.alias.c[place.entity.parent_field]
    return back.in_(select(above.alias.c.id).where(condition(rule, above)))


def granted(branch: Branch, action: str, place: Place) -> Element:
    """Return which rows a branch of a grant names."""
    if isinstance(branch.rows, str):
        return _NAMED[branch.rows](place, action)
    return compile_sql(branch.rows, place.scope(asking=False))


def given_ids(branch: Branch, action: str, place: Place) -> list[Select[Any]] | None:
    """Return the ids that a branch names without looking at the rows; None when it has to look at them."""
    if branch.rows != "shared":
        return None
    ids = _shared_ids(place, action)
    for condition_ in _named_in_fields(
        there := Place(place.frame, place.entity, place.frame.alias(place.entity.key)), action
    ):
        ids.append(select(there.alias.c.id).where(condition_))
    return ids


def granted_by_id(branch: Branch, action: str, place: Place) -> Element:
    """Return `granted` in a form that an index answers by itself: shared records by their ids, not one by one."""
    ids = given_ids(branch, action, place)
    if ids is None:
        return granted(branch, action, place)
    return place.alias.c.id.in_(union_all(*ids) if len(ids) > 1 else ids[0])


def _me(place: Place) -> Element:
    return place.frame.binds.scalar("user.id", _UUID)


def _owner(place: Place) -> Element:
    return place.alias.c[owner_path(place.entity).keys[0]]


def _all(place: Place, action: str) -> Element:
    return true()


def _own(place: Place, action: str) -> Element:
    return _owner(place) == _me(place)


def _subordinates(place: Place, action: str) -> Element:
    below_me = select(user_closure.c.user_id).where(user_closure.c.manager_id == _me(place), user_closure.c.depth > 0)
    return _owner(place).in_(below_me)


def _team(place: Place, action: str) -> Element:
    frame, model = place.frame, place.frame.roles.model
    mine = frame.binds.listed("user.teams")
    if place.entity.key == "team":
        return place.alias.c.id.in_(mine)
    if "team" not in model.entities or "members" not in model.entities["team"].fields:
        return false()
    link = frame.link("team", "members")
    return _owner(place).in_(select(link.c.target_id).where(link.c.record_id.in_(mine)))


def _department(place: Place, action: str) -> Element:
    frame, model = place.frame, place.frame.roles.model
    if "department" not in model.entities or "department" not in model.entities["user"].fields:
        return false()
    top = frame.binds.scalar("user.department", _UUID)
    tree = below(frame, model.entity("department"), top)
    if place.entity.key == "department":
        return place.alias.c.id.in_(tree)
    if place.entity.key == "user":
        return place.alias.c.department.in_(tree)
    people = frame.alias("user")
    return _owner(place).in_(select(people.c.id).where(people.c.department.in_(tree)))


def _shared(place: Place, action: str) -> Element:
    return or_(*(place.alias.c.id.in_(ids) for ids in _shared_ids(place, action)), *_named_in_fields(place, action))


def _shared_ids(place: Place, action: str) -> list[Select[Any]]:
    """Return the ids of records that were shared, and of those that name the person in a field with many links."""
    frame, entity = place.frame, place.entity
    mine = frame.binds.listed("user.sharing")
    given = select(share.c.record_id).where(
        share.c.entity == literal(entity.key, Text()), share.c.principal_id.in_(mine), _holds(frame)
    )
    if action not in _WITH_ANY_SHARE:
        given = given.where(share.c.level == literal("edit", Text()))
    found = [given]
    for field in _sharing_fields(entity, action):
        if field.type.links == "many":
            link = frame.link(entity.key, field.key)
            found.append(select(link.c.record_id).where(link.c.target_id.in_(frame.binds.listed("user.sharing"))))
    return found


def _holds(frame: Frame) -> Element:
    """Return the condition that a share has not ended."""
    return or_(share.c.until.is_(None), share.c.until > frame.binds.scalar("now", _MOMENT))


def _named_in_fields(place: Place, action: str) -> list[Element]:
    named = (field for field in _sharing_fields(place.entity, action) if field.type.links == "one")
    return [place.alias.c[field.key].in_(place.frame.binds.listed("user.sharing")) for field in named]


def _sharing_fields(entity: Entity, action: str) -> list[Field]:
    levels = {"read", "edit"} if action in _WITH_ANY_SHARE else {"edit"}
    principals = {"user", "team", "department"}
    return [field for field in entity.fields.values() if field.share in levels and field.target in principals]


_NAMED: Mapping[str, Callable[[Place, str], Element]] = {
    "all": _all,
    "own": _own,
    "subordinates": _subordinates,
    "team": _team,
    "department": _department,
    "shared": _shared,
}
