"""What is wrong with a hook as somebody wants it, told at its place."""

from __future__ import annotations

import re
from collections.abc import Iterator

from engine.data.phrases import phrases
from engine.data.principal import Principal
from engine.data.reader import Reader
from engine.data.shape import Shape, shape_of
from engine.data.upserting import key_columns
from engine.errors import FieldProblem, RecordInvalid
from engine.i18n import Message
from engine.metadata.model import Entity
from engine.webhooks.checking import acting_for
from engine.webhooks.inbound.hook import HOOK_MODES, HOOK_SCHEMES, MOST_HOOK_BYTES, HookWish
from engine.webhooks.inbound.transforms import TRANSFORMS, is_transform
from engine.webhooks.parts import Parts
from engine.webhooks.signing import is_signing_secret

MOST_FIELDS = 200
_LEAST_SECRET = 16
_LONGEST_NAME = 80
_LONGEST = 2_000
_HEADER = re.compile(r"[A-Za-z0-9-]{1,80}")
_PATH = re.compile(r"(header: ?[A-Za-z0-9-]{1,80}|\$|(\$\.)?[^.\s][^.]{0,120}(\.[^.]{1,120}){0,30})")


def check_hook(parts: Parts, principal: Principal, wish: HookWish) -> None:
    """Refuse a hook that cannot work, or that would write more than whoever makes it may.

    Raises:
        RecordInvalid: with all that is wrong, at its field; fields of the mapping as `mapping/0/path`.
    """
    problems = [*_check_plainly(wish), *_check_proof(wish)]
    with parts.reading(principal) as own:
        try:
            actor = acting_for(parts, own, wish.actor_id)
        except RecordInvalid as error:
            problems += [FieldProblem("actor_id", each.message, each.code) for each in error.problems]
            actor = principal
        problems += _check_target(parts.reader_within(own.connection, actor), wish)
    if problems:
        raise RecordInvalid(problems)


def _check_plainly(wish: HookWish) -> Iterator[FieldProblem]:
    if not wish.name.strip():
        yield FieldProblem("name", Message("Give it a name"), "required")
    elif len(wish.name) > _LONGEST_NAME:
        yield FieldProblem("name", Message("At most {most} characters", most=_LONGEST_NAME), "too_long")
    if wish.mode not in HOOK_MODES:
        yield _unknown("mode", wish.mode, HOOK_MODES)
    if not 0 < wish.most_bytes <= MOST_HOOK_BYTES:
        message = Message("{name} is a whole number from {least} to {most}", name="most_bytes", least=1,
                          most=MOST_HOOK_BYTES)  # fmt: skip
        yield FieldProblem("most_bytes", message, "range")


def _check_proof(wish: HookWish) -> Iterator[FieldProblem]:
    if wish.scheme not in HOOK_SCHEMES:
        yield _unknown("scheme", wish.scheme, HOOK_SCHEMES)
    for name, value in (("header", wish.header), ("id_header", wish.id_header)):
        if value and _HEADER.fullmatch(value) is None:
            yield FieldProblem(name, Message("{value} is no name of a header", value=value), "invalid")
    secret = wish.secret
    if not secret:
        return
    if wish.scheme == "standard" and not is_signing_secret(secret):
        message = Message("A secret of Standard Webhooks is whsec_ and 24 to 64 bytes in base64")
        yield FieldProblem("secret", message, "invalid")
    elif not (_LEAST_SECRET <= len(secret) <= _LONGEST and secret.isprintable()):
        yield FieldProblem("secret", Message("At least {least} characters", least=_LEAST_SECRET), "too_short")


def _unknown(path: str, value: str, known: tuple[str, ...]) -> FieldProblem:
    message = Message("{value} is none of {known}", value=value or "—", known=", ".join(known))
    return FieldProblem(path, message, "unknown")


def _check_target(reader: Reader, wish: HookWish) -> Iterator[FieldProblem]:
    entity = reader.model.entities.get(wish.entity)
    if entity is None or not reader.access.may(wish.entity, "create"):
        message = Message("There are no records {key}, or they may not be created in this name", key=wish.entity)
        yield FieldProblem("entity", message, "unknown")
        return
    shape = shape_of(reader.published, entity.key, phrases(reader.kind))
    yield from _check_mapping(reader, entity, wish)
    if wish.mode == "upsert":
        yield from _check_match(shape, wish)


def _check_mapping(reader: Reader, entity: Entity, wish: HookWish) -> Iterator[FieldProblem]:
    mapping = wish.mapping
    if not mapping.fields:
        yield FieldProblem("mapping", Message("Say where at least one field gets its value from"), "required")
    if len(mapping.fields) > MOST_FIELDS:
        yield FieldProblem("mapping", Message("At most {most} fields", most=MOST_FIELDS), "too_long")
    writable, seen = reader.access.writable(entity.key) | {"external_id"}, set[str]()
    for number, each in enumerate(mapping.fields):
        place = f"mapping/{number}"
        field = entity.fields.get(each.field)
        if field is None or each.field not in writable or field.type.links == "children":
            message = Message("There is no field {key} that may be written in this name", key=each.field)
            yield FieldProblem(f"{place}/field", message, "unknown")
        elif each.field in seen:
            yield FieldProblem(f"{place}/field", Message("This field stands here twice"), "twice")
        seen.add(each.field)
        if not each.path and not each.value:
            yield FieldProblem(f"{place}/path", Message("Give a path or a value"), "required")
        yield from _check_path(f"{place}/path", each.path)
        for name in each.transforms:
            if not is_transform(name):
                known = ", ".join(TRANSFORMS)
                message = Message("There is no transform {name}; there are {known}", name=name, known=known)
                yield FieldProblem(f"{place}/transforms", message, "unknown")
    yield from _check_path("items", mapping.items)
    for path, _values in mapping.when:
        yield from _check_path("when", path)


def _check_path(place: str, path: str) -> Iterator[FieldProblem]:
    if path and _PATH.fullmatch(path) is None:
        message = Message("{path} is no path: it looks like customer.email or lines.0.sku", path=path[:80])
        yield FieldProblem(place, message, "invalid")


def _check_match(shape: Shape, wish: HookWish) -> Iterator[FieldProblem]:
    try:
        columns = key_columns(shape, wish.match_by)
    except RecordInvalid as error:
        yield FieldProblem("match_by", error.problems[0].message, "unknown")
        return
    mapped = {each.field for each in wish.mapping.fields}
    for column in columns:
        if column.key not in mapped and column.field.blind_of not in mapped:
            message = Message("{key} gets no value, so nothing can be found by it", key=column.key)
            yield FieldProblem("match_by", message, "unmapped")


def ways_to_match(shape: Shape) -> tuple[str, ...]:
    """Return by what records of an entity can be told apart."""
    single = [rule.columns[0].key for rule in shape.unique if len(rule.columns) == 1]
    return tuple(dict.fromkeys([*single, *(rule.key for rule in shape.unique if len(rule.columns) > 1), "id"]))
