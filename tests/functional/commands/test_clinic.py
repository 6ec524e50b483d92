"""A trade that the product has never heard of: documents alone give tables, rights, search, history and commands."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from engine.data.batch import Change
from engine.data.principal import SYSTEM
from engine.data.query import Query
from engine.errors import NotFound, RecordInvalid
from engine.expression import parse
from engine.site.site import Site
from tests.functional.commands.conftest import Command

CLINIC = Path(__file__).with_name("clinic.yaml")

RECEPTION = """\
role: reception
grants: {contact: {read: all}}
"""

ITEMS = [{"what": "Blood", "amount": "30"}, {"what": "X-ray", "amount": "70.50"}]


@pytest.fixture
def clinic(any_crm: Path) -> Path:
    """A site with the documents of a clinic, not published yet."""
    (any_crm / "schemas" / "clinic").mkdir()
    (any_crm / "schemas" / "clinic" / "reception.yaml").write_text(RECEPTION, encoding="utf-8")
    shutil.copy(CLINIC, any_crm / "schemas" / "clinic" / "visit.yaml")
    return any_crm


def test_a_clinic_is_checked_planned_published_and_tested_by_commands(clinic: Path, guanxi: Command) -> None:
    assert (guanxi("check").code, guanxi("plan").code) == (0, 2)

    published = guanxi("publish", "-m", "The clinic opens")

    assert published.code == 0
    assert "Published revision 2" in published.out
    assert guanxi("plan").code == 0
    assert "The clinic opens" in guanxi("history").out
    tested = guanxi("test")
    assert (tested.code, tested.out.splitlines()[0]) == (0, "1 passed, 0 failed")


def test_a_clinic_works_with_its_own_objects(clinic: Path, guanxi: Command) -> None:
    assert guanxi("publish").code == 0
    for name in ("nina", "noah"):
        words = ("--email", f"{name}@clinic.example", "--role", "nurse", "--role", "reception")
        assert guanxi("user", "add", name, *words).code == 0

    with Site.open(clinic) as site:
        _work(site)


def _work(site: Site) -> None:
    nina, noah = (site.principal(site.identity.find(f"{name}@clinic.example").id) for name in ("nina", "noah"))
    [anna] = site.records.create(SYSTEM, "contact", [{"name": "安娜 Anna", "mobile": "13800138000"}])
    [visit] = site.records.create(
        nina,
        "visit",
        [{"subject": "年度体检 Check-up", "patient": anna.id, "items": ITEMS}],
    )

    # The engine works out what the documents only name.
    stored = _record(site, nina, visit.id, "stage", "total", "overdue", "owner", "items")
    assert (stored["stage"], stored["total"], stored["overdue"], stored["owner"]) == (
        "booked",
        "100.50",
        False,
        nina.id,
    )
    assert [item["what"] for item in stored["items"]] == ["Blood", "X-ray"]
    with site.reading(SYSTEM) as reader:
        assert [row["phone"] for row in reader.query(Query("visit_item", select=("phone",))).json()] == [
            "+8613800138000"
        ] * 2

    # Whoever has no right to it does not learn that it is there.
    with site.reading(noah) as reader:
        assert reader.count(Query("visit")).number == 0
        assert reader.search("体检") == []
        with pytest.raises(NotFound):
            reader.record("visit", visit.id)
    with site.reading(nina) as reader:
        assert [found.id for found in reader.search("体检", entities=["visit"])] == [visit.id]
        assert [found.id for found in reader.search("check", entities=["visit"])] == [visit.id]
        assert "id_card" not in reader.record("visit", visit.id).values()

    # States, checks, masks and unique rules hold for everybody.
    with pytest.raises(RecordInvalid) as refused:
        site.records.transition(nina, "visit", [visit.id], "see")
    assert [(problem.path, problem.code) for problem in refused.value.problems] == [("fee", "fee_when_seen")]
    with pytest.raises(RecordInvalid, match="You may not change Fee"):
        site.records.update(nina, "visit", [Change(visit.id, {"fee": "12"})])
    site.records.update(SYSTEM, "visit", [Change(visit.id, {"fee": "12", "id_card": "110101199003078888"})])
    site.records.transition(nina, "visit", [visit.id], "see")
    with pytest.raises(RecordInvalid):
        site.records.create(nina, "visit", [{"subject": "Again", "patient": anna.id}])
    with pytest.raises(RecordInvalid):
        site.records.delete(SYSTEM, "contact", [anna.id])

    # Everything that was done is in its history, without the secret.
    with site.reading(SYSTEM) as reader:
        history = reader.history("visit", visit.id)
        assert reader.count(Query("visit", where=parse("stage == 'seen' and total > 100"))).number == 1
    assert [entry.action for entry in history] == ["transition", "update", "create"]
    assert "110101199003078888" not in str(history)


def _record(site: Site, principal: Any, id_: str, *paths: str) -> dict[str, Any]:
    with site.reading(principal) as reader:
        return reader.record("visit", id_, paths).json()


def test_a_clinic_is_imported_exported_and_taken_back(clinic: Path, guanxi: Command, tmp_path: Path) -> None:
    assert guanxi("publish").code == 0
    people = tmp_path / "people.csv"
    people.write_bytes("外部编号,姓名\nP1,张三\nP2,李四\n".encode("gb18030"))
    (tmp_path / "map.yaml").write_text("外部编号: external_id\n", encoding="utf-8")
    assert guanxi("import", "contact", people, "--map", tmp_path / "map.yaml").code == 0
    visits = tmp_path / "visits.csv"
    visits.write_text(
        "主题,patient.external_id,日期,stage\n体检,P1,2026-03-01,已约\n复查,P2,2026年3月2日,booked\n错,P9,,\n",
        encoding="utf-8",
    )

    done = guanxi("import", "visit", visits, "--json")

    assert done.code == 3
    assert (done.json["created"], done.json["failed"]) == (2, 1)
    assert "P9" in Path(done.json["errors_file"]).read_text(encoding="utf-8-sig")
    exported = guanxi(
        "export", "visit", "--where", "on_date > date('2026-03-01')", "--fields", "subject,patient.name,stage"
    )
    assert exported.out.lstrip("\ufeff").splitlines() == ["subject,patient.name,stage", "复查,李四,booked"]
    assert guanxi("undo", done.json["change_set"]).code == 0
    assert guanxi("export", "visit").out.count("\n") == 1


def test_child_rows_go_out_and_in_with_their_parent_and_by_themselves(
    clinic: Path, guanxi: Command, tmp_path: Path
) -> None:
    assert guanxi("publish").code == 0
    for name, text in {
        "contact": "name,external_id\nAnna,P1\n",
        "visit": "subject,external_id,patient.external_id\nCheck,V1,P1\n",
        "visit_item": 'visit.external_id,what,amount\nV1,Blood,"1,200.50"\nV1,X-ray,3\n',
    }.items():
        (tmp_path / f"{name}.csv").write_text(text, encoding="utf-8")
        assert guanxi("import", name, tmp_path / f"{name}.csv").code == 0
    out = tmp_path / "visits.jsonl"
    assert guanxi("export", "visit", "-o", out).code == 0

    same = guanxi("import", "visit", out, "--on", "id", "--json").json
    visit = json.loads(out.read_text(encoding="utf-8"))
    visit["items"] = [{**visit["items"][0], "amount": "7"}]
    out.write_text(json.dumps(visit), encoding="utf-8")
    changed = guanxi("import", "visit", out, "--on", "external_id", "--json").json

    assert (same["unchanged"], same["failed"]) == (1, 0)
    assert (changed["updated"], changed["failed"]) == (1, 0)
    rows = guanxi("export", "visit_item", "--fields", "what,amount,visit.total").out.splitlines()
    assert rows[1:] == ["Blood,7.00,7.00"]
    assert guanxi("undo", changed["change_set"]).code == 0
    rows = guanxi("export", "visit_item", "--fields", "what,visit.total").out.splitlines()
    assert sorted(rows[1:]) == ["Blood,1203.50", "X-ray,1203.50"]


def test_a_field_is_added_while_others_work_and_taken_back_without_losing_a_value(
    clinic: Path, guanxi: Command
) -> None:
    assert guanxi("publish").code == 0
    with Site.open(clinic) as site:
        [anna] = site.records.create(SYSTEM, "contact", [{"name": "Anna"}])
        patch = clinic / "schemas" / "patch.yaml"
        patch.write_text("entity: contact\nfields:\n  x_blood: {type: text, label: Blood group}\n", encoding="utf-8")
        assert guanxi("publish").code == 0
        # The site that was open all the time follows with its next call.
        site.records.update(SYSTEM, "contact", [Change(anna.id, {"x_blood": "AB"})])

        patch.unlink()
        assert guanxi("publish").code == 0
        with site.reading(SYSTEM) as reader:
            assert "x_blood" not in reader.record("contact", anna.id).values()

        assert guanxi("rollback", "3").code == 0
        with site.reading(SYSTEM) as reader:
            assert reader.record("contact", anna.id).values()["x_blood"] == "AB"
    assert guanxi("doctor").code == 0
    assert guanxi("pull").code == 0
    assert "x_blood" in (clinic / "schemas" / "entity" / "contact.yaml").read_text(encoding="utf-8")
