"""REST over every record: create, read, update, upsert, delete, restore, transitions, reveal, history.

Nothing here knows an entity: rights, checks and shapes come from the same `Reader` and `Records` as on every screen.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from flask import Blueprint, Response, request

from engine import Change, Message, NotFound, Principal, Reader, VersionConflict, Written, value_paths
from ui.api.body import answer, given, given_if_any, minimal, parameters
from ui.api.deprecation import named
from ui.api.etags import etag, expected_version, is_known, not_modified
from ui.api.merging import minded, require_unmerged
from ui.api.problems import BadRequest, StaleEtag
from ui.api.titles import titles, wanted
from ui.asking import principal, reading, require_credentials, site, writing

MOST_VERSIONS = 200
"""Entries of one page of history."""
_LONGEST_NUMBER = 3

routes = Blueprint("records", __name__)


def shown(
    reader: Reader, entity: str, record_id: str, fields: tuple[str, ...] = (), *, titled: bool = False
) -> Response:
    """Return one record with its ETag; 304 to a GET of who has it already."""
    named(reader, entity, fields)
    row = reader.record(entity, record_id, fields)
    record = row.json()
    tag = etag(reader, entity, record, row.version)
    if request.method in {"GET", "HEAD"} and is_known(tag):
        return not_modified(tag)
    if titled:
        record["_titles"] = titles(reader, entity, [record])
    response = answer(record)
    response.headers["ETag"] = tag
    return response


@routes.post("/<entity>")
def create(entity: str) -> Response:
    """Create one record; with `on`, change the one that has the same value there instead."""
    require_credentials()
    asked = parameters("on", "force")
    on, values, key = asked.get("on"), given(), _key()

    def work(who: Principal, connection: Any) -> Response:
        records = site().records
        if on:
            [written] = records.upsert(
                who, entity, [values], on=on, exact=True, key=key, via="api", connection=connection
            )
        else:
            [written] = records.create(who, entity, [values], exact=True, key=key, via="api", connection=connection)
        response = _after(who, connection, entity, written, 201 if written.action == "created" else 200, values)
        response.headers["Location"] = f"/api/v1/{entity}/{written.id}"
        return response

    with minded(asked):
        return writing(work)


def _key() -> str | None:
    return request.headers.get("Idempotency-Key")


def _after(
    who: Principal,
    connection: Any,
    entity: str,
    written: Written,
    status: int = 200,
    values: Mapping[str, Any] = MappingProxyType({}),
) -> Response:
    """Return a record as it stands after a write, in the same transaction; only its id to who may not read it.

    `values`: those that were sent.
    """
    reader = site().reader_within(connection, who)
    named(reader, entity, value_paths(values))
    if minimal():
        # Of a new record its id is the least that an answer can say.
        made = {"id": written.id, "version": written.version}
        response = answer(made, status) if status == 201 else _nothing()  # noqa: PLR2004 - Created
        response.headers["ETag"] = f'"{written.version}"'
        response.headers["Preference-Applied"] = "return=minimal"
        return response
    known = reader.as_written(entity, written)
    if known is not None:
        response = answer(known, status)
        response.headers["ETag"] = etag(reader, entity, known, written.version)
        return response
    try:
        response = shown(reader, entity, written.id)
    except NotFound:
        response = answer({"id": written.id, "version": written.version})
    response.status_code = status
    return response


def _nothing() -> Response:
    """Return an answer without a body, and so of no kind."""
    response = Response(status=204)
    del response.headers["Content-Type"]
    return response


@routes.get("/<entity>/<uuid:record_id>")
def read(entity: str, record_id: Any) -> Response:
    """Return one record."""
    asked = parameters("fields", "titles")
    fields = tuple(name.strip() for name in asked.get("fields", "").split(",") if name.strip())
    if fields and "id" not in fields:
        fields = ("id", *fields)
    titled = wanted(asked.get("titles"))
    with reading() as reader:
        try:
            return shown(reader, entity, str(record_id), fields, titled=titled)
        except NotFound:
            require_unmerged(reader, entity, str(record_id))
            raise


@routes.patch("/<entity>/<uuid:record_id>")
def update(entity: str, record_id: Any) -> Response:
    """Change the given fields of one record."""
    require_credentials()
    asked = parameters("force")
    values, key = given(), _key()
    seen, strict = values.pop("version", None), False
    if seen is not None and (not isinstance(seen, int) or isinstance(seen, bool)):
        raise BadRequest(Message("version is a whole number"))
    if "If-Match" in request.headers:
        seen, strict = expected_version(), True
    change = Change(str(record_id), values, seen)

    def work(who: Principal, connection: Any) -> Response:
        [written] = site().records.update(
            who, entity, [change], exact=True, key=key, via="api", strict=strict, connection=connection
        )
        return _after(who, connection, entity, written, values=values)

    with minded(asked):
        return _matched(work, strict=strict)


def _matched(work: Callable[[Principal, Any], Response], *, strict: bool = True) -> Response:
    """Do some work in a transaction; a version that is not the expected one is told as `If-Match` has it."""
    try:
        return writing(work)
    except VersionConflict as conflict:
        if not strict:
            raise
        raise StaleEtag(conflict.message) from conflict


@routes.delete("/<entity>/<uuid:record_id>")
def delete(entity: str, record_id: Any) -> Response:
    """Move one record to the recycle bin."""
    parameters()
    id_, version, key = str(record_id), expected_version(), _key()

    def work(who: Principal, connection: Any) -> Response:
        site().records.delete(who, entity, [id_], version=version, key=key, via="api", connection=connection)
        named(site().reader_within(connection, who), entity)
        return _nothing()

    return _matched(work)


@routes.post("/<entity>/<uuid:record_id>/restore")
def restore(entity: str, record_id: Any) -> Response:
    """Take one record out of the recycle bin."""
    parameters()
    id_, version, key = str(record_id), expected_version(), _key()

    def work(who: Principal, connection: Any) -> Response:
        [written] = site().records.restore(
            who, entity, [id_], version=version, key=key, via="api", connection=connection
        )
        return _after(who, connection, entity, written)

    return _matched(work)


@routes.post("/<entity>/<uuid:record_id>/transition/<name>")
def transition(entity: str, record_id: Any, name: str) -> Response:
    """Move one record to another state."""
    require_credentials()
    parameters()
    id_, values, version, key = str(record_id), given_if_any(), expected_version(), _key()
    strict = "If-Match" in request.headers

    def work(who: Principal, connection: Any) -> Response:
        [written] = site().records.transition(
            who, entity, [id_], name, values,
            version=version, strict=strict, exact=True, key=key, via="api", connection=connection,
        )  # fmt: skip
        return _after(who, connection, entity, written, values=values)

    return _matched(work)


@routes.post("/<entity>/<uuid:record_id>/action/<workflow>")
def action(entity: str, record_id: Any, workflow: str) -> Response:
    """Say that nothing runs yet when a button is pressed, to those who may know the record and the button."""
    parameters()
    with reading() as reader:
        reader.record(entity, str(record_id), ("id",))
        document = reader.model.documents.get(f"workflow/{workflow}", {})
        button = (document.get("on") or {}).get("button")
        if button is None or (button or {}).get("entity") not in {None, entity}:
            raise NotFound(Message("{plural} have no action {name}", plural=reader.model.entity(entity).plural,
                                   name=workflow))  # fmt: skip
    raise NotFound(Message("The action {name} is described, but workflows are not run yet", name=workflow))


@routes.post("/<entity>/<uuid:record_id>/reveal/<field>")
def reveal(entity: str, record_id: Any, field: str) -> Response:
    """Return the plain value of a field that the caller sees masked; who asked is noted, with the reason if given."""
    parameters()
    reason = given_if_any().get("reason", "")
    if not isinstance(reason, str):
        raise BadRequest(Message("reason is a text"))
    plain = site().records.reveal(principal(), entity, str(record_id), field, reason=reason, via="api")
    known = site().published.model.entity(entity).fields[field]
    value = None if plain is None else known.type.to_json(plain, known.options)
    return answer({"id": str(record_id), "field": field, "value": value})


@routes.get("/<entity>/<uuid:record_id>/history")
def history(entity: str, record_id: Any) -> Response:
    """Return what was changed in one record, the latest first."""
    asked = parameters("cursor", "limit")
    limit = _limit(asked.get("limit"))
    with reading() as reader:
        named(reader, entity)
        page = reader.history(entity, str(record_id), cursor=asked.get("cursor") or None, limit=limit)
        return answer({"data": [entry.json() for entry in page.entries], "next": page.next_cursor})


def _limit(text: str | None) -> int:
    if not text:
        return 50
    number = int(text) if text.isascii() and text.isdigit() and len(text) <= _LONGEST_NUMBER else 0
    if not 1 <= number <= MOST_VERSIONS:
        raise BadRequest(Message("limit is a number from 1 to {most}", most=MOST_VERSIONS))
    return number
