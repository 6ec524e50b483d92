"""What stands in exported files: formats, columns, headers, links, values, child rows, what a file says of itself."""

import io
from typing import Any

import pytest

from engine import SYSTEM, ExportOptions, ImportOptions, QueryInvalid, RecordInvalid, read_export_options
from engine.data.transfer import workbook
from tests.functional.exporting.reading_back import lines, sheets, table
from tests.functional.screens.world import World


def exported(world: World, who: str | None = None, entity: str = "job_card", **wanted: Any) -> bytes:
    """Return the bytes of an export."""
    stream = io.BytesIO()
    principal = SYSTEM if who is None else world.site.principal(world.ids[who])
    world.site.export(principal, entity, stream, read_export_options(wanted))
    return stream.getvalue()


@pytest.fixture
def filled(shop: World) -> World:
    """Two clients and two job cards, one of Ben."""
    fill(shop)
    return shop


def fill(world: World) -> list[str]:
    [acme, zhang] = world.create(
        "client", {"name": "Acme", "city": "Bonn", "credit": "9000"}, {"name": "=张三", "city": "上海"}
    )
    return world.create(
        "job_card",
        {
            "name": "Brakes", "stage": "open", "amount": "1200.50", "urgent": True, "due": "2026-03-05",
            "seen_at": "2026-03-05T04:30:00Z", "client": acme, "helpers": [acme, zhang], "about": f"client/{zhang}",
            "tags": ["=1+1", "b"], "phone": "+8613800138000", "margin": "12.5", "pin": "4711", "notes": "x" * 40_000,
            "parts": [{"what": "Pad", "price": "3.10"}, {"what": "@Disc", "price": "7"}], "owner": world.ids["ben"],
        },
        {"name": "-Clutch", "stage": "done", "amount": "-5", "urgent": False, "owner": world.ids["cao"]},
    )  # fmt: skip


def test_a_file_for_people_has_labels_names_and_amounts(filled: World) -> None:
    asked: dict[str, Any] = {
        "headers": "labels",
        "links": "titles",
        "values": "people",
        "fields": ["name", "stage", "amount", "urgent", "due", "seen_at", "client", "helpers", "about", "client.city"],
    }

    [first, second] = table(exported(filled, "ada", **asked, timezone="Asia/Shanghai"))

    assert (first["Stage"], first["Urgent"], first["Client"], first["Client · City"]) == ("Open", "yes", "Acme", "Bonn")
    assert first["Amount"].replace("\xa0", " ") == "¥1,200.50"
    assert (first["Helpers"], first["About"]) == ("Acme; =张三", "'=张三")
    assert first["Seen"].startswith("2026-03-05 12:30")
    assert second["Name"] == "'-Clutch"
    [chinese, _] = table(exported(filled, "ada", **asked, language="zh"))
    assert (chinese["阶段"], chinese["加急"], chinese["客户 · 城市"]) == ("进行中", "是", "Bonn")


def test_a_spreadsheet_has_numbers_dates_child_rows_and_says_what_it_is(filled: World) -> None:
    asked: dict[str, Any] = {
        "format": "xlsx",
        "children": True,
        "about": True,
        "filter": "stage == 'open'",
        "reason": "Audit",
        "fields": ["name", "amount", "due", "seen_at", "client", "notes"],
        "timezone": "Asia/Shanghai",
    }

    found = sheets(exported(filled, "ada", **asked, headers="labels", links="titles", values="people"))

    assert list(found) == ["Job cards", "Parts", "About this file"]
    [head, row] = found["Job cards"]
    assert head == ["Name", "Amount", "Due", "Seen", "Client", "Notes"]
    assert (row[0], row[1], str(row[2]), str(row[3]), row[4]) == (
        "Brakes", 1200.5, "2026-03-05", "2026-03-05 12:30:00", "Acme")  # fmt: skip
    assert len(row[5]) == workbook.LONGEST_CELL
    assert found["Parts"][0][1:] == ["Job card", "ID", "What", "Price"]
    assert [(each[1], each[3], each[4]) for each in found["Parts"][1:]] == [
        ("Brakes", "Pad", 3.1),
        ("Brakes", "@Disc", 7),
    ]
    about = dict(found["About this file"])
    assert about["Exported by"] == "Ada <ada@example.com>"
    assert about["Only those"] == "stage == 'open'"
    assert (about["Reason"], about["Records"]) == ("Audit", "Job cards: 1")
    assert about["Texts that were cut"].startswith("1;")


