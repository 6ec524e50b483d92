"""What there is to hand over, in numbers: by kind of record, by state, by view; and what stays, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from engine import clock
from engine.data.access import Access
from engine.data.principal import Principal
from engine.expression import Call, Expr, Literal, Path, to_text, variables
from engine.handover.assignments import Assignment, Order
from engine.handover.belongings import Belonging, belongings, past
from engine.handover.finding import Finder
from engine.i18n import Message, Text
from engine.metadata.model import Entity, Model
from engine.metadata.scope import VARIABLES
from engine.storage.codec import moment
from engine.storage.database import run

MOST_VIEWS = 12
"""Views of one kind of record that are offered as parts."""


@dataclass(frozen=True, slots=True)
class Segment:
    """Some of the records of a part, that may go to somebody else than the rest."""

    key: str
    """`state.new` or `view.lead.open`: what forms and commands call it."""
    where: str
    label: Text
    number: int


@dataclass(frozen=True, slots=True)
class Part:
    """One kind of record that is the person's."""

    belonging: Belonging
    entity: Entity
    number: int
    segments: tuple[Segment, ...] = ()
    """Ways to divide it: by state, and by the views of the site."""

    @property
    def key(self) -> str:
        """Return its name in assignments."""
        return self.belonging.key


@dataclass(frozen=True, slots=True)
class HandoverPlan:
    """All that is somebody's."""

    parts: tuple[Part, ...]
    sign_ins: int
    tokens: int
    shares: int
    """Records that others share with them."""
    private: int
    """Views and drafts that nobody else can see."""
    elevated: bool
    """Whether rows beyond the reach of who asks are in."""

    @property
    def number(self) -> int:
        """Return how many records there are in all."""
        return sum(part.number for part in self.parts)


@dataclass(frozen=True, slots=True)
class Preview:
    """What one assignment would do."""

    assignment: Assignment
    number: int
    each: tuple[tuple[str, int], ...] = ()
    """(id of a successor, how many they get)."""
    warnings: tuple[Message, ...] = ()


@dataclass(frozen=True, slots=True)
class Remaining:
    """What is still a person's, and why."""

    entity: Entity
    field: Text
    number: int
    why: Message


def plan(connection: Connection, access: Access, person: Principal, *, elevated: bool) -> HandoverPlan:
    """Return what there is to hand over."""
    finder = Finder(connection, access, person)
    parts = []
    for belonging in belongings(access.model):
        if access.rule(belonging.entity, "update").nobody or access.rule(belonging.entity, "read").nobody:
            continue
        number = finder.count(belonging)
        if number:
            entity = access.model.entity(belonging.entity)
            segments = tuple(_segments(access.model, finder, belonging, number)) if belonging.hold == "owner" else ()
            parts.append(Part(belonging, entity, number, segments))
    now = moment("sqlite" if connection.dialect.name == "sqlite" else "postgresql")(clock.now())
    return HandoverPlan(
        tuple(parts),
        _number(connection, "auth_session WHERE user_id = ? AND expires_at > ?", person.id, now),
        _number(connection, "auth_token WHERE user_id = ? AND revoked_at IS NULL", person.id),
        _number(connection, "share WHERE principal_id = ?", person.id),
        _number(connection, "user_view WHERE user_id = ?", person.id)
        + _number(connection, "saved_view WHERE owner_id = ?", person.id)
        + _number(connection, "user_draft WHERE body <> 'null' AND user_id = ?", person.id),
        elevated,
    )


def _segments(model: Model, finder: Finder, belonging: Belonging, number: int) -> list[Segment]:
    """Return ways to divide the records: those that hold some of them, but not all."""
    entity = model.entity(belonging.entity)
    found: list[Segment] = []
    if entity.states is not None:
        field = entity.fields[entity.states.field]
        counts = finder.counts_by(belonging, field.key)
        for key, option in field.choices.items():
            if 0 < counts.get(key, 0) < number:
                condition = Call("==", (Path((field.key,)), Literal(key)))
                found.append(Segment(f"state.{key}", to_text(condition), _both(field.label, option.label), counts[key]))
    seen: set[Expr] = set()
    for view in model.views.values():
        if view.entity != entity.key or view.where is None or view.where in seen or len(seen) == MOST_VIEWS:
            continue
        if not variables(view.where) <= VARIABLES.keys():
            continue  # what the asker has starred, seen or leads, which says nothing of whose records go
        seen.add(view.where)
        count = finder.count(belonging, view.where)
        if 0 < count < number:
            found.append(Segment(f"view.{view.key}", to_text(view.where), view.title, count))
    return found


def _both(field: Text, option: Text) -> Text:
    """Return "Status: Planned" in each language that either has."""
    return Text(
        {language: f"{field.in_(language)}: {option.in_(language)}" for language in {*field, *option, "en"} - {""}}
    )


def preview(
    finder: Finder, model: Model, assignments: Sequence[Assignment], orders: Sequence[Order], readers: Any
) -> list[Preview]:
    """Return what assignments would do, in their order; `readers(user id, entity)` says who may see what they get.

    Raises:
        ExpressionInvalid: a condition cannot be used.
    """
    found = []
    for each, order in zip(assignments, orders, strict=True):
        number = finder.count(order.belonging, order.condition)
        warnings = [
            Message("{name} may not see {plural}", name=name, plural=model.entity(order.belonging.entity).plural)
            for name in readers(order.to, order.belonging.entity)
        ]
        count = len(order.to)
        shares = tuple((to, number // count + (place < number % count)) for place, to in enumerate(order.to))
        found.append(Preview(each, number, shares, tuple(warnings)))
    return found


def remaining(connection: Connection, access: Access, everything: Access, person: Principal) -> list[Remaining]:
    """Return what is still somebody's, and why: what is in reach, beyond it, in the recycle bin, and history."""
    finder, all_of_it = Finder(connection, access, person), Finder(connection, everything, person)
    found = []
    for belonging in belongings(access.model):
        entity = access.model.entity(belonging.entity)
        here, whole = 0, all_of_it.count(belonging)
        if not (access.rule(entity.key, "update").nobody or access.rule(entity.key, "read").nobody):
            here = finder.count(belonging)
        binned = all_of_it.count(belonging, trashed=True)
        for number, why in (
            (here, Message("Nobody was named for them")),
            (whole - here, Message("They are out of your reach")),
            (binned, Message("They are in the recycle bin")),
        ):
            if number:
                found.append(Remaining(entity, belonging.label, number, why))
    for belonging in past(access.model):
        number = all_of_it.count(belonging)
        if number:
            why = Message("It tells what was, and stays")
            found.append(Remaining(access.model.entity(belonging.entity), belonging.label, number, why))
    return found


def _number(connection: Connection, rest: str, *values: Any) -> int:
    text = f"SELECT count(*) FROM {rest}"  # noqa: S608 - constants of this module
    marked = text if connection.dialect.name == "sqlite" else text.replace("?", "%s")
    return int(run(connection, marked, values).fetchone()[0])
