"""What a link may lead to: the drop-down of a form."""

import pytest

from engine.data.principal import Principal
from engine.errors import QueryInvalid
from engine.metadata.model import Field
from tests.functional.reading.world import World

Cast = tuple[World, dict[str, Principal], dict[str, str]]


@pytest.fixture(scope="module")
def cast(empty_world: World) -> Cast:
    world = empty_world
    people = {name: world.person(name, role) for name, role in {"bea": "boss", "ann": "seller", "liu": "lead"}.items()}
    ids: dict[str, str] = {}
    for name, owner, parent in [
        ("Acme", "bea", None),
        ("Acme East", "ann", "Acme"),
        ("Beta", "ann", None),
        ("张家港", "bea", None),
    ]:
        row = {"name": name, "owner": people[owner].id, "parent": ids.get(parent or "")}
        [ids[name]] = world.add("company", [row])
    return world, people, ids


def titles(cast: Cast, who: str, words: str = "", field: str = "company", limit: int = 20) -> list[str]:
    world, people, _ = cast
    with world.reading(people[who]) as reader:
        return [title for _, title in reader.options("deal", field, words, None, limit)]


def test_the_choices_are_records_that_one_may_read(cast: Cast) -> None:
    assert set(titles(cast, "bea")) == {"Acme", "Acme East", "Beta", "张家港"}
    assert set(titles(cast, "ann")) == {"Acme East", "Beta"}
    assert titles(cast, "liu") == []


def test_words_narrow_the_choices_which_then_come_by_title(cast: Cast) -> None:
    assert titles(cast, "bea", "acme") == ["Acme", "Acme East"]
    assert titles(cast, "bea", "acm") == ["Acme", "Acme East"]
    assert titles(cast, "bea", "家港") == ["张家港"]
    assert titles(cast, "bea", "zjg") == ["张家港"]
    assert titles(cast, "bea", "acme", limit=1) == ["Acme"]


def test_the_condition_of_the_field_holds_for_the_record_at_hand(cast: Cast) -> None:
    world, people, ids = cast
    link: Field = world.model.entity("contact").fields["branch"]
    assert link.where is not None

    with world.reading(people["bea"]) as reader:
        assert [id_ for id_, _ in reader.options("contact", "branch", "", {"company": ids["Acme"]})] == [
            ids["Acme East"]
        ]
        assert reader.options("contact", "branch", "", {"company": ids["Beta"]}) == []
        assert {title for _, title in reader.options("contact", "branch", "", {})} == {"Acme", "Beta", "张家港"}


def test_what_is_no_link_or_may_not_be_known_has_no_choices(cast: Cast) -> None:
    for field in ("name", "nothing", "items"):
        with pytest.raises(QueryInvalid):
            titles(cast, "bea", field=field)
