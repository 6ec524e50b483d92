"""What is wrong with an endpoint as somebody wants it, told at its place; and who may act for whom."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from engine.data.place import visible
from engine.data.principal import Principal
from engine.data.query import Query
from engine.data.reader import Reader
from engine.errors import FieldProblem, GuanxiError, RecordInvalid, SignInNeeded
from engine.expression import Expr, parse
from engine.i18n import Message
from engine.ids import is_id
from engine.metadata.model import Entity
from engine.webhooks.endpoint import EVERY_ENTITY, WEBHOOK_EVENTS, EndpointWish
from engine.webhooks.parts import Parts

_LONGEST_NAME = 80
_LONGEST_URL = 2_000
PURPOSE = "webhook"
"""As what the page of outbound connections has it."""


def check_endpoint(parts: Parts, principal: Principal, wish: EndpointWish) -> None:
    """Refuse an endpoint that cannot work, or that would tell more than whoever makes it may know.

    Raises:
        RecordInvalid: with all that is wrong, at its field.
    """
    problems = [*_check_name(wish.name), *_check_url(parts, wish.url)]
    with parts.reading(principal) as own:
        try:
            owner = acting_for(parts, own, wish.owner_id)
        except RecordInvalid as error:
            problems += error.problems
            owner = principal
        with_rights = own if owner is principal else parts.reader_within(own.connection, owner)
        problems += _check_what(with_rights, wish)
    if problems:
        raise RecordInvalid(problems)


def acting_for(parts: Parts, reader: Reader, user_id: str | None) -> Principal:
    """Return the person whose rights count: oneself, or anybody for an administrator.

    Raises:
        RecordInvalid: it may not be that person.
    """
    own = reader.principal
    if user_id is None or user_id == own.id:
        if own.id is None:
            message = Message("Say in whose name this is done")
            raise RecordInvalid([FieldProblem("owner_id", message, "required")])
        # A token may do less than its person, and the rights here are those of the person.
        return parts.principal(own.id)
    if not reader.access.has("admin"):
        message = Message("Only an administrator may let this be done in somebody else's name")
        raise RecordInvalid([FieldProblem("owner_id", message, "refused")])
    try:
        if is_id(user_id):
            return parts.principal(user_id)
    except SignInNeeded:
        pass
    message = Message("There is no such person, or they are disabled")
    raise RecordInvalid([FieldProblem("owner_id", message, "unknown")])


def _check_name(name: str) -> Iterator[FieldProblem]:
    if not name.strip():
        yield FieldProblem("name", Message("Give it a name"), "required")
    elif len(name) > _LONGEST_NAME:
        yield FieldProblem("name", Message("At most {most} characters", most=_LONGEST_NAME), "too_long")


def _check_url(parts: Parts, url: str) -> Iterator[FieldProblem]:
    if not url.strip():
        yield FieldProblem("url", Message("Say where changes are sent to"), "required")
        return
    if len(url) > _LONGEST_URL:
        yield FieldProblem("url", Message("At most {most} characters", most=_LONGEST_URL), "too_long")
        return
    try:
        if urlsplit(url).fragment:
            yield FieldProblem("url", Message("What stands after # is never sent; leave it out"), "fragment")
        parts.outbound.check(url, purpose=PURPOSE)
    except GuanxiError as error:
        yield FieldProblem("url", error.message, "refused")


def _check_what(reader: Reader, wish: EndpointWish) -> Iterator[FieldProblem]:
    if not wish.events:
        yield FieldProblem("events", Message("Choose at least one event"), "required")
    for event in wish.events:
        if event not in WEBHOOK_EVENTS:
            known = ", ".join(WEBHOOK_EVENTS)
            message = Message("There is no event {event}; there are {known}", event=event, known=known)
            yield FieldProblem("events", message, "unknown")
    if wish.entity == EVERY_ENTITY:
        if wish.fields:
            message = Message("Fields can be named when it is about one kind of records")
            yield FieldProblem("fields", message, "refused")
        if wish.condition.strip():
            message = Message("A condition is possible when it is about one kind of records")
            yield FieldProblem("condition", message, "refused")
        return
    entity = reader.model.entities.get(wish.entity)
    if entity is None or not reader.access.may(wish.entity, "read"):
        message = Message("There are no records {key}, or the owner may not read them", key=wish.entity)
        yield FieldProblem("entity", message, "unknown")
        return
    yield from _check_fields(reader, entity, wish)
    try:
        condition_of(reader, entity.key, wish.condition)
    except GuanxiError as error:
        yield FieldProblem("condition", error.message, "invalid")


def _check_fields(reader: Reader, entity: Entity, wish: EndpointWish) -> Iterator[FieldProblem]:
    for key in wish.fields:
        if key not in entity.fields or not visible(reader.access.roles, entity, key):
            message = Message("There is no field {key}, or the owner may not see it", key=key)
            yield FieldProblem("fields", message, "unknown")
    if set(wish.events) == {"transition"} and entity.states is None:
        message = Message("{plural} have no states", plural=entity.plural)
        yield FieldProblem("events", message, "unknown")


def condition_of(reader: Reader, entity: str, text: str) -> Expr | None:
    """Return a condition that the reader's principal may ask; None when there is none.

    Raises:
        ExpressionInvalid, QueryInvalid, AccessDenied: it cannot be read, or asks about what they may not know.
    """
    if not text.strip():
        return None
    condition = parse(text)
    reader.count(Query(entity, where=condition), 1)
    return condition
