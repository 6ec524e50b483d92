"""ETags of records: the version that `If-Match` speaks of, and what `If-None-Match` may take for unchanged.

A version tells everything that was written into a record, but not what is worked out from others, nor what stands at
the end of a path. Where an answer holds such a thing, its ETag carries a short checksum behind the version, so that
"304 Not Modified" is never said of an answer that would look different.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any

import orjson
from flask import Response, request

from engine import Message, Reader, told_by_version
from ui.api.problems import BadRequest, StaleEtag

_TAG = re.compile(r'(W/)?"([^"]*)"')
_VERSION = re.compile(r"(\d{1,9})(-[0-9a-f]+)?")
_DIGEST_BYTES = 6


def etag(reader: Reader, entity: str, record: Mapping[str, Any], version: int) -> str:
    """Return the ETag of a record as it is about to be answered."""
    if told_by_version(reader.model, entity, tuple(record)):
        return f'"{version}"'
    digest = hashlib.blake2b(orjson.dumps(record), digest_size=_DIGEST_BYTES).hexdigest()
    return f'"{version}-{digest}"'


def is_known(tag: str) -> bool:
    """Say whether the caller has the answer already (`If-None-Match`)."""
    asked = request.headers.get("If-None-Match")
    if asked is None:
        return False
    return asked.strip() == "*" or any(f'"{each[1]}"' == tag for each in _TAG.findall(asked))


def not_modified(tag: str) -> Response:
    """Return the answer to who has it already."""
    return Response(status=304, headers={"ETag": tag})


def expected_version() -> int | None:
    """Return the version that the record must still have by `If-Match`; None where any will do.

    Raises:
        BadRequest: the header is no ETag.
        StaleEtag: it is none of ours, so no version of the record has it.
    """
    given = request.headers.get("If-Match")
    if given is None or given.strip() == "*":
        return None
    found = _TAG.fullmatch(given.strip()) or re.fullmatch(r"()(\d+)", given.strip())
    if found is None:
        raise BadRequest(Message("If-Match takes one ETag, as an answer gave it, or *"))
    version = _VERSION.fullmatch(found[2])
    if version is None:
        raise StaleEtag(Message("If-Match names no version of this record"))
    return int(version[1])
