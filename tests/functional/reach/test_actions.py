"""Each action is asked about on every way to it: handing over, exporting, importing, and what a role restricts."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine import AccessDenied, GuanxiError, ImportOptions, NotFound, Principal, RecordInvalid
from engine.data.batch import Change
from tests.functional.reach.world import World

Hand = Callable[[World, Principal, str, str], Any]


def by_bulk(world: World, who: Principal, id_: str, owner: str) -> None:
    for result in world.records.bulk(who, "account", [{"update": {"id": id_, "owner": owner}}]):
        if result.error is not None:
            raise result.error


def by_import(world: World, who: Principal, id_: str, owner: str) -> None:
    path = Path(world.site.config.folder) / f"{id_}.csv"
    path.write_text(f"id,name,owner\n{id_},n,{owner}\n", encoding="utf-8")
    report = world.site.import_file(who, "account", path, options=ImportOptions(on="id", again=True))
    if report.failed:
        raise RecordInvalid([])


WAYS: dict[str, Hand] = {
    "update": lambda world, who, id_, owner: world.records.update(who, "account", [Change(id_, {"owner": owner})]),
    "upsert": lambda world, who, id_, owner: world.records.upsert(
        who, "account", [{"id": id_, "owner": owner}], on="id"
    ),
    "where": lambda world, who, id_, owner: world.records.update_where(
        who, "account", f"id == '{id_}'", {"owner": owner}
    ),
    "bulk": by_bulk,
    "import": by_import,
}


@pytest.mark.parametrize("way", list(WAYS))
def test_a_record_is_handed_over_by_whom_the_grant_lets_and_nobody_else(world: World, way: str) -> None:
    clerk, other = world.person(f"tr-{way}", "clerk"), world.person(f"tr-{way}2", "clerk")
    mine, theirs = world.add("account", clerk), world.add("account", other)

    with pytest.raises(RecordInvalid):
        WAYS[way](world, world.who(clerk), theirs, clerk)
    WAYS[way](world, world.who(clerk), mine, other)

    assert world.stored("account", mine)["owner"] == other
    assert world.stored("account", theirs)["owner"] == other
    with pytest.raises(RecordInvalid):
        WAYS[way](world, world.who(clerk), mine, clerk)


def test_an_undo_hands_nothing_back_that_its_maker_may_not_hand_over(world: World) -> None:
    clerk, other = world.person("un-clerk", "clerk"), world.person("un-other", "clerk")
    mine = world.add("account", clerk)
    change_set = world.records.begin_set(world.who(clerk), "call")
    world.records.update(world.who(clerk), "account", [{"id": mine, "owner": other}], change_set=change_set)

    report = world.records.undo(world.who(clerk), change_set)

    assert (report.reverted, len(report.kept)) == (0, 1)
    assert world.stored("account", mine)["owner"] == other


def test_an_export_holds_what_its_grant_reaches(world: World) -> None:
    clerk, reader = world.person("ex-clerk", "clerk"), world.person("ex-reader", "reader")
    cheap, dear = world.add("account", clerk, amount="5"), world.add("account", clerk, amount="500")
    world.add("account", world.person("ex-other", "clerk"), amount="5")

    written = world.exported(clerk, "account")

    assert [line.split(",")[0] for line in written.splitlines()[1:]] == [cheap]
    assert dear not in written
    with pytest.raises(AccessDenied):
        world.exported(reader, "account")


def test_an_import_makes_and_changes_what_its_grant_reaches(world: World, tmp_path: Path) -> None:
    clerk, reader = world.person("im-clerk", "clerk"), world.person("im-rep", "rep")
    cheap, dear = world.add("account", clerk, amount="5"), world.add("account", clerk, amount="500")
    path = tmp_path / "accounts.csv"
    path.write_text(f"id,name,amount\n,New,50\n,Dear,500\n{cheap},Cheap,60\n{dear},Dear,60\n", encoding="utf-8")
    with pytest.raises(AccessDenied):
        world.site.import_file(world.who(reader), "account", path)

    report = world.site.import_file(world.who(clerk), "account", path, options=ImportOptions(on="id"))

    assert (report.created, report.updated, report.failed) == (1, 1, 2)
    assert str(world.stored("account", dear)["amount"]) == "500.00"
    path.write_text(f"id,amount\n{cheap},600\n", encoding="utf-8")
    assert world.site.import_file(world.who(clerk), "account", path, options=ImportOptions(on="id")).failed == 1
    world.update(clerk, "account", dear, {"amount": "600"})


def test_a_restriction_keeps_rows_out_of_every_action(world: World) -> None:
    holder = world.person("re-holder", "boss", "bound")
    cheap, dear = world.add("account", holder, amount="5"), world.put("account", {"amount": "500"})
    who, records = world.who(holder), world.records

    assert dear not in world.seen(holder, "account")
    acts: list[Callable[[], object]] = [
        lambda: records.update(who, "account", [{"id": dear, "name": "x"}]),
        lambda: records.delete(who, "account", [dear]),
        lambda: records.update(who, "account", [{"id": cheap, "amount": "500"}]),
        lambda: records.create(who, "account", [{"name": "x", "amount": "500"}]),
        lambda: records.share(who, "account", dear, "user", holder),
        lambda: by_bulk(world, who, dear, holder),
    ]
    for act in acts:
        with pytest.raises((NotFound, AccessDenied)):
            act()
    assert records.update_where(who, "account", f"id == '{dear}'", {"name": "x"}).count == 0
    assert dear not in world.exported(holder, "account")
    with pytest.raises(GuanxiError):
        records.delete(world.who(world.person("re-named", "bound")), "account", [cheap])
    # What a role restricts, another role that is named in the condition opens.
    assert dear in world.seen(world.person("re-both", "boss", "bound", "named"), "account")


def test_rows_by_the_value_of_a_field_and_product_lines_by_department(world: World) -> None:
    line = world.add("department", name="Robots")
    robots, others = world.person("pl-robots", "liner", department=line), world.person("pl-others", "liner")
    mine, none = world.put("account", {"line": line}), world.put("account", {"line": None})

    assert world.seen(robots, "account") & {mine, none} == {mine}
    assert world.seen(others, "account") & {mine, none} == set()
