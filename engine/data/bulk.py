"""Bulk calls: operations of one entity, together or each for itself, with one result each.

Together they are one write. Each for itself, neighbours of one kind still go through the steps as a batch inside a
savepoint; when something goes wrong that cannot be told of one row, that batch is taken back and done row by row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

from sqlalchemy.exc import IntegrityError

from engine.data import pipeline, restoring, trash
from engine.data.answers import answers
from engine.data.batch import Batch, BulkResult, Change, Result, Written
from engine.data.idempotency import written_from_json, written_to_json
from engine.data.mass import Wish, update_where
from engine.data.shape import Shape
from engine.data.steps.persist import explained
from engine.data.transitions import transition
from engine.data.unit import CHUNK, Unit
from engine.data.upserting import upsert
from engine.errors import AccessDenied, FieldProblem, GuanxiError, NotFound, RecordInvalid, VersionConflict
from engine.i18n import Message
from engine.ids import is_id

VERBS = ("create", "update", "upsert", "delete", "restore", "transition")
_ON = "external_id"
_WORDS: Mapping[str, tuple[str, ...]] = {
    "update": ("id", "ids", "version", "values"),
    "upsert": ("on", "values"),
    "delete": ("id", "ids", "version"),
    "restore": ("id", "ids", "version"),
    "transition": ("id", "name", "version", "values"),
}
"""What an operation may say; a create is the values themselves."""
_BESIDE = frozenset({"update", "upsert"})
"""Operations whose values may stand beside their other words."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation as it was read: what to do, how, and with what."""

    row: int
    verb: str
    how: str
    """What an upsert matches on, which transition is made; operations of one kind and way go together."""
    given: Any
    """Values, a change, ids, or a wish about several ids."""


def read_operations(operations: Sequence[Mapping[str, Any]]) -> list[Operation]:
    """Return operations from their JSON form.

    `{"create": {field: value}}` · `{"update": {"id", "version"?, "values": {...}}}`, the values also beside the id, or
    `{"update": {"ids": [...], "values": {...}}}` · `{"upsert": {"on"?, "values": {...}}}` · `{"delete": id}` or
    `{"delete": {"id", "version"?}}` or `{"delete": {"ids": [...]}}`, `restore` alike ·
    `{"transition": {"id", "name", "version"?, "values"?}}`.

    Raises:
        RecordInvalid: one of them is none of these.
    """
    problems: list[FieldProblem] = []
    found: list[Operation] = []
    for row, operation in enumerate(operations):
        verbs = [verb for verb in VERBS if verb in operation]
        if len(verbs) != 1:
            message = Message("An operation is one of {verbs}", verbs=", ".join(VERBS))
            problems.append(FieldProblem("", message, "operation", row))
            continue
        read = _read(row, verbs[0], operation[verbs[0]])
        if isinstance(read, Message):
            problems.append(FieldProblem(verbs[0], read, "operation", row))
        else:
            found.append(read)
    if problems:
        raise RecordInvalid(problems)
    return found


def _read(row: int, verb: str, body: Any) -> Operation | Message:
    if verb in {"delete", "restore"} and isinstance(body, str):
        return Operation(row, verb, "", Change(body, {}))
    if not isinstance(body, Mapping):
        return Message("{verb} takes an object", verb=verb)
    wrong = _misshapen(verb, body)
    if wrong is not None:
        return wrong
    if verb == "create":
        return Operation(row, verb, "", dict(body))
    if verb == "upsert":
        return Operation(row, verb, str(body.get("on") or _ON), _values(body, "on"))
    if body.get("ids") is not None and verb != "transition":
        return _read_many(row, verb, body, body["ids"])
    return _read_one(row, verb, body)


def _misshapen(verb: str, body: Mapping[str, Any]) -> Message | None:
    """Return what an operation says that it cannot mean; None when there is nothing of that kind."""
    known = _WORDS.get(verb)
    if known is not None and ("values" in body or verb not in _BESIDE):
        for key in body.keys() - known:
            return Message("{verb} has no {key}; it has {known}", verb=verb, key=key[:100], known=", ".join(known))
    if verb != "create" and body.get("values") is not None and not isinstance(body["values"], Mapping):
        return Message("values is an object")
    for word in ("on", "name"):
        if known is not None and word in known and not isinstance(body.get(word, ""), str):
            return Message("{key} is a text", key=word)
    return None


