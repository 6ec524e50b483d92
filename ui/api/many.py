"""Many records in one call: operations together or each for itself, with a result each in its place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from flask import Blueprint, Response, request

from engine import FieldProblem, Message, RecordInvalid, Result, value_paths
from ui.api.body import answer, given, parameters, require_only
from ui.api.deprecation import named
from ui.api.merging import minded
from ui.api.problems import BadRequest, described
from ui.asking import principal, program_language, reading, site

_DONE, _PARTLY = 200, 207
"""The second is Multi-Status (RFC 4918): some operations were refused, each in its place."""

routes = Blueprint("many", __name__)


@routes.post("/<entity>/bulk")
def bulk(entity: str) -> Response:
    """Do many operations in one call, each with a result of its own."""
    asked = parameters("force")
    who, body = principal(), given()
    require_only(body, "atomic", "operations")
    operations, atomic = body.get("operations"), body.get("atomic", False)
    if not isinstance(operations, list) or not all(isinstance(each, dict) and len(each) == 1 for each in operations):
        raise BadRequest(
            Message(
                "operations is a list of objects with one key each: create, update, upsert, delete, restore, transition"
            )
        )
    if not isinstance(atomic, bool):
        raise BadRequest(Message("atomic is true or false"))
    most = site().config.limits.rows_per_write
    if sum(map(_records, operations)) > most:
        raise BadRequest(Message("One call changes at most {most} records; import more", most=most))
    key = request.headers.get("Idempotency-Key")
    try:
        with minded(asked):
            results = site().records.bulk(who, entity, operations, atomic=atomic, exact=True, key=key, via="api")
    except RecordInvalid as error:
        raise RecordInvalid(map(_of_operation, error.problems)) from error
    with reading() as reader:
        named(reader, entity, _named(operations))
    status = _DONE if all(each.ok for each in results) else _PARTLY
    return answer({"data": [_outcome(each) for each in results]}, status)


def _named(operations: list[dict[str, Any]]) -> Iterator[str]:
    """Yield the paths of the values in some operations."""
    for operation in operations:
        for inner in operation.values():
            if isinstance(inner, dict):
                values = inner.get("values") if "values" in inner else inner
                yield from value_paths(values) if isinstance(values, dict) else ()


def _of_operation(problem: FieldProblem) -> FieldProblem:
    """Return a problem with the place of its operation in its path."""
    return replace(problem, path="/".join(filter(None, ("operations", str(problem.row), problem.path))))


def _records(operation: Mapping[str, Any]) -> int:
    """Return how many records an operation is about."""
    [inner] = operation.values()
    ids = inner.get("ids") if isinstance(inner, dict) else None
    return len(ids) if isinstance(ids, list) else 1


def _outcome(result: Result) -> dict[str, Any]:
    if result.error is not None:
        problem, _status = described(result.error, program_language())
        return problem
    if result.written is None:
        return {"status": 200, "count": result.count}
    status = 201 if result.written.action == "created" else 200
    return {
        "status": status,
        "id": result.written.id,
        "version": result.written.version,
        "action": result.written.action,
    }
