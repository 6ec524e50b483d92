"""Trees: no record ever stands below itself, whoever writes it and however many write at once."""

from typing import Any

import pytest

from engine.data.batch import Change
from engine.data.principal import SYSTEM
from engine.errors import RecordInvalid
from tests.functional.writing.test_writing_together import make, together
from tests.functional.writing.world import World


def chain(world: World, length: int) -> list[str]:
    """Return companies, each of which stands below the one before it."""
    found: list[str] = []
    for _ in range(length):
        found.append(make(world, "company", **({"parent": found[-1]} if found else {})).id)
    return found


def above(world: World, id_: str) -> list[str]:
    found: list[str] = []
    at = world.value("company", id_, "parent")
    while at is not None:
        assert at not in found, "round in a circle"
        found.append(at)
        at = world.value("company", at, "parent")
    return found


def test_a_circle_is_refused_whichever_way_it_is_written(world: World) -> None:
    top, middle, low = chain(world, 3)

    def refused(error: RecordInvalid) -> set[tuple[str, str, int]]:
        return {(each.path, each.code, each.row) for each in error.problems}

    with pytest.raises(RecordInvalid) as found:
        world.records.update(SYSTEM, "company", [Change(low, {"city": "X"}), Change(top, {"parent": low})])
    assert refused(found.value) == {("parent", "circle", 1)}
    assert "stands below this record" in str(found.value)
    with pytest.raises(RecordInvalid) as found:
        world.records.update(SYSTEM, "company", [Change(top, {"parent": top})])
    assert ("parent", "circle", 0) in refused(found.value)
    # Neither is a circle by itself.
    one, other = make(world, "company").id, make(world, "company").id
    with pytest.raises(RecordInvalid):
        world.records.update(SYSTEM, "company", [Change(one, {"parent": other}), Change(other, {"parent": one})])
    with pytest.raises(RecordInvalid):
        world.records.upsert(SYSTEM, "company", [{"id": top, "parent": middle}], on="id")
    with pytest.raises(RecordInvalid):
        world.records.update_where(SYSTEM, "company", None, {"parent": low}, ids=[top])
    operations: list[dict[str, Any]] = [
        {"update": {"id": top, "parent": middle}}, {"update": {"id": one, "parent": low}}
    ]  # fmt: skip
    assert [each.ok for each in world.records.bulk(SYSTEM, "company", operations)] == [False, True]

    # A branch turns round when what it hung on lets go of it in the same call.
    world.records.update(
        SYSTEM, "company", [Change(middle, {"parent": None}), Change(top, {"parent": low})]
    )  # fmt: skip
    assert above(world, top) == [low, middle]


def test_two_who_move_branches_at_once_make_no_circle(world: World) -> None:
    for _ in range(4):
        one, other = make(world, "company").id, make(world, "company").id

        def below(id_: str, parent: str) -> Any:
            return world.records.update(SYSTEM, "company", [Change(id_, {"parent": parent})])

        results = together(lambda: below(one, other), lambda: below(other, one))  # noqa: B023 - run at once
        assert sorted(isinstance(each, RecordInvalid) for each in results) == [False, True], results
        assert len([*above(world, one), *above(world, other)]) == 1
