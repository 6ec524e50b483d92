"""What goes into the log by itself: changes of rights, bulk acts, imports, exports, undo, publications; what not."""

from io import BytesIO
from pathlib import Path

import pytest

from engine import SYSTEM, Change, LogEntry, QueryInvalid, Site, Wanted


def noted(site: Site, *kinds: str) -> list[LogEntry]:
    """Return events of some kinds, the first one first."""
    with site.database.read() as connection:
        return site.trail.entries(connection, Wanted(kinds=kinds), 100)[::-1]


def test_what_is_done_to_one_record_stands_in_its_history_alone(site: Site, people: dict[str, str]) -> None:
    ben = site.principal(people["ben"])
    before = len(noted(site))

    [deal] = site.records.create(ben, "deal", [{"name": "One"}])
    site.records.update(ben, "deal", [Change(deal.id, {"name": "Two"})])
    site.records.delete(ben, "deal", [deal.id])
    site.records.restore(ben, "deal", [deal.id])

    assert len(noted(site)) == before


def test_many_records_at_once_an_undo_and_what_is_gone_for_good_are_noted(site: Site, people: dict[str, str]) -> None:
    ada = site.principal(people["ada"])
    deals = site.records.create(ada, "deal", [{"name": f"Deal {number}"} for number in range(3)])
    ids = [each.id for each in deals]
    site.records.update_where(ada, "deal", "stage == 'open'", {"stage": "won"})
    site.records.bulk(ada, "deal", [{"update": {"id": each, "name": "New"}} for each in ids[:2]])
    change_set = site.records.begin_set(ada, "delete", entity="deal")
    site.records.delete(ada, "deal", ids, change_set=change_set)
    site.records.undo(ada, change_set)
    site.records.delete(ada, "deal", ids[:1])
    site.records.purge(ada, "deal", ids[:1])

    assert [(each.details["what"], each.number) for each in noted(site, "bulk")] == [
        ("create", 3), ("update", 3), ("update", 2), ("delete", 3),
    ]  # fmt: skip
    [undo], [purge] = noted(site, "undo"), noted(site, "purge")
    assert (undo.number, undo.details["change_set"]) == (3, change_set)
    assert (purge.entity, purge.number, purge.actor_id) == ("deal", 1, people["ada"])


def test_a_refused_bulk_act_leaves_no_event(site: Site, people: dict[str, str]) -> None:
    aud = site.principal(people["aud"])

    results = site.records.bulk(aud, "deal", [{"create": {"name": "A"}}, {"create": {"name": "B"}}])

    assert not any(each.ok for each in results)
    assert noted(site, "bulk") == []


def test_changes_of_rights_say_from_what_to_what(site: Site, people: dict[str, str]) -> None:
    ada, ben = site.principal(people["ada"]), people["ben"]
    start = len(noted(site, "rights_changed"))
    site.records.update(ada, "user", [Change(ben, {"roles": ["seller", "admin"], "manager": people["ada"]})])
    site.records.update(ada, "user", [Change(ben, {"mobile": "13800138000"})])
    [team] = site.records.create(ada, "team", [{"name": "North", "members": [ben]}])
    site.records.update(ada, "team", [Change(team.id, {"members": [ben, people["aud"]]})])
    site.records.update(ada, "user", [Change(ben, {"status": "disabled"})])

    rights, joined, grown = noted(site, "rights_changed")[start:]
    assert rights.details["roles"] == {"from": ["seller"], "to": ["admin", "seller"]}
    assert rights.details["manager"] == {"from": None, "to": people["ada"]}
    assert "admin" in rights.details["gained"]
    assert (rights.actor_id, rights.record_id) == (people["ada"], ben)
    assert joined.details["members"] == {"from": None, "to": [ben]}
    assert grown.details["members"] == {"from": [ben], "to": sorted([ben, people["aud"]])}
    [disabled] = noted(site, "user_disabled")
    assert disabled.record_id == ben


def test_an_export_is_noted_with_its_condition_and_one_that_fails_at_once_is_not(
    site: Site, people: dict[str, str]
) -> None:
    site.records.create(SYSTEM, "deal", [{"name": f"Deal {number}"} for number in range(3)])
    ben = site.principal(people["ben"])

    site.export(ben, "deal", BytesIO(), where="stage == 'open'", fields=["name"], kind="jsonl")
    with pytest.raises(QueryInvalid):
        site.export(ben, "deal", BytesIO(), fields=["nothing"])

    [event] = noted(site, "export")
    assert (event.actor_id, event.entity, event.number) == (people["ben"], "deal", 3)
    assert event.details == {"format": "jsonl", "where": "stage == 'open'", "fields": ["name"]}


def test_an_import_is_one_event_however_many_rows_it_has(site: Site, people: dict[str, str], tmp_path: Path) -> None:
    file = tmp_path / "deals.csv"
    file.write_text("name,stage\n" + "".join(f"Deal {number},open\n" for number in range(700)) + "Bad,none\n", "utf-8")

    report = site.import_file(site.principal(people["ben"]), "deal", file)

    [event] = noted(site, "import")
    assert (event.number, event.details["failed"], event.details["file"]) == (700, 1, "deals.csv")
    assert event.details["change_set"] == report.change_set
    assert noted(site, "bulk") == []


def test_publications_and_rollbacks_say_what_changed_and_what_was_accepted(site: Site, people: dict[str, str]) -> None:
    first = site.revision
    schema = site.config.folder / "schemas" / "world.yaml"
    text = schema.read_text("utf-8")
    site.records.create(SYSTEM, "deal", [{"name": "Big", "amount": "7"}])
    schema.write_text(
        text.replace("  amount: {type: money, label: {en: Amount, zh: 金额}, currency: CNY}\n", "")
        .replace("measure: {sum: amount}", "measure: {count: true}")
        .replace("permissions: [audit]", "permissions: [audit, admin]"),
        "utf-8",
    )
    site.publish(accept={"deal.amount": 1}, comment="No more amounts", author=people["ada"])
    site.rollback(first)

    published, back = noted(site, "metadata_published")[-1], noted(site, "rolled_back")[-1]
    assert published.actor_id == people["ada"]
    assert published.details["losses_accepted"] == {"deal.amount": 1}
    assert "changed entity/deal" in published.details["documents"]
    assert published.details["gained"] == {"auditor": ["admin"]}
    assert (published.details["comment"], back.details["back_to"]) == ("No more amounts", first)
