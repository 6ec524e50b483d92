"""The leak tests would notice: each rule of the engine is broken in turn, and a channel tells of it."""

import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Text, literal, select, true

from engine import Site
from engine.data import conditions, shared, timeline
from engine.data.access import Access
from engine.data.finding import Everywhere
from engine.data.reading import links
from engine.data.rowset import RowSet
from engine.data.rules import RoleRules
from engine.data.steps import authorise
from engine.leaks import Planted
from tests.conftest import read_tier
from tests.functional.leaks.world import World, world

DOCUMENTS = """
entity: house
plural: houses
title: name
features: [owned, history, search]
fields:
  name: {type: text, required: true, search: high}
  price: {type: money, currency: CNY}
  broker: {type: email, search: normal}
  state: {type: select, options: {free: {}, sold: {}}}
  street: {type: lookup, to: street, on_delete: clear}
  rooms: {type: table, of: room}
  paper: {type: select, default: draft, options: {draft: {}, signed: {}}}
states:
  field: paper
  transitions: {sign: {from: [draft], to: signed, roles: [notary]}}
---
entity: room
parent: house
title: name
fields:
  name: {type: text, required: true}
---
entity: street
plural: streets
title: name
features: [history]
fields:
  name: {type: text, required: true}
  noise: {type: text}
---
role: notary
grants: {house: {read: all, update: all}}
---
role: agent
grants:
  house:
    {read: [own, shared], update: [own], export: "price > 500000000", fields: {price: hidden, broker: masked}}
  street: {read: all, update: "noise == 'never'", import: all, fields: {name: hidden}}
restrict:
  house: {free: "state == 'free' or state is None"}
"""

Patch = Callable[[pytest.MonkeyPatch], None]


def _for_ever(frame: Any, entity: Any, _action: str, **_named: object) -> Any:
    """Return the ids of shared records, whether or not the time of their share is over."""
    table = shared.share.c
    mine = frame.binds.listed("user.sharing")
    return select(table.record_id).where(table.entity == literal(entity.key, Text()), table.principal_id.in_(mine))


MUTATIONS: dict[str, tuple[Patch, str]] = {
    "restrictions are forgotten": (lambda p: p.setattr(conditions, "restrictions", lambda _rule, _place: []), "list"),
    "history shows hidden fields": (lambda p: p.setattr(timeline, "visible", lambda *_: True), "history"),
    "history shows what is masked": (lambda p: p.setattr(timeline, "mark", lambda _field, value: value), "history"),
    "everybody exports what they read": (
        lambda p: p.setattr(RowSet, "abilities", lambda self, _action: [True] * len(self.rows)),
        "export",
    ),
    "search finds what is out of reach": (lambda p: p.setattr(Everywhere, "_in_reach", lambda *_: true()), "search"),
    "masks are forgotten": (
        lambda p: p.setattr(RoleRules, "_make_masks", lambda self, entity: dict.fromkeys(entity.fields, "write")),
        "record",
    ),
    "masked fields are filtered by": (
        lambda p: p.setattr("engine.data.select.refuse_masked", lambda *_: None),
        "probe",
    ),
    "titles are told although they are hidden": (lambda p: p.setattr(links, "reading", lambda *_: "read"), "titles"),
    "anybody writes any field": (lambda p: p.setattr(authorise, "_may_give", lambda _u, e, **_: e.fields), "write"),
    "anybody changes any record": (lambda p: p.setattr(authorise, "out_of_reach", lambda *_: None), "write"),
    "comments are read without their record": (
        lambda p: p.setattr(conditions, "about_in_reach", lambda _place: true()),
        "list",
    ),
    "shares never end": (lambda p: p.setattr(shared, "_given", _for_ever), "list"),
    "files have fields that are hidden": (
        lambda p: p.setattr("engine.data.fields.visible", lambda *_: True),
        "export.shapes",
    ),
    "the feed shows hidden fields": (lambda p: p.setattr(timeline, "visible", lambda *_: True), "feed"),
    "anybody makes any transition": (lambda p: p.setattr(Access, "may_make", lambda *_: True), "transition"),
    "anybody imports over any record": (lambda p: p.setattr(authorise, "out_of_reach", lambda *_: None), "import"),
    "answers to writes know no masks": (
        lambda p: p.setattr(RoleRules, "_make_masks", lambda self, entity: dict.fromkeys(entity.fields, "write")),
        "rest.write",
    ),
    "the API is described as if nothing was hidden": (
        lambda p: p.setattr(RoleRules, "_make_masks", lambda self, entity: dict.fromkeys(entity.fields, "write")),
        "openapi",
    ),
}
EXCHANGED = ("export.shapes", "feed", "transition", "import", "rest.write", "openapi")
NAMES = [
    name
    for place, (name, (_, told)) in enumerate(MUTATIONS.items())
    if place < 4 or told in EXCHANGED or read_tier() == "full"
]


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Planted]:
    """The folder of a site that was filled once, where all people are agents."""
    folder = tmp_path_factory.mktemp("mutations")
    with world(folder, DOCUMENTS, 8, rows=8, people=4, roles=0, held=("agent",)) as made:
        kept = made.planted
    return folder / "site", kept


def _scanned(folder: Path, planted: Planted, tmp_path: Path, *asked: str) -> list[str]:
    # A copy, opened anew: what a Model has compiled is kept as long as the Model.
    shutil.copytree(folder, tmp_path / "site")
    with Site.open(tmp_path / "site") as site:
        about = ("house", "room", "street") if set(asked) <= set(EXCHANGED) else None
        report = World(site, planted, random.Random(1)).scan(asked, about=about)
    return [str(leak.message()) for leak in report.leaks]


def test_the_engine_as_it_is_leaks_nothing(planted: tuple[Path, Planted], tmp_path: Path) -> None:
    channels = sorted({MUTATIONS[name][1] for name in NAMES})
    for part in ([each for each in channels if each not in EXCHANGED], list(EXCHANGED)):
        assert _scanned(*planted, tmp_path / part[0], *part) == []


@pytest.mark.parametrize("name", NAMES)
def test_a_broken_rule_is_noticed(
    name: str, planted: tuple[Path, Planted], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    patch, channel = MUTATIONS[name]
    patch(monkeypatch)
    assert _scanned(*planted, tmp_path, channel), name
