"""Duplicates for programs: what looks like a record, merging, and where a record has gone that was merged away."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flask import Blueprint, Response

from engine import Message, Reader, is_id, minding_duplicates
from ui.api.body import answer, given, parameters, require_only
from ui.api.problems import BadRequest, MergedAway
from ui.asking import principal, program_language, reading, require_credentials, site

_FLAGS = {"true": True, "false": False}

routes = Blueprint("merging", __name__)


@contextmanager
def minded(asked: dict[str, str]) -> Iterator[None]:
    """Let records that are written inside be compared with those that are there, unless `force` says to write them."""
    force = asked.get("force", "false")
    if force not in _FLAGS:
        raise BadRequest(Message("force is true or false"))
    with minding_duplicates("api", force=_FLAGS[force]):
        yield


def require_unmerged(reader: Reader, entity: str, record_id: str) -> None:
    """Refuse a record that was merged into one that the caller may read.

    Raises:
        MergedAway: so it is.
    """
    if entity in reader.model.entities:
        survivor = site().duplicates.merges.gone_to(site().duplicates.unit(reader), entity, record_id)
        if survivor is not None:
            raise MergedAway(survivor)


@routes.get("/<entity>/<uuid:record_id>/duplicates")
def duplicates(entity: str, record_id: Any) -> Response:
    """Return what looks like a record, as far as the caller may know."""
    parameters()
    with reading() as reader:
        reader.record(entity, str(record_id), ("id",))
        found = site().duplicates.like(reader, entity, str(record_id))
        return answer({"data": [twin.json(program_language()) for twin in found]})


@routes.post("/<entity>/<uuid:record_id>/merge")
def merge(entity: str, record_id: Any) -> Response:
    """Merge others into a record."""
    require_credentials()
    parameters()
    body = given()
    require_only(body, "records", "values", "versions")
    losers, values, versions = body.get("records"), body.get("values", {}), body.get("versions", {})
    if not isinstance(losers, list) or not losers or not all(isinstance(each, str) and is_id(each) for each in losers):
        raise BadRequest(Message("records is a list of ids"))
    if not isinstance(values, dict) or not all(isinstance(each, str) for each in values.values()):
        raise BadRequest(Message("values says by field the id of the record whose value is taken, or all"))
    if not isinstance(versions, dict) or not all(type(each) is int for each in versions.values()):
        raise BadRequest(Message("versions says by id a whole number"))
    done = site().duplicates.merges.merge(
        principal(), entity, str(record_id), losers, values, versions=versions, via="api"
    )
    return answer(
        {
            "id": done.survivor,
            "version": done.version,
            "merged": list(done.losers),
            "moved": dict(done.moved),
            "change_set": done.change_set,
        }
    )