def test_records_go_on_in_another_sheet_when_one_is_full(shop: World, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.create("client", *({"name": f"C{number}"} for number in range(7)))
    monkeypatch.setattr(workbook, "LAST_ROW", 3)

    found = sheets(exported(shop, entity="client", format="xlsx", fields=["name"]))

    assert {name: [row[0] for row in rows] for name, rows in found.items()} == {
        "client": ["name", "C0", "C1", "C2"], "client 2": ["name", "C3", "C4", "C5"], "client 3": ["name", "C6"],
    }  # fmt: skip


def test_json_lines_have_child_rows_within_and_exact_values(either: World) -> None:
    fill(either)
    [first, second] = lines(exported(either, format="jsonl"))

    assert (first["amount"], first["tags"], second["name"]) == ("1200.50", ["=1+1", "b"], "-Clutch")
    assert [(each["what"], each["price"]) for each in first["parts"]] == [("Pad", "3.10"), ("@Disc", "7.00")]
    assert "pin" not in first
    [named, _] = lines(exported(either, format="jsonl", fields=["client", "helpers"], links="titles"))
    assert named == {"client.name": "Acme", "helpers": ["Acme", "=张三"]}


@pytest.mark.parametrize("kind", ["csv", "xlsx", "jsonl"])
def test_what_is_exported_comes_in_again_unchanged(shop: World, kind: str) -> None:
    fill(shop)
    before = lines(exported(shop, format="jsonl"))
    file = shop.site.config.folder / f"cards.{kind}"
    shop.site.export_file(
        SYSTEM,
        "job_card",
        file,
        fields=[
            "id",
            "name",
            "stage",
            "amount",
            "urgent",
            "due",
            "seen_at",
            "client",
            "helpers",
            "tags",
            "phone",
            "margin",
        ],
    )
    for row in before:
        shop.site.records.update(
            SYSTEM,
            "job_card",
            [
                {
                    "id": row["id"],
                    "name": "Other",
                    "amount": None,
                    "tags": [],
                    "seen_at": None,
                    "helpers": [],
                    "due": None,
                }
            ],
        )

    report = shop.site.import_file(SYSTEM, "job_card", file, ImportOptions(on="id"))

    assert (report.failed, report.updated) == (0, 2), report.problems
    kept = {key: value for key, value in before[0].items() if key != "updated_at"}
    after = [{key: row[key] for key in kept} for row in lines(exported(shop, format="jsonl"))]
    assert after[0] == kept
    assert [each["name"] for each in after] == ["Brakes", "-Clutch"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_csv_comes_in_the_encoding_that_a_program_wants(shop: World, encoding: str) -> None:
    shop.create("client", {"name": "上海海纳", "city": "x;y"})

    data = exported(shop, entity="client", encoding=encoding, delimiter=";", fields=["name", "city"])

    assert table(data, encoding, ";") == [{"name": "上海海纳", "city": "x;y"}]
    assert data.startswith({"utf-8-sig": b"\xef\xbb\xbf", "utf-16": b"\xff\xfe"}.get(encoding, data[:1]))


def test_a_list_keeps_its_order_and_chosen_rows_are_all_there_is(shop: World) -> None:
    ids = shop.create("job_card", *({"name": f"J{number}", "amount": str(number % 4)} for number in range(9)))

    by_amount = [row["name"] for row in table(exported(shop, order=["-amount", "name"], fields=["name"]))]
    chosen = [row["name"] for row in table(exported(shop, ids=[ids[4], ids[2]], fields=["name"]))]

    assert by_amount == ["J3", "J7", "J2", "J6", "J1", "J5", "J0", "J4", "J8"]
    assert chosen == ["J2", "J4"]


def test_below_the_rows_csv_says_who_exported_them_when_asked(shop: World) -> None:
    shop.create("client", {"name": "Acme"})

    text = exported(shop, "ada", "client", about=True, fields=["name"], language="zh").decode("utf-8-sig")

    assert text.splitlines()[:3] == ["name", "Acme", ""]
    assert "导出人,Ada <ada@example.com>" in text


def test_a_table_of_text_runs_nothing_wherever_it_is_opened(shop: World) -> None:
    [client] = shop.create("client", {"name": "=cmd|' /C calc'!A0", "city": "@SUM(1)"})
    shop.create("job_card", {"name": "+1", "tags": ["=2", "x"], "client": client, "helpers": [client]})

    for asked in ({}, {"headers": "labels", "links": "titles", "values": "people"}):
        [row] = table(exported(shop, **asked))
        assert not [value for value in row.values() if value[:1] in tuple("=+@\t\r")], row


def test_what_somebody_may_not_see_is_not_there_and_masks_stay(shop: World) -> None:
    fill(shop)

    [row] = table(exported(shop, "ben"))
    shown = sheets(exported(shop, "ben", format="xlsx", values="people", headers="labels"))["Job cards"]

    assert row["name"] == "Brakes"
    assert not {"margin", "pin"} & set(row)
    assert row["phone"] == "138••••8000"
    assert len(shown) == 2
    assert "138••••8000" in shown[1]
    assert "Margin" not in shown[0]
    for hidden in ("margin", "client.credit", "nothing"):
        with pytest.raises(QueryInvalid, match=f"There is no field {hidden}"):
            exported(shop, "ben", fields=[hidden])
    with pytest.raises(QueryInvalid, match="masked"):
        exported(shop, "ben", order=["phone"])


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"format": "pdf"}, "format"), ({"fields": 7}, "fields"), ({"ids": ["x"]}, "ids"),
        ({"filter": "a =="}, "filter"),
        ({"timezone": "Mars/Base"}, "timezone"), ({"encoding": "ebcdic"}, "encoding"), ({"about": "yes"}, "about"),
        ({"format": "jsonl", "headers": "labels"}, "headers"), ({"format": "csv", "children": True}, "children"),
        ({"reason": "x" * 501}, "reason"), ({"nonsense": 1}, "nonsense"), ({"order": [{}]}, "order"),
        ({"language": "xx"}, "language"), ({"q": 3}, "q"), ({"fields": ["a"] * 1001}, "fields"),
    ],
)  # fmt: skip
def test_wrong_options_are_told_at_their_place(body: dict[str, Any], path: str) -> None:
    with pytest.raises(RecordInvalid) as refused:
        read_export_options(body)

    assert {each.path for each in refused.value.problems} == {path}


def test_options_are_kept_as_json_and_read_again() -> None:
    body = {
        "format": "xlsx",
        "filter": "amount > 3",
        "q": "x",
        "fields": ["a", "b.c"],
        "order": ["-a"],
        "links": "ids",
        "headers": "labels",
        "values": "people",
        "language": "zh",
        "children": False,
        "about": True,
        "reason": "y",
    }

    assert read_export_options(body).to_json() == body
    assert read_export_options(ExportOptions().to_json()) == ExportOptions()
