"""Options that depend on another field, as a table of ticks: drafted, looked at, published, obeyed."""

import re
from dataclasses import replace
from typing import Any

import pytest

from engine import (
    SYSTEM,
    Change,
    RecordInvalid,
    decider_of,
    matrix_of,
    parse,
)
from tests.functional.screens.world import World, words

TABLE = "/admin/options/thing/traits"


def _mark(page: str) -> str:
    [found] = re.findall(r'name="mark" value="(\w+)"', page)
    return str(found)


def test_a_matrix_is_drafted_looked_at_published_and_obeyed(clinic: World) -> None:
    kept = clinic.create("thing", {"name": "Odd", "kind": "old", "traits": ["rare"]})[0]
    ada = clinic.browser("ada")
    listed = ada.text("/admin/options")
    assert TABLE in listed
    assert "has conditions of its own" not in listed  # `ready == False` is a column of a table by `ready`
    assert "depends on Ready" in words(listed)

    page = ada.text(f"{TABLE}?by=kind")
    ticks: dict[str, Any] = {"by": "kind", "mark": _mark(page)}
    assert ada.submit(TABLE, ticks).status_code == 422  # No tick at all: nothing could ever be chosen.
    assert ada.submit(TABLE, {**ticks, "mark": "0", "o.red": "old"}).status_code == 409
    ticks |= {"o.red": ["old", "new"], "o.big": ["old", "new", "fake", ""], "o.rare": ["new", ""]}
    preview = ada.follow(ada.submit(TABLE, ticks))
    assert "+    traits" in preview or "options_when:" in preview
    assert "kind == &#39;new&#39; or kind is None" in preview
    assert "Thing · Traits: 1 records hold what could no longer be chosen" in words(preview)

    # A draft changes nothing for those who work.
    [other] = clinic.create("thing", {"name": "Free", "kind": "old", "traits": ["rare"]})
    drafted = ada.text(TABLE)  # the table goes on from the draft
    assert re.search(r'name="o.rare" value="new" checked', drafted)
    assert not re.search(r'name="o.rare" value="old" checked', drafted)
    ada.follow(ada.submit("/admin/changes/publish", {"comment": "Rare things are new"}))
    assert clinic.site.history()[0].comment == "Rare things are new"
    assert clinic.site.publisher.drafts() == []

    with pytest.raises(RecordInvalid) as refused:
        clinic.create("thing", {"name": "Wrong", "kind": "old", "traits": ["rare"]})
    assert [each.path for each in refused.value.problems] == ["traits"]
    clinic.create(
        "thing", {"name": "Right", "kind": "new", "traits": ["rare", "red"]}, {"name": "Empty", "traits": ["rare"]}
    )
    clinic.site.records.update(SYSTEM, "thing", [Change(kept, {"note": "what was chosen before may stay"})])
    assert other != kept

    # All ticked again: the condition goes, and with it what the document said.
    page = ada.text(TABLE)
    every = ["old", "new", "fake", ""]
    again = {"by": "kind", "mark": _mark(page), "o.red": every, "o.big": every, "o.rare": every}
    ada.follow(ada.submit(TABLE, again))
    ada.follow(ada.submit("/admin/changes/publish"))
    assert not clinic.site.published.model.entity("thing").fields["traits"].options_when


def test_only_those_who_may_shape_the_site_draft_and_throw_away(clinic: World) -> None:
    nurse, ada = clinic.browser("nia"), clinic.browser("ada")
    assert nurse.get("/admin/options").status_code == 403
    assert nurse.submit(TABLE, {"by": "kind"}).status_code == 403
    assert nurse.submit("/admin/changes/publish").status_code == 403
    assert ada.get("/admin/options/thing/name").status_code == 404
    page = ada.text("/admin/options/thing/kind?by=ready")
    # The condition of the document is the tick that stands there.
    assert re.search(r'name="o.fake" value="false" checked', page)
    assert not re.search(r'name="o.fake" value="true" checked', page)
    given = {"by": "ready", "mark": _mark(page), "o.old": ["true", "false", ""], "o.new": ["true"], "o.fake": ["false"]}
    assert "entity/thing" in ada.follow(ada.submit("/admin/options/thing/kind", given))
    assert nurse.submit("/admin/changes/discard/entity/thing").status_code == 403
    assert "Nothing is drafted" in ada.follow(ada.submit("/admin/changes/discard/entity/thing"))


def test_conditions_are_read_as_ticks_and_written_as_they_were(clinic: World) -> None:
    thing = clinic.site.published.model.entity("thing")
    kind, traits = thing.fields["kind"], thing.fields["traits"]
    assert decider_of(thing, kind) is thing.fields["ready"]
    assert decider_of(thing, traits) is None
    for text, ticked, again in (
        ("kind in ['old', 'fake']", {"old", "fake"}, "kind in ['old', 'fake']"),
        ("kind == 'new' or kind is None", {"new", ""}, "kind == 'new' or kind is None"),
        ("False", set(), "False"),
        ("True", {"old", "new", "fake", ""}, None),
    ):
        shown = matrix_of(thing, replace(traits, options_when={"rare": parse(text)}), kind)
        [column] = [each for each in shown.columns if each.key == "rare"]
        assert (set(column.ticked), column.other) == (ticked, "")
        assert shown.conditions({"rare": column.ticked})["rare"] == again
    other = matrix_of(thing, replace(traits, options_when={"rare": parse("pieces > 3 or kind == 'new'")}), kind)
    assert other.columns[2].other == "pieces > 3 or kind == 'new'"
    assert "rare" not in other.conditions({})
