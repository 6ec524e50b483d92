"""People and teams that a comment names with an @: who is offered, whom a name means, and who may see the record."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from flask import Blueprint, render_template, request

from engine import Call, GuanxiError, Literal, Message, Order, Path, Query, Reader
from ui.asking import reading, site
from ui.pages.listing import entity_of
from ui.pages.principals import matching

KINDS = ("user", "team")
_OFFERED = 24
_SHOWN = 8
_LONGEST_NAME = 120
_MOST = 20
"""Names that one comment may hold."""
_CANDIDATES = 100
_AT = re.compile(r"(?<![\w@./])@(?=\S)")

routes = Blueprint("mentions", __name__)


@dataclass(slots=True)
class Mentioned:
    """Whom a comment names."""

    keys: list[str] = field(default_factory=list)
    """user/<id>, team/<id>."""
    blind: list[tuple[str, str]] = field(default_factory=list)
    """(id, name) of people who may not see the record."""
    problems: list[Message] = field(default_factory=list)


@routes.get("/lookup/mentions/<entity>/<uuid:record_id>")
def offered(entity: str, record_id: Any) -> str:
    """Return people who may see a record, and teams, whose names hold what was typed."""
    id_ = str(record_id)
    with reading() as reader:
        shown = entity_of(reader, entity)
        reader.record(entity, id_, (shown.title,))
        found = matching(reader, request.args.get("q", "").strip(), KINDS)[:_OFFERED]
        seeing = _seeing(reader, entity, id_, [key[5:] for key, _name in found if key.startswith("user/")])
        fit = [(key, name) for key, name in found if key.startswith("team/") or key[5:] in seeing]
        labels = {each: reader.model.entities[each].label for each in KINDS if each in reader.model.entities}
    told = dict.fromkeys((key for key, _name in fit), "")
    return render_template("_choices.html", options=fit[:_SHOWN], labels=labels, told=told, recent=0, fresh=())


def mentioned(reader: Reader, entity: str, record_id: str, body: str, chosen: Sequence[str]) -> Mentioned:
    """Return whom a comment names: those who were chosen and still stand in it, and whoever is called so."""
    found = Mentioned()
    names = _names(reader, chosen)
    starts = [each.end() for each in _AT.finditer(body)][:_MOST]
    for start in starts:
        rest = body[start : start + _LONGEST_NAME]
        picked = [key for key, name in names.items() if name and rest.casefold().startswith(name.casefold())]
        if picked:
            found.keys.append(max(picked, key=lambda key: len(names[key])))
            continue
        called = _called(reader, rest)
        if len(called) == 1:
            found.keys.append(called[0][0])
        elif called:
            found.problems.append(Message("Several are called {name}; choose one from the list", name=called[0][1]))
    found.keys = list(dict.fromkeys(found.keys))
    people = [key[5:] for key in found.keys if key.startswith("user/")]
    seeing = _seeing(reader, entity, record_id, people)
    titles = reader.titles("user", people)
    found.blind = [(each, titles.get(each, "…")) for each in people if each not in seeing]
    return found


def names_by_key(reader: Reader, keys: Iterable[str]) -> dict[str, str]:
    """Return the names of people and teams by user/<id> and team/<id>."""
    return _names(reader, list(keys))


def _names(reader: Reader, keys: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for kind in KINDS:
        ids = [key.partition("/")[2] for key in keys if key.startswith(f"{kind}/")]
        if ids and kind in reader.model.entities:
            found |= {f"{kind}/{id_}": title for id_, title in reader.titles(kind, ids).items()}
    return found


def _called(reader: Reader, rest: str) -> list[tuple[str, str]]:
    """Return (key, name) of those whose name is the longest with which some text begins."""
    found: list[tuple[str, str]] = []
    for kind in KINDS:
        known = reader.model.entities.get(kind)
        if known is None or not reader.access.may(kind, "read") or not rest[:1].strip():
            continue
        if reader.access.mask(kind).get(known.title) not in {"read", "write"}:
            continue
        title = Path((known.title,))
        where = Call("starts_with", (Call("lower", (title,)), Literal(rest[:2].strip().lower())))
        query = Query(
            kind, select=("id", known.title), where=where, order_by=(Order((known.title,)),), limit=_CANDIDATES
        )
        for row in reader.query(query).dicts():
            name = str(row[known.title] or "")
            if name and rest.casefold().startswith(name.casefold()) and not rest[len(name) : len(name) + 1].isalnum():
                found.append((f"{kind}/{row['id']}", name))
            elif name and rest.startswith(name) and not name.isascii():
                found.append((f"{kind}/{row['id']}", name))  # words follow without a blank
    longest = max((len(name) for _key, name in found), default=0)
    return [each for each in found if len(each[1]) == longest]


def _seeing(reader: Reader, entity: str, record_id: str, people: Sequence[str]) -> frozenset[str]:
    """Return those of some people who may see a record."""
    known, found = site(), set()
    for each in people:
        try:
            who = known.identity.principal_within(reader.connection, each)
        except GuanxiError:
            continue
        theirs = known.reader_within(reader.connection, who, metered=False)
        if record_id in theirs.readable(entity, (record_id,)):
            found.add(each)
    return frozenset(found)