def _read_many(row: int, verb: str, body: Mapping[str, Any], ids: Any) -> Operation | Message:
    if not isinstance(ids, (list, tuple)) or not all(isinstance(each, str) for each in ids):
        return Message("ids is a list of ids")
    given = Wish(_values(body, "ids"), ids=tuple(filter(is_id, ids))) if verb == "update" else tuple(ids)
    return Operation(row, verb, "ids", given)


def _read_one(row: int, verb: str, body: Mapping[str, Any]) -> Operation | Message:
    if not isinstance(body.get("id"), str):
        return Message("{verb} needs an id", verb=verb)
    version = body.get("version")
    if version is not None and (not isinstance(version, int) or isinstance(version, bool)):
        return Message("version is a whole number")
    if verb in {"delete", "restore"}:
        return Operation(row, verb, "", Change(body["id"], {}, version))
    if verb == "transition":
        return Operation(
            row, verb, str(body.get("name") or ""), Change(body["id"], dict(body.get("values") or {}), version)
        )
    return Operation(row, verb, "", Change(body["id"], _values(body, "id", "version"), version))


def _values(body: Mapping[str, Any], *others: str) -> dict[str, Any]:
    """Return the values of an operation: under `values`, or beside its other words."""
    values = body.get("values")
    return (
        dict(values) if isinstance(values, Mapping) else {key: each for key, each in body.items() if key not in others}
    )


def carry_out(unit: Unit, shape: Shape, operations: Sequence[Operation], *, atomic: bool) -> list[Result]:
    """Carry out operations in their order and return one result for each.

    Raises:
        GuanxiError: `atomic`, and one of them cannot be carried out; `RecordInvalid` has the place of each problem.
    """
    results: dict[int, Result] = {}
    for group in _groups(operations):
        if atomic:
            results |= _together(unit, shape, group)
        else:
            results |= _apart(unit, shape, group)
    if atomic:
        _refuse(results)
    return [results[operation.row] for operation in operations]


def _groups(operations: Sequence[Operation]) -> Iterator[list[Operation]]:
    """Yield neighbours that go through the steps together; a record that comes again is a neighbour of nobody."""
    for (_, how), group in groupby(operations, key=lambda each: (each.verb, each.how)):
        size = 1 if how == "ids" else CHUNK
        members: list[Operation] = []
        seen: set[str] = set()
        for operation in group:
            id_ = operation.given.id if isinstance(operation.given, Change) else ""
            if len(members) >= size or id_ in seen:
                yield members
                members, seen = [], set()
            members.append(operation)
            if id_:
                seen.add(id_)
        yield members


def _refuse(results: Mapping[int, Result]) -> None:
    problems: list[FieldProblem] = []
    for row, result in sorted(results.items()):
        if isinstance(result.error, RecordInvalid):
            problems += [replace(problem, row=row) for problem in result.error.problems]
        elif result.error is not None:
            result.error.row = row
            raise result.error
    if problems:
        raise RecordInvalid(problems)


def _apart(unit: Unit, shape: Shape, group: Sequence[Operation], *, again: bool = False) -> dict[int, Result]:
    """Carry out a group in a savepoint; when it fails as a whole, each operation in its own."""
    try:
        with unit.savepoint():
            return _together(unit, shape, group)
    except (GuanxiError, IntegrityError) as error:
        # A race for a unique value is tried once more, for now the winner can be named.
        if len(group) == 1 and (again or not isinstance(error, IntegrityError)):
            return {group[0].row: Result(error=explained(error))}
        again = len(group) == 1
    results: dict[int, Result] = {}
    for operation in group:
        results |= _apart(unit, shape, [operation], again=again)
    return results


