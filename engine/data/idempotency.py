"""Idempotency keys: a request that is sent twice is carried out once, and both times answered the same.

As the IETF draft "The Idempotency-Key HTTP Header Field" has it. The answer is stored in the transaction of the write,
so there is never a write without its answer or an answer without its write. A request whose twin is still at work
waits for it. Errors are not stored: a refused request may be corrected and sent again under its key.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import orjson
from sqlalchemy import Connection

from engine.data.batch import Written
from engine.data.phrases import Phrases
from engine.data.shape import Shape, to_json
from engine.data.unit import Unit
from engine.errors import IdempotencyMismatch
from engine.i18n import Message
from engine.storage.database import run

KEPT = timedelta(hours=24)
MOST_LETTERS = 255


def request_hash(*parts: Any) -> str:
    """Return what tells one request from another."""
    options = orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS
    try:
        text = orjson.dumps(parts, default=_plain, option=options)
    except orjson.JSONEncodeError:
        # A whole number beyond 64 bits: no field takes it, but which one it is, is said by the steps.
        text = json.dumps(parts, default=_plain, sort_keys=True).encode()
    return hashlib.sha256(text).hexdigest()


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, (set, frozenset)):
        return sorted(map(str, value))
    return repr(value)


def begin(unit: Unit, key: str, digest: str) -> list[dict[str, Any]] | None:
    """Take a key for this request; return the stored answer when the request was carried out before.

    Raises:
        IdempotencyMismatch: the key belongs to another request.
    """
    if not 0 < len(key) <= MOST_LETTERS or not key.isprintable():
        raise IdempotencyMismatch(Message("An idempotency key has 1 to {most} printable characters", most=MOST_LETTERS))
    mark, at = unit.phrases.mark, unit.phrases.moment
    actor = unit.principal.id or ""
    unit.run(
        f"DELETE FROM idempotency_key WHERE actor_id = {mark} AND key = {mark} AND created_at < {mark}",  # noqa: S608
        (actor, key, at(unit.now - KEPT)),
    )
    # On PostgreSQL this waits for a twin that has not committed yet; on SQLite only one writer is at work anyway.
    taken = unit.run(
        "INSERT INTO idempotency_key (actor_id, key, request_hash, created_at) "  # noqa: S608 - constants
        f"VALUES ({mark}, {mark}, {mark}, {mark}) "
        "ON CONFLICT (actor_id, key) DO NOTHING",
        (actor, key, digest, at(unit.now)),
    ).rowcount
    if taken:
        return None
    row = unit.run(
        f"SELECT request_hash, response FROM idempotency_key WHERE actor_id = {mark} AND key = {mark}",  # noqa: S608
        (actor, key),
    ).fetchone()
    if row[0] != digest:
        raise IdempotencyMismatch(Message("This idempotency key was used for another request"))
    answer: list[dict[str, Any]] = orjson.loads(row[1] or "[]")
    return answer


def finish(unit: Unit, key: str, answer: Sequence[Mapping[str, Any]]) -> None:
    """Store what the request was answered."""
    mark = unit.phrases.mark
    unit.run(
        f"UPDATE idempotency_key SET response = {mark} WHERE actor_id = {mark} AND key = {mark}",  # noqa: S608
        (orjson.dumps(answer).decode(), unit.principal.id or "", key),
    )


def forget(connection: Connection, phrases: Phrases, now: datetime) -> int:
    """Delete keys that are past their time and return how many there were."""
    text = f"DELETE FROM idempotency_key WHERE created_at < {phrases.mark}"  # noqa: S608 - constants
    return int(run(connection, text, (phrases.moment(now - KEPT),)).rowcount)


def written_to_json(shape: Shape, written: Written) -> dict[str, Any]:
    """Return an answer as JSON values; `written_from_json` reads it back."""
    values: dict[str, Any] = {}
    for key, value in written.values.items():
        field = shape.entity.fields[key]
        if field.type.links == "children":
            values[key] = [_child_to_json(shape, field.target or "", child) for child in value]
        else:
            write = to_json(field)
            values[key] = value if write is None or value is None else write(value)
    return {
        "id": written.id,
        "version": written.version,
        "values": values,
        "changed": sorted(written.changed),
        "action": written.action,
    }


def _child_to_json(shape: Shape, entity: str, child: Mapping[str, Any]) -> dict[str, Any]:
    fields = shape.model.entity(entity).fields
    return {
        key: value if value is None or (write := to_json(fields[key])) is None else write(value)
        for key, value in child.items()
    }


def written_from_json(shape: Shape, answer: Mapping[str, Any]) -> Written:
    """Return the answer that `written_to_json` wrote."""
    values: dict[str, Any] = {}
    for key, value in answer["values"].items():
        field = shape.entity.fields.get(key)
        if field is None:
            continue
        if field.type.links == "children":
            fields = shape.model.entity(field.target or "").fields
            values[key] = tuple(
                {
                    name: fields[name].type.parse(each, fields[name].options)
                    for name, each in child.items()
                    if name in fields
                }
                for child in value
            )
        else:
            values[key] = None if value is None else _parsed(field, value)
    return Written(answer["id"], answer["version"], values, frozenset(answer["changed"]), answer["action"])


def _parsed(field: Any, value: Any) -> Any:
    return field.type.result(field.options).parse(value, field.options)
