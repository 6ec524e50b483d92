"""The API as a channel of the leak tests where it is more than GET: its description, and the answers to writes.

What is written is what a record holds already, or is refused, so nothing is changed by it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from uuid import uuid4

import orjson
from flask import Flask, g
from werkzeug.datastructures import MultiDict

from engine import Accepted, AccessDenied, Asking, Channel, Message, NotFound, QueryInvalid, Words, register_channel
from ui.app import create_app
from ui.pages.boards.ics import calendar_of

_FEW = 1
_BROKEN = 500
_DESCRIBED = Message("a hidden field does not exist for them")


def register_calls() -> None:
    """Let the leak tests try what programs send."""
    register_channel(Channel("openapi", Message("the description of the API"), _described, once=True, slow=True))
    register_channel(Channel("rest.write", Message("answers to writes over the API"), _written, writes=True, slow=True))
    register_channel(Channel("calendar", Message("calendars of other programs"), _calendar, slow=True))


def _calendar(asking: Asking) -> Iterator[Any]:
    """Read the calendar of each view as an address of the person would give it, by the same function."""
    entity = asking.entity
    views = [view.key for view in asking.reader.model.views.values() if view.entity == entity.key] or [""]
    app = _app(asking)
    for key in asking.dice.sample(views, min(len(views), _FEW)):
        with app.test_request_context("/"):
            g.principal = asking.person
            try:
                text = calendar_of(asking.reader, entity.key, MultiDict({"view": key} if key else {}), entity.key)
            except (NotFound, AccessDenied, QueryInvalid):
                continue
        yield Words(text, "calendar", entity.key, frozenset())


def _described(asking: Asking) -> Iterator[Any]:
    """Read the description as the person, and look for fields in it that are hidden from them."""
    answer = _call(asking, "GET", "/openapi.json")
    try:
        schemas = orjson.loads(answer)["components"]["schemas"]
    except (ValueError, KeyError) as error:
        yield Words(answer, "openapi", error=f"no description: {error!r}")
        return
    oracle = asking.oracle
    for entity in asking.reader.model.entities.values():
        for name, schema in schemas.items():
            if name.partition(".")[0] != entity.key:
                continue
            for key in schema.get("properties", {}):
                hidden = key in entity.fields and oracle.mask(entity.key, key) == "hidden"
                if hidden and not oracle.writes(entity.key, key):
                    yield Accepted(entity.key, None, key, f"schema {name}", _DESCRIBED)


def _written(asking: Asking) -> Iterator[Any]:
    entity, oracle = asking.entity, asking.oracle
    writable = [
        key for key, field in entity.fields.items()
        if field.writable and oracle.writes(entity.key, key) and not field.type.links and not field.choices
    ]  # fmt: skip
    for row in asking.some(_FEW):
        place = f"/{entity.key}/{row['id']}"
        said = [str(row["id"])]
        key = asking.dice.choice(writable) if writable else entity.title
        # A record answers with all that may be seen of it, also where nothing was changed.
        same: dict[str, Any] = {}
        if oracle.mask(entity.key, key) == "read" and key in row:
            field = entity.fields[key]
            same = {key: None if row[key] is None else field.type.to_json(row[key], field.options)}
        yield _said(asking, "PATCH", place, same, said)
        yield _said(asking, "PATCH", place, {"version": 0, key: None}, said, {"If-Match": '"0"'})
        closed = [each for each in entity.fields if not oracle.writes(entity.key, each)]
        for other in asking.dice.sample(closed, min(len(closed), _FEW)):
            yield _said(asking, "PATCH", place, {other: {"no": "such value"}}, said)
        if entity.states is not None:
            yield _said(asking, "POST", f"{place}/transition/no_such_move", {}, said)
        never = str(uuid4())
        operations = [{"update": {"id": row["id"], "values": same}}, {"update": {"id": never, "values": {}}}]
        yield _said(asking, "POST", f"/{entity.key}/bulk", {"atomic": True, "operations": operations}, [*said, never])
        yield _said(asking, "POST", f"/{entity.key}?on=id", {"id": row["id"], "no_such_field": 1}, said)
    yield _said(asking, "POST", f"/{entity.key}/query", {"where": f"{entity.title} is not None", "limit": 50}, [])


def _said(
    asking: Asking, method: str, address: str, body: Any, said: list[str], headers: Mapping[str, str] | None = None
) -> Words:
    answer = _call(asking, method, address, body, headers)
    return Words(answer, f"{method} {address.rpartition('/')[2][:20]}", asking.entity.key, frozenset(said))


def _call(
    asking: Asking, method: str, address: str, body: Any = None, headers: Mapping[str, str] | None = None
) -> bytes:
    """Call the API as the person, without a sign-in that would have to be written down."""
    app = _app(asking)
    with app.app_context():
        g.principal = asking.person
        sent = {"Accept-Language": "en", "Origin": "http://localhost", **(headers or {})}
        response = app.test_client().open(f"/api/v1{address}", method=method, json=body, headers=sent, buffered=True)
        data = response.get_data()
        response.close()
    if response.status_code >= _BROKEN:
        raise AssertionError(f"{response.status_code} {method} {address}")
    return data


def _app(asking: Asking) -> Flask:
    """Return the application of the site, made once for a scan."""
    app: Flask | None = asking.notes.get("app")
    if app is None:
        app = asking.notes["app"] = create_app(asking.site)
        app.testing = False
    return app
