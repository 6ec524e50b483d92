"""REST over every entity: list, create, read, update, delete, restore, transitions, bulk, query, history.

Nothing here knows an entity: rights, checks and shapes come from the same `Reader` and `Records` as on every screen.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import orjson
from flask import Blueprint, Response, request

from engine import (
    Change,
    FieldProblem,
    GuanxiError,
    Message,
    NotFound,
    Query,
    Reader,
    RecordInvalid,
    Result,
    VersionConflict,
)
from ui.api.problems import BadRequest, StaleEtag, described, not_json
from ui.asking import principal, program_language, reading, site
from ui.sizes import DEEPEST, is_too_deep

MOST_OPERATIONS = 1_000
"""Records of one bulk call; more are an import."""

_PARAMETERS = frozenset(
    {"filter", "fields", "order", "limit", "cursor", "q", "group", "aggregate", "having", "trashed", "ids", "count"}
)
"""What a list can be asked for."""

routes = Blueprint("records", __name__)


def answer(body: Any, status: int = 200) -> Response:
    """Return JSON."""
    return Response(orjson.dumps(body), status, mimetype="application/json")


def given() -> dict[str, Any]:
    """Return the JSON object in the body.

    Raises:
        BadRequest: there is none.
    """
    try:
        body = orjson.loads(request.get_data(cache=False))
    except orjson.JSONDecodeError as error:
        raise BadRequest(Message("The body is not JSON: {reason}", reason=str(error))) from None
    if not isinstance(body, dict):
        raise not_json()
    if is_too_deep(body):
        raise BadRequest(Message("The body has more than {most} levels within each other", most=DEEPEST))
    return body


def shown(reader: Reader, entity: str, record_id: str, fields: tuple[str, ...] = ()) -> Response:
    """Return one record with its version as the ETag."""
    record = reader.record(entity, record_id, fields).json()
    response = answer(record)
    response.headers["ETag"] = f'"{record["version"]}"'
    return response


@routes.get("/<entity>")
def listing(entity: str) -> Response:
    """Return one page of records, or of groups when numbers are asked for."""
    _refuse_unknown(request.args)
    query = Query.from_params(entity, request.args)
    with reading() as reader:
        query = replace(query, select=_selected(reader, entity, query.select))
        if query.aggregates or query.group_by:
            return answer({"data": reader.aggregate(query).json(), "next": None})
        page = reader.query(query)
        body: dict[str, Any] = {"data": page.json(), "next": page.next_cursor}
        if request.args.get("count") == "capped":
            body["count"] = str(reader.count(query))
    return answer(body)


def _refuse_unknown(params: Mapping[str, str]) -> None:
    """Refuse a parameter that is none: a misspelt filter would answer with every record."""
    for name in params.keys() - _PARAMETERS:
        raise BadRequest(
            Message("A list has no parameter {name}; it has {known}", name=name, known=", ".join(sorted(_PARAMETERS)))
        )
    if params.get("count") not in {None, "", "capped"}:
        raise BadRequest(Message("count may be capped"))


def _selected(reader: Reader, entity: str, asked: tuple[str, ...]) -> tuple[str, ...]:
    """Return the paths of a list: the id and what was asked for, else every field that a row of a table can hold."""
    if asked:
        return asked if "id" in asked else ("id", *asked)
    known = reader.model.entity(entity).fields
    return tuple(key for key in reader.columns(entity) if known[key].type.links not in {"many", "children"})


@routes.post("/<entity>")
def create(entity: str) -> Response:
    """Create one record."""
    key = request.headers.get("Idempotency-Key")
    [written] = site().records.create(principal(), entity, [given()], key=key, via="api")
    response = _after(entity, written.id, written.version, 201)
    response.headers["Location"] = f"/api/v1/{entity}/{written.id}"
    return response


def _after(entity: str, record_id: str, version: int, status: int = 200) -> Response:
    """Return a record as it stands after a write; only its id and version to who may write but not read it."""
    try:
        with reading() as reader:
            response = shown(reader, entity, record_id)
    except NotFound:
        response = answer({"id": record_id, "version": version})
    response.status_code = status
    return response


@routes.get("/<entity>/<uuid:record_id>")
def read(entity: str, record_id: Any) -> Response:
    """Return one record."""
    fields = tuple(name.strip() for name in request.args.get("fields", "").split(",") if name.strip())
    with reading() as reader:
        response = shown(reader, entity, str(record_id), fields)
    if request.headers.get("If-None-Match") == response.headers["ETag"]:
        return Response(status=304, headers={"ETag": response.headers["ETag"]})
    return response


@routes.patch("/<entity>/<uuid:record_id>")
def update(entity: str, record_id: Any) -> Response:
    """Change the given fields of one record."""
    values = given()
    seen, strict = values.pop("version", None), False
    if "If-Match" in request.headers:
        seen, strict = _version(request.headers["If-Match"]), True
    elif seen is not None and not isinstance(seen, int):
        raise BadRequest(Message("version is a whole number"))
    change = Change(str(record_id), values, seen)
    try:
        [written] = site().records.update(principal(), entity, [change], via="api", strict=strict)
    except VersionConflict as conflict:
        if not strict:
            raise
        raise StaleEtag(conflict.message) from conflict
    return _after(entity, written.id, written.version)


def _version(etag: str) -> int | None:
    words = etag.strip().removeprefix("W/").strip('"')
    if words == "*":
        return None
    if not words.isdecimal():
        raise StaleEtag(Message("If-Match names no version of this record"))
    return int(words)


@routes.delete("/<entity>/<uuid:record_id>")
def delete(entity: str, record_id: Any) -> Response:
    """Move one record to the recycle bin."""
    site().records.delete(principal(), entity, [str(record_id)], via="api")
    return Response(status=204)


@routes.post("/<entity>/<uuid:record_id>/restore")
def restore(entity: str, record_id: Any) -> Response:
    """Take one record out of the recycle bin."""
    [written] = site().records.restore(principal(), entity, [str(record_id)], via="api")
    return _after(entity, written.id, written.version)


@routes.post("/<entity>/<uuid:record_id>/transition/<name>")
def transition(entity: str, record_id: Any, name: str) -> Response:
    """Move one record to another state."""
    values = given() if request.content_length else {}
    [written] = site().records.transition(principal(), entity, [str(record_id)], name, values, via="api")
    return _after(entity, written.id, written.version)


@routes.post("/<entity>/<uuid:record_id>/reveal/<field>")
def reveal(entity: str, record_id: Any, field: str) -> Response:
    """Return the plain value of a field that the caller sees masked; who asked is noted, with the reason if given."""
    reason = given().get("reason", "") if request.content_length else ""
    if not isinstance(reason, str):
        raise BadRequest(Message("reason is a text"))
    plain = site().records.reveal(principal(), entity, str(record_id), field, reason=reason, via="api")
    known = site().published.model.entity(entity).fields[field]
    value = None if plain is None else known.type.to_json(plain, known.options)
    return answer({"id": str(record_id), "field": field, "value": value})


@routes.get("/<entity>/<uuid:record_id>/history")
def history(entity: str, record_id: Any) -> Response:
    """Return what was changed in one record, the latest first."""
    with reading() as reader:
        page = reader.history(entity, str(record_id), cursor=request.args.get("cursor") or None)
        return answer({"data": [entry.json() for entry in page.entries], "next": page.next_cursor})


@routes.post("/<entity>/query")
def query(entity: str) -> Response:
    """Answer a whole query."""
    wanted = Query.from_json(entity, given())
    with reading() as reader:
        page = reader.aggregate(wanted) if wanted.aggregates or wanted.group_by else reader.query(wanted)
        return answer({"data": page.json(), "next": page.next_cursor})


@routes.post("/<entity>/bulk")
def bulk(entity: str) -> Response:
    """Do many operations in one call, each with a result of its own."""
    body = given()
    operations = body.get("operations")
    if not isinstance(operations, list) or not all(isinstance(each, dict) and len(each) == 1 for each in operations):
        raise BadRequest(Message("operations is a list of objects with one key each: create, update, upsert or delete"))
    touched = sum(len(ids) if isinstance(ids := _ids(each), list) else 1 for each in operations)
    if touched > MOST_OPERATIONS:
        raise BadRequest(Message("One call changes at most {most} records; import more", most=MOST_OPERATIONS))
    try:
        results = site().records.bulk(
            principal(), entity, operations, atomic=bool(body.get("atomic", False)), via="api"
        )
    except RecordInvalid as error:
        raise RecordInvalid(map(_of_operation, error.problems)) from error
    return answer({"data": [_outcome(each) for each in results]})


def _of_operation(problem: FieldProblem) -> FieldProblem:
    """Return a problem with the place of its operation in its path."""
    return replace(problem, path="/".join(filter(None, ("operations", str(problem.row), problem.path))))


def _ids(operation: Mapping[str, Any]) -> Any:
    [inner] = operation.values()
    return inner.get("ids") if isinstance(inner, dict) else None


def _outcome(result: Result) -> dict[str, Any]:
    if result.error is not None:
        return _refused(result.error)
    if result.written is None:
        return {"status": 200, "count": result.count}
    status = 201 if result.written.action == "created" else 200
    return {
        "status": status,
        "id": result.written.id,
        "version": result.written.version,
        "action": result.written.action,
    }


def _refused(error: GuanxiError) -> dict[str, Any]:
    problem, _status = described(error, program_language())
    return problem
