"""Why somebody may read or change a record, and who could let them."""

import pytest

from engine.data.explain import Explanation, explain
from engine.data.principal import Principal
from engine.errors import NotFound
from engine.ids import new_id
from tests.functional.reading.world import World

Cast = tuple[World, dict[str, Principal], dict[str, str]]


@pytest.fixture(scope="module")
def cast(empty_world: World) -> Cast:
    world = empty_world
    people = {
        name: world.person(name, *roles, manager=boss)
        for name, roles, boss in [
            ("liu", ["lead"], None),
            ("ann", ["seller"], "liu"),
            ("rui", ["careful", "lead"], None),
            ("tom", ["teammate"], None),
        ]
    }
    ids = {}
    for name, owner, stage in [("one", "ann", "new"), ("lost", "liu", "lost")]:
        [ids[name]] = world.add("deal", [{"name": name, "owner": people[owner].id, "stage": stage}])
    [ids["item"]] = world.add("deal_item", [{"what": "x", "deal": ids["one"]}])
    return world, people, ids


def why(
    cast: Cast, who: str, action: str, record: str | None = None, field: str | None = None, entity: str = "deal"
) -> Explanation:
    world, people, ids = cast
    with world.reading(people[who]) as reader:
        asker = reader.as_system()
        return explain(reader, action, entity, None if record is None else ids[record], field, asker=asker)


def test_each_grant_says_whether_it_lets_the_record_through(cast: Cast) -> None:
    answer = why(cast, "liu", "read", "one")

    assert answer.granted
    assert [str(line) for line in answer.lines] == [
        "liu has the roles Lead",
        "The role Lead grants to read one's own records: no",
        "The role Lead grants to read records of subordinates: yes",
    ]
    assert answer.who_could_grant == ()


def test_what_nothing_lets_through_names_the_roles_that_would(cast: Cast) -> None:
    answer = why(cast, "ann", "read", "lost")

    assert not answer.granted
    assert {"boss"} <= set(answer.who_could_grant)
    assert {"careful", "clerk", "nobody"}.isdisjoint(answer.who_could_grant)


def test_a_restriction_wins_over_every_grant(cast: Cast) -> None:
    answer = why(cast, "rui", "read", "lost")

    assert not answer.granted
    assert "The role Careful restricts to stage != 'lost' (not_lost): no" in map(str, answer.lines)
    assert answer.who_could_grant == ()


def test_a_change_needs_to_be_readable_and_granted(cast: Cast) -> None:
    answer = why(cast, "liu", "update", "one")

    assert not answer.granted
    assert [str(line) for line in answer.lines][1:] == [
        "The role Lead grants to read one's own records: no",
        "The role Lead grants to read records of subordinates: yes",
        "The role Lead grants to change one's own records: no",
    ]
    assert "boss" in answer.who_could_grant


def test_child_rows_name_their_parent(cast: Cast) -> None:
    answer = why(cast, "ann", "read", "item", entity="deal_item")

    assert answer.granted
    assert "Its Deal is in reach: yes" in map(str, answer.lines)


def test_a_field_is_explained_by_the_masks_of_the_roles(cast: Cast) -> None:
    answer = why(cast, "liu", "read", "one", "phone")

    assert not answer.granted
    assert [str(line) for line in answer.lines][-2:] == [
        "The role Lead gives Phone as masked",
        "Phone is seen as masked",
    ]
    assert "seller" in answer.who_could_grant
    assert why(cast, "ann", "update", "one", "phone").granted


def test_without_a_record_the_answer_depends_on_it(cast: Cast) -> None:
    answer = why(cast, "liu", "read")

    assert answer.granted
    assert str(answer.lines[1]) == "The role Lead grants to read one's own records: it depends on the record"
    assert str(why(cast, "liu", "delete").lines[-1]) == "No role grants to delete deals"


def test_the_explanation_speaks_chinese(cast: Cast) -> None:
    assert why(cast, "liu", "read", "one").lines[0].in_("zh") == "liu 的角色：Lead"


def test_there_is_nothing_to_explain_about_what_is_not_there(cast: Cast) -> None:
    world, people, _ = cast
    with world.reading(people["ann"]) as reader:
        for entity, record, field in [
            ("deal", new_id(), None),
            ("deal", "x", None),
            ("deal", None, "nothing"),
            ("none", None, None),
        ]:
            with pytest.raises(NotFound):
                explain(reader, "read", entity, record, field, asker=reader.as_system())
