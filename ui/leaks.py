"""The faces as channels of the leak tests: every page and every answer of the API that can be asked for with GET.

The addresses are read from the application itself, so a page that is added tomorrow, or one of a plugin, is tried
without a word here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import quote, urlencode

from flask import Flask, g
from werkzeug.routing import Rule

from engine import ACTIONS, Asking, Channel, Message, Words, register_channel
from ui import leak_reports
from ui.app import create_app
from ui.leak_calls import register_calls
from ui.mcp import leaks as agents
from ui.pages.displays import offered

_API = "/api/"
_WHY = "/why"
_ACCOUNT = "/login/account"
"""A person's own page: who they are and who stands in for whom is theirs to know, whatever a restriction says."""
_KNOWN = {"entity", "record_id", "field", "relation"}
_RECORDS, _FEW, _QUESTIONS = 2, 3, 2
_OFTEN = 2
"""How often other displays of a list are asked for, against its other questions."""
_BROKEN = 500


def register_faces() -> None:
    """Let the leak tests try the pages and the API."""
    register_channel(Channel("rest", Message("the API"), _rest, slow=True))
    register_channel(Channel("screens", Message("pages"), _screens, slow=True))
    register_calls()
    leak_reports.register()
    agents.register()


def _rest(asking: Asking) -> Iterator[Any]:
    yield from _faces(asking, api=True)


def _screens(asking: Asking) -> Iterator[Any]:
    yield from _faces(asking, api=False)


def _faces(asking: Asking, *, api: bool) -> Iterator[Any]:
    app = _app(asking)
    for rule in app.url_map.iter_rules():
        if "GET" not in (rule.methods or ()) or rule.rule.startswith(_API) != api or not rule.arguments <= _KNOWN:
            continue
        if rule.rule == _ACCOUNT or (not asking.whole and not _harmless(rule)):
            continue
        if not rule.arguments and asking.entity.key != "user":
            continue  # once for each person is enough
        for address, said in _addresses(asking, rule):
            yield _page(app, asking, rule, address, said)


def _harmless(rule: Rule) -> bool:
    """Say whether a page may be asked for on a live site: it shows records, and writes nothing down."""
    shows = "entity" in rule.arguments or rule.rule == "/" or rule.rule.startswith(("/search", "/x/"))
    return shows and "export" not in rule.rule


def _app(asking: Asking) -> Flask:
    """Return the application of the site, made once for a scan."""
    app = asking.notes.get("app")
    if app is None:
        app = asking.notes["app"] = create_app(asking.site)
        app.testing = False
    return app


def _page(app: Flask, asking: Asking, rule: Rule, address: str, said: Iterable[str]) -> Words:
    """Ask for an address as the person, without a sign-in that would have to be written down."""
    with app.app_context():
        g.principal = asking.person
        response = app.test_client().get(address, headers={"Accept-Language": "en"}, buffered=True)
        data = response.get_data()
        response.close()
    if response.status_code >= _BROKEN:
        return Words(data, rule.rule, asking.entity.key, frozenset(said), error=f"{response.status_code} {address}")
    return Words(data, rule.rule, asking.entity.key, frozenset(said))


def _addresses(asking: Asking, rule: Rule) -> Iterator[tuple[str, list[str]]]:
    """Yield (address, words that the person says in it)."""
    for values in _values(asking, rule.arguments):
        address = rule.rule
        for name, value in values.items():
            address = re.sub(rf"<(?:[a-z]+:)?{name}>", quote(value), address)
        yield address, list(values.values())
        if "record_id" not in rule.arguments or rule.rule.endswith(_WHY):
            for question in _questions(asking, rule):
                yield f"{address}?{urlencode(question)}", [*values.values(), *question.values()]


def _values(asking: Asking, names: set[str]) -> Iterator[dict[str, str]]:
    """Yield values for the parts of an address: records in reach and not, fields and relations of every kind."""
    entity = asking.entity
    if not names:
        yield {}
        return
    links = [key for key, field in entity.fields.items() if field.type.links in {"one", "many", "any"}]
    parts = {"field": links, "relation": [*entity.relations, *links]}
    rows: list[dict[str, str]] = [{}]
    if "record_id" in names:
        if "entity" not in names and entity.key != "file":
            return
        rows = [{"record_id": row["id"]} for row in asking.some(_RECORDS)]
    for row in rows:
        base = {**({"entity": entity.key} if "entity" in names else {}), **row}
        wanted = names & parts.keys()
        if not wanted:
            yield base
        for name in wanted:
            for value in asking.dice.sample(parts[name], min(len(parts[name]), _FEW)):
                yield {**base, name: value}


def _questions(asking: Asking, rule: Rule) -> Iterator[dict[str, str]]:
    """Yield what a list or a search can be asked: views, words, orders, filters over fields that are closed."""
    entity, dice = asking.entity, asking.dice
    if rule.rule.endswith(_WHY):
        asked = [{"action": action, "field": key} for action in ("read", "update", "reveal") for key in entity.fields]
        asked += [{"action": action} for action in ACTIONS]
        yield from dice.sample(asked, _FEW)
        return
    found: list[dict[str, str]] = []
    found += [{"view": view.key} for view in asking.reader.model.views.values() if view.entity == entity.key]
    if rule.rule == "/<entity>":
        fitting = offered(asking.reader, entity, asking.reader.model.default_view(entity.key))
        found += [{"as": display.key} for display in fitting] * _OFTEN
    # An export is written down with the words that were searched for, which would then stand in the audit log.
    planted = asking.marks.all() if "export" not in rule.rule else ()
    words = [text for text, mark in planted if mark.entity == entity.key]
    found += [{"q": text} for text in dice.sample(words, min(len(words), _FEW))]
    closed = [key for key in entity.fields if asking.oracle.mask(entity.key, key) != "read"]
    for key in dice.sample(closed, min(len(closed), _FEW)):
        found += [{"order": key}, {"filter": f"{key} is not None"}, {"fields": key}, {"group": key}]
    yield from dice.sample(found, min(len(found), _QUESTIONS))
