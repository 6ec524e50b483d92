"""What every document has: parameters, headers, refusals.

What is made once here stands in many places of a document, so nobody changes it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache

from engine import Message
from ui.api.openapi.shapes import Most, Schema, ref

PROBLEM = "application/problem+json"
JSON = "application/json"
_ETAG = r'^(\*|[0-9]+|(W/)?"[^"]*")$'
_UUID: Schema = {"type": "string", "format": "uuid"}
_TEXT: Schema = {"type": "string"}

REFUSALS: Mapping[int, tuple[str, Message]] = {
    400: ("unreadable", Message("The request, its filter or its cursor cannot be read.")),
    401: ("signed_out", Message("No valid token, and no sign-in of this origin.")),
    403: ("denied", Message("Your rights, or the scopes of the token, do not reach as far.")),
    404: ("missing", Message("There is no such record, or you may not know of it.")),
    405: ("method", Message("This address does not take this method; `Allow` names those that it takes.")),
    406: ("form", Message("The answer has no form that `Accept` names.")),
    409: (
        "conflict",
        Message(
            "Somebody else changed the same fields, or it looks like a record that is there already: `errors`,"
            " `duplicates`."
        ),
    ),
    410: ("merged", Message("The record was merged into another one; `merged_into` names it.")),
    412: ("stale", Message("The record is no longer the version that `If-Match` names.")),
    413: ("large", Message("What was sent is too large, or there is no room left.")),
    415: ("media_type", Message("The body is of a kind that is not read here.")),
    416: ("range", Message("The file has no such part.")),
    422: ("invalid", Message("Values are wrong; `errors` names each with its path.")),
    429: ("too_often", Message("Too many requests; `Retry-After` says in how many seconds to come again.")),
    503: (
        "busy",
        Message("The site is being published, or its database is busy; `Retry-After` says when to come again."),
    ),
}
ALWAYS = (400, 401, 403, 406, 429, 503)
"""Refusals that every operation may answer with; 405 is no operation's."""

_HEADERS: Mapping[str, tuple[Schema, Message]] = {
    "ETag": (_TEXT, Message("The version of what is answered; send it back as `If-Match` or `If-None-Match`.")),
    "Location": ({"type": "string", "format": "uri-reference"}, Message("Where the new record is.")),
    "X-Request-Id": (_TEXT, Message("The number of the request, as it stands in the log of the site.")),
    "RateLimit": (_TEXT, Message("What is left of the rate, and until when.")),
    "RateLimit-Policy": (_TEXT, Message("How many requests there may be in which time.")),
    "Content-Disposition": (_TEXT, Message("The name of the file.")),
    "Preference-Applied": (_TEXT, Message("What of `Prefer` was followed.")),
    "Retry-After": (_TEXT, Message("Seconds after which the request may be made again.")),
    "WWW-Authenticate": (_TEXT, Message("How to show who asks.")),
}

_FILTER = Message(
    "A condition over the fields of {plural}, such as `{example}`: comparisons, `and`, `or`, `not`, `in`, paths along"
    " links, functions such as `contains(name, 'x')`."
)
_PARAMETERS: Mapping[str, tuple[Schema, Message]] = {
    "q": (_TEXT, Message("Words that full-text search finds, also Chinese ones and initials in pinyin.")),
    "cursor": (_TEXT, Message("`next` of the page before, with the same other parameters.")),
    "limit": ({"type": "integer", "minimum": 1}, Message("How many records a page has.")),
    "trashed": ({"type": "boolean", "default": False}, Message("The recycle bin alone.")),
    "ids": (
        {"type": "array", "items": _UUID, "minItems": 1, "maxItems": 1_000},
        Message("These records alone, by id."),
    ),
    "force": (
        {"type": "boolean", "default": False},
        Message("Write it although it looks like a record that is there already: 409 says which otherwise."),
    ),
    "titles": ({"type": "boolean", "default": False}, Message("Answer the titles of what links lead to, too.")),
    "count": (
        {"type": "string", "enum": ["capped"]},
        Message("Count the records too, up to 1,000; more are `1000+`."),
    ),
}
_SENT_HEADERS: Mapping[str, tuple[Schema, Message]] = {
    "If-Match": (
        {"type": "string", "pattern": _ETAG},
        Message("The ETag that was read: 412 when somebody changed the record since."),
    ),
    "If-None-Match": (
        _TEXT,
        Message("The ETag that is known: 304 when nothing changed."),
    ),
    "Idempotency-Key": (
        {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[ -~]*$"},
        Message("A text of your own: the same request with the same key within a day is carried out once."),
    ),
    "Prefer": (
        {"type": "string", "examples": ["return=minimal"]},
        Message("`return=minimal`: no record comes back."),
    ),
}

Say = Callable[..., str]


def parameters(say: Say, most: Most) -> dict[str, Schema]:
    """Return the parameters that operations name."""
    made: dict[str, Schema] = {}
    for name, (schema, words) in _PARAMETERS.items():
        made[name] = {"name": name, "in": "query", "schema": schema, "description": say(words)}
    made["ids"] |= {"style": "form", "explode": False}
    made["limit"]["schema"] = {"type": "integer", "minimum": 1, "maximum": most.page, "default": min(50, most.page)}
    for name, (schema, words) in _SENT_HEADERS.items():
        made[name] = {"name": name, "in": "header", "schema": schema, "description": say(words)}
    made["id"] = {"name": "id", "in": "path", "required": True, "schema": _UUID}
    return made


@cache
def parameter(name: str) -> Schema:
    """Return a reference to one of them."""
    return {"$ref": f"#/components/parameters/{name}"}


def filter_words(say: Say, plural: str, example: str) -> str:
    """Return what is said of the filter of an entity."""
    return say(_FILTER, plural=plural, example=example)


def headers(say: Say) -> dict[str, Schema]:
    """Return the headers of answers."""
    return {name: {"schema": schema, "description": say(words)} for name, (schema, words) in _HEADERS.items()}


@cache
def header(*names: str) -> dict[str, Schema]:
    """Return references to headers that an answer has, those of every answer among them."""
    always = ("X-Request-Id", "RateLimit", "RateLimit-Policy")
    return {name: {"$ref": f"#/components/headers/{name}"} for name in (*names, *always)}


def refusals(say: Say) -> dict[str, Schema]:
    """Return the answers that refuse."""
    extra = {401: ("WWW-Authenticate",), 429: ("Retry-After",), 503: ("Retry-After",)}
    return {
        name: {
            "description": say(words),
            "headers": header(*extra.get(status, ())),
            "content": {PROBLEM: {"schema": ref("guanxi.problem")}},
        }
        for status, (name, words) in REFUSALS.items()
    }


@cache
def refused(*statuses: int) -> dict[str, Schema]:
    """Return references to refusals: those of every operation, and these."""
    return {
        str(status): {"$ref": f"#/components/responses/{REFUSALS[status][0]}"}
        for status in sorted({*ALWAYS, *statuses})
    }


def answered(words: str, schema: Schema, *names: str) -> Schema:
    """Return an answer with JSON in it."""
    return {"description": words, "headers": header(*names), "content": {JSON: {"schema": schema}}}


def body(schema: Schema, *, required: bool = True) -> Schema:
    """Return a body of JSON."""
    return {"required": required, "content": {JSON: {"schema": schema}}}
