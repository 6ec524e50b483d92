"""Row rules as SQL: each named row is a comparison or `IN (SELECT ...)`, never a list of ids.

Lists of ids grow with the organisation and make the planner merge indexes and sort; a sub-select stays the same text
for everybody and lets the index that sorts the list also walk it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    and_,
    column,
    false,
    literal_column,
    or_,
    select,
    table,
    true,
)

from engine.data.about import about_in_reach
from engine.data.place import Place, below
from engine.data.rules import Branch, Rule, Way, owner_path
from engine.data.shared import causes, mine
from engine.expression import compile_sql
from engine.fields import StorageType
from engine.storage.columns import Stored

Element = ColumnElement[Any]
LINKED = "linked "
"""Begins the names of parts by which records follow what they hang on."""

_UUID = StorageType("uuid")

user_closure = table(
    "user_closure", column("manager_id", Stored("uuid")), column("user_id", Stored("uuid")), column("depth")
)


def condition(rule: Rule, place: Place) -> Element:
    """Return which of the rows of a place a rule lets through; NULL counts as false."""
    return and_(true(), *restrictions(rule, place), ways(rule, place))


def restrictions(rule: Rule, place: Place) -> list[Element]:
    """Return the conditions that hold whatever is granted."""
    found: list[Element] = [compile_sql(each.condition, place.scope(asking=False)) for each in rule.restricts]
    return [*found, about_in_reach(place)] if rule.about else found


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
    return [cause.ids for cause in causes(place, action)] if branch.rows == "shared" else None


def parts(rule: Rule, place: Place) -> dict[str, Element]:
    """Return the things that are each enough to reach a row, apart: each has the index that answers it by itself."""
    found: dict[str, Element] = {}
    for number, rows in enumerate(dict.fromkeys(branch.rows for branch in rule.ways[0].branches)):
        if rows == "shared":
            found.update((f"{cause.how} {at}", cause.condition) for at, cause in enumerate(causes(place, rule.action)))
        else:
            name = rows if isinstance(rows, str) else str(number)
            found[name] = granted(Branch("", rows), rule.action, place)
    return found


def _owner(place: Place) -> Element:
    return place.alias.c[owner_path(place.entity).keys[0]]


def _all(place: Place, action: str) -> Element:
    return true()


def _own(place: Place, action: str) -> Element:
    return mine(place)


def _subordinates(place: Place, action: str) -> Element:
    frame = place.frame
    if frame.roles.standing_in:
        above: Element = user_closure.c.manager_id.in_(frame.binds.listed("user.covered"))
    else:
        above = user_closure.c.manager_id == frame.binds.hidden("user.id")
    below_me = select(user_closure.c.user_id).where(above, user_closure.c.depth > literal_column("0"))
    if place.few:
        # Whoever leads everybody would have everybody gathered for the owners of one page.
        return below_me.where(user_closure.c.user_id == _owner(place)).correlate_except(user_closure).exists()
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
    return or_(*(cause.condition for cause in causes(place, action)))


_NAMED: Mapping[str, Callable[[Place, str], Element]] = {
    "all": _all,
    "own": _own,
    "subordinates": _subordinates,
    "team": _team,
    "department": _department,
    "shared": _shared,
}