def _together(unit: Unit, shape: Shape, group: Sequence[Operation]) -> dict[int, Result]:
    verb, how, given = group[0].verb, group[0].how, [operation.given for operation in group]
    if how == "ids":
        return {group[0].row: _many(unit, shape, verb, given[0])}
    batches = _CHUNKS[verb](unit, shape, given, how)
    found: dict[int, Written | GuanxiError] = {}
    for batch in batches:
        found |= answers(unit, shape, batch)
    return {
        operation.row: Result(written=each) if isinstance(each, Written) else Result(error=_at(each))
        for place, operation in enumerate(group)
        for each in (found[place],)
    }


def _at(error: GuanxiError) -> GuanxiError:
    """Return the error of one operation: the place in the chunk says nothing outside of it."""
    if isinstance(error, RecordInvalid):
        return RecordInvalid(replace(problem, row=0) for problem in error.problems)
    return error


def _many(unit: Unit, shape: Shape, verb: str, given: Any) -> Result:
    """Carry out one operation on several ids, all or none."""
    if verb == "update":
        done: BulkResult = update_where(unit, shape, given)
        return Result(count=done.count)
    take = trash.delete if verb == "delete" else restoring.restore
    count = 0
    for start in range(0, len(given), CHUNK):
        found = answers(unit, shape, take(unit, shape, given[start : start + CHUNK], start))
        for each in found.values():
            if isinstance(each, GuanxiError):
                raise each
            count += 1
    return Result(count=count)


def _versions(given: Sequence[Change]) -> tuple[list[str], int, dict[str, int]]:
    """Return (ids, place of the first, versions that were read) of records that are to go or to come back."""
    return [each.id for each in given], 0, {each.id: each.version for each in given if each.version is not None}


_CHUNKS: Mapping[str, Callable[[Unit, Shape, Sequence[Any], str], list[Batch]]] = {
    "create": lambda unit, shape, given, how: [pipeline.create(unit, shape, given, 0)],
    "update": lambda unit, shape, given, how: [pipeline.update(unit, shape, given, 0)],
    "upsert": lambda unit, shape, given, how: upsert(unit, shape, given, 0, how),
    "delete": lambda unit, shape, given, how: [trash.delete(unit, shape, *_versions(given))],
    "restore": lambda unit, shape, given, how: [restoring.restore(unit, shape, *_versions(given))],
    "transition": lambda unit, shape, given, how: [transition(unit, shape, given, 0, how)],
}


def result_to_json(shape: Shape, result: Result) -> dict[str, Any]:
    """Return a result as JSON values, for the answer that is kept under an idempotency key."""
    if result.written is not None:
        return {"written": written_to_json(shape, result.written)}
    if result.error is None:
        return {"count": result.count}
    if isinstance(result.error, VersionConflict):
        return {"conflict": [result.error.entity, result.error.record_id, result.error.version]}
    problems = result.error.problems if isinstance(result.error, RecordInvalid) else ()
    kind = type(result.error).__name__
    return {
        "error": kind if kind in _ERRORS else "RecordInvalid",
        "message": str(result.error.message),
        "problems": [[each.path, str(each.message), each.code] for each in problems],
    }


def result_from_json(shape: Shape, answer: Mapping[str, Any]) -> Result:
    """Return the result that `result_to_json` wrote; messages come back in English."""
    if "written" in answer:
        return Result(written=written_from_json(shape, answer["written"]))
    if "conflict" in answer:
        entity, id_, version = answer["conflict"]
        return Result(error=VersionConflict(entity, id_, version, {}))
    if "error" not in answer:
        return Result(count=answer["count"])
    words = Message("{text}", text=answer["message"])
    if answer["error"] != "RecordInvalid":
        return Result(error=_ERRORS[answer["error"]](words))
    problems = [FieldProblem(path, Message("{text}", text=text), code) for path, text, code in answer["problems"]]
    return Result(error=RecordInvalid(problems or [FieldProblem("", words)]))


_ERRORS: Mapping[str, type[GuanxiError]] = {"NotFound": NotFound, "AccessDenied": AccessDenied}
