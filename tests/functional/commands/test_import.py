"""Import and export: every way in that people try, what is kept when some rows are wrong, and the way back."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from xlsxwriter import Workbook

from engine.data.principal import SYSTEM
from engine.data.query import Query
from engine.site.site import Site
from tests.functional.commands.conftest import Command


@pytest.fixture
def sheet(tmp_path: Path) -> Path:
    """A file that is not there yet."""
    return tmp_path / "rows.csv"


def rows(folder: Path, entity: str, *paths: str) -> list[dict[str, Any]]:
    with Site.open(folder) as site, site.reading(SYSTEM) as reader:
        return reader.query(Query(entity, select=paths, limit=10_000)).json()


def write(file: Path, text: str, encoding: str = "utf-8") -> Path:
    file.write_bytes(text.encode(encoding))
    return file


# --- ways in ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16", "utf-16-le"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_files_come_in_any_encoding_and_with_any_delimiter(
    crm: Path, guanxi: Command, sheet: Path, encoding: str, delimiter: str
) -> None:
    text = '客户名称,行业,外部编号\n"上海, 海纳",金融业,A1\n北京启明,it,A2\n'
    if delimiter != ",":
        text = text.replace(",", delimiter).replace(f"上海{delimiter}", "上海,")

    done = guanxi(
        "import",
        "account",
        write(sheet, text, encoding),
        "--map",
        write(sheet.with_suffix(".yaml"), "外部编号: external_id"),
    )

    assert (done.code, done.err) == (0, "")
    found = {
        row["external_id"]: (row["name"], row["industry"])
        for row in rows(crm, "account", "external_id", "name", "industry")
    }
    assert found == {"A1": ("上海, 海纳", "finance"), "A2": ("北京启明", "it")}


def test_headers_are_keys_or_labels_in_any_language_however_they_are_written(
    crm: Path, guanxi: Command, sheet: Path
) -> None:
    write(
        sheet,
        "NAME,next_contact_on,Annual Revenue,规模,标签,Unified social credit code\n"
        'Acme,2026/3/5,"¥1,200.50",1-20人,"a, b",\n',
    )

    assert guanxi("import", "account", sheet).code == 0

    [row] = rows(crm, "account", "name", "next_contact_on", "annual_revenue", "company_size", "tags")
    row.pop("id", None)
    assert (row["name"], row["next_contact_on"], row["annual_revenue"]) == ("Acme", "2026-03-05", "1200.50")
    assert (row["company_size"], row["tags"]) == ("s1", ["a", "b"])


def test_a_spreadsheet_comes_in_as_it_looks(crm: Path, guanxi: Command, tmp_path: Path) -> None:
    file = tmp_path / "rows.xlsx"
    book = Workbook(str(file))
    page = book.add_worksheet("客户")
    page.write_row(0, 0, ["name", "annual_revenue", "next_contact_on"])
    page.write_row(1, 0, ["张三公司", 1234.5])
    import datetime as dt

    page.write_datetime(1, 2, dt.datetime(2026, 2, 28), book.add_format({"num_format": "d.m.yy"}))  # noqa: DTZ001 - a spreadsheet knows no zones
    book.close()

    assert guanxi("import", "account", file, "--sheet", "客户").code == 0
    assert guanxi("import", "account", file, "--sheet", "Nothing").code == 1

    [row] = rows(crm, "account", "name", "annual_revenue", "next_contact_on")
    assert (row["name"], row["annual_revenue"], row["next_contact_on"]) == ("张三公司", "1234.50", "2026-02-28")


def test_json_lines_bring_lists_maps_and_links(crm: Path, guanxi: Command, tmp_path: Path) -> None:
    accounts, contacts = tmp_path / "accounts.jsonl", tmp_path / "contacts.jsonl"
    write(accounts, json.dumps({"external_id": "A", "name": "Acme", "tags": ["x", "y"], "address": {"city": "Ulm"}}))
    write(contacts, json.dumps({"name": "Anna", "account": {"external_id": "A"}}) + "\n" + json.dumps({"name": "Ben"}))

    assert guanxi("import", "account", accounts).code == 0
    assert guanxi("import", "contact", contacts).code == 0

    [account] = rows(crm, "account", "tags", "address")
    assert (account["tags"], account["address"]) == (["x", "y"], {"city": "Ulm"})
    assert {row["name"]: row["account.name"] for row in rows(crm, "contact", "name", "account.name")} == {
        "Anna": "Acme",
        "Ben": None,
    }


def test_links_are_found_by_title_external_id_id_and_a_person_by_email(crm: Path, guanxi: Command, sheet: Path) -> None:
    guanxi("user", "add", "Bo", "--email", "bo@x.example", "--role", "sales_rep")
    assert guanxi("import", "account", write(sheet, "name,external_id\nAcme,A\nBeta,B\nTwin,T1\nTwin,T2\n")).code == 0
    write(sheet, "name,account,owner\n1,Acme,bo@x.example\n2,Twin,\n3,Nobody,\n")

    by_title = guanxi("import", "contact", sheet, "--json")
    by_key = guanxi("import", "contact", write(sheet, "name,account.external_id\n4,T2\n"), "--json")

    assert (by_title.json["created"], by_title.json["failed"], by_key.json["created"]) == (1, 2, 1)
    found = {
        row["name"]: (row["account.external_id"], row["owner.name"])
        for row in rows(crm, "contact", "name", "account.external_id", "owner.name")
    }
    assert found == {"1": ("A", "Bo"), "4": ("T2", None)}


# --- rows that are wrong ----------------------------------------------------------------------------------------------


def test_good_rows_stay_when_others_fail_and_the_bad_ones_come_in_when_they_are_put_right(
    any_crm: Path, guanxi: Command, sheet: Path
) -> None:
    good = "".join(f"Company {number},N{number},\n" for number in range(1_200))
    write(sheet, f"name,external_id,email\n{good}Bad,X1,nonsense\n,X2,\nOne,two,three,four\nTwice,N7,\nLast,L1,\n")

    done = guanxi("import", "account", sheet, "--json")

    assert done.code == 3
    assert (done.json["created"], done.json["failed"]) == (1_201, 4)
    assert "Row 1202: email: " in done.err
    errors = Path(done.json["errors_file"])
    assert errors == sheet.with_name("rows.csv.errors.csv")
    with errors.open(encoding="utf-8-sig", newline="") as stream:
        bad = list(csv.DictReader(stream))
    assert [row["external_id"] for row in bad] == ["X1", "X2", "two", "N7"]
    assert all(row["reason"] for row in bad)
    assert bad[3]["reason"].endswith("has the same External ID")

    text = (
        errors.read_text(encoding="utf-8-sig")
        .replace("nonsense", "a@b.example")
        .replace("\n,X2", "\nNow named,X2")
        .replace("N7", "X7")
        .replace("two,three,", "two,,")
        .replace(",four", "")
    )
    again = guanxi("import", "account", write(sheet, text), "--json")
    assert (again.code, again.json["created"], again.json["errors_file"]) == (0, 4, None)
    assert not errors.exists()


def test_a_trial_says_all_and_keeps_nothing(any_crm: Path, guanxi: Command, sheet: Path) -> None:
    write(sheet, "name,external_id\n" + "".join(f"C{number},E{number % 900}\n" for number in range(1_000)))

    trial = guanxi("import", "account", sheet, "--dry-run", "--json")

    # Rows that only collide with each other are found too.
    assert (trial.json["created"], trial.json["failed"], trial.json["change_set"]) == (900, 100, None)
    assert rows(any_crm, "account", "name") == []
    assert guanxi("import", "account", sheet, "--json").json["created"] == 900


@pytest.mark.parametrize(
    ("text", "words", "said"),
    [
        ("nonsense,more\n1,2\n", (), "No column of the file is a field of account"),
        ("name,客户名称\n1,2\n", (), "both lead to name"),
        ("name\nA\n", ("--on", "external_id"), "needs a column for external_id"),
        ("name\nA\n", ("--on", "colour"), "are not found by 'colour'"),
        ("name\nA\n", ("--resume", "x"), "is no import of this file"),
        ("name\nA\n", ("--encoding", "klingon"), "there is no encoding klingon"),
        ("", (), "is empty"),
    ],
)
def test_what_cannot_be_imported_is_refused_before_the_first_row(
    crm: Path, guanxi: Command, sheet: Path, text: str, words: tuple[str, ...], said: str
) -> None:
    done = guanxi("import", "account", write(sheet, text), *words)

    assert done.code == 1
    assert said in done.err
    assert rows(crm, "account", "name") == []


@pytest.mark.parametrize(
    ("mapping", "said"),
    [
        ("nmae: name", "names a column 'nmae' that the file does not have"),
        ("name: nonsense", "'nonsense', which is no field of account"),
        ("name: won_amount", "'won_amount', which is no field of account"),
        ("[name]", "a mapping names a field"),
        ("name: [name]", "a column leads to one field"),
        ("name: name\nname: name", "given twice"),
    ],
)
def test_a_mapping_that_says_nonsense_is_refused(
    crm: Path, guanxi: Command, sheet: Path, mapping: str, said: str
) -> None:
    write(sheet, "name\nA\n")

    done = guanxi("import", "account", sheet, "--map", write(sheet.with_suffix(".yaml"), mapping))

    assert done.code == 1
    assert said in done.err


def test_an_entity_that_is_not_there_is_refused(crm: Path, guanxi: Command, sheet: Path) -> None:
    write(sheet, "name\nA\n")

    assert "There is no customer" in guanxi("import", "customer", sheet).err
    assert "There is no customer" in guanxi("export", "customer").err


# --- once more --------------------------------------------------------------------------------------------------------


def test_a_second_import_updates_what_differs_and_leaves_the_rest(any_crm: Path, guanxi: Command, sheet: Path) -> None:
    write(sheet, "external_id,name,remark,level\nA,Acme,old,a\nB,Beta,old,a\nC,Gamma,old,a\n")
    assert guanxi("import", "account", sheet).code == 0
    write(sheet, "external_id,name,remark,level\nA,Acme,old,a\nB,Beta 2,,\nD,Delta,new,\n")

    done = guanxi("import", "account", sheet, "--on", "external_id", "--json").json

    assert (done["created"], done["updated"], done["unchanged"], done["failed"]) == (1, 1, 1, 0)
    found = {
        row["external_id"]: row for row in rows(any_crm, "account", "external_id", "name", "remark", "level", "version")
    }
    assert [found[key]["version"] for key in "ABCD"] == [1, 2, 1, 1]
    # An empty cell takes a value away; where there is a default, it says nothing.
    assert (found["B"]["name"], found["B"]["remark"], found["B"]["level"]) == ("Beta 2", None, "a")

    undone = guanxi("undo", done["change_set"], "--json").json
    assert (undone["undone"], undone["kept"]) == (2, [])
    found = {row["external_id"]: row for row in rows(any_crm, "account", "external_id", "name", "remark")}
    assert (sorted(found), found["B"]["name"], found["B"]["remark"]) == (["A", "B", "C"], "Beta", "old")


def test_a_unique_rule_and_an_id_find_records_too(crm: Path, guanxi: Command, sheet: Path) -> None:
    code = "91330000MA27U02K1X"
    assert guanxi("import", "account", write(sheet, f"name,credit_code\nAcme,{code}\n")).code == 0
    [row] = rows(crm, "account", "id", "name")

    by_rule = guanxi(
        "import", "account", write(sheet, f"name,credit_code\nAcme 2,{code}\n"), "--on", "one_credit_code", "--json"
    )
    by_id = guanxi("import", "account", write(sheet, f"id,name\n{row['id']},Acme 3\n"), "--on", "id", "--json")

    assert (by_rule.json["updated"], by_id.json["updated"]) == (1, 1)
    assert [row["name"] for row in rows(crm, "account", "name")] == ["Acme 3"]


def test_an_undo_keeps_what_somebody_edited_since(crm: Path, guanxi: Command, sheet: Path) -> None:
    change_set = guanxi("import", "account", write(sheet, "name\nA\nB\n"), "--json").json["change_set"]
    with Site.open(crm) as site, site.reading(SYSTEM) as reader:
        edited = next(
            row["id"] for row in reader.query(Query("account", select=("id", "name"))).json() if row["name"] == "A"
        )
    with Site.open(crm) as site:
        site.records.update(SYSTEM, "account", [{"id": edited, "remark": "mine"}])

    done = guanxi("undo", change_set, "--json")

    assert (done.json["undone"], done.json["kept"]) == (1, [edited])
    assert [row["name"] for row in rows(crm, "account", "name")] == ["A"]
    assert guanxi("undo", change_set).code == 1


# --- who may ----------------------------------------------------------------------------------------------------------


def test_a_person_imports_and_exports_within_their_rights(crm: Path, guanxi: Command, sheet: Path) -> None:
    for name, role in (("bo", "sales_rep"), ("cy", "sales_rep")):
        guanxi("user", "add", name, "--email", f"{name}@x.example", "--role", role)
    write(sheet, "name,external_id\nMine,M\n")

    assert guanxi("import", "account", sheet, "--as", "bo@x.example").code == 0

    assert "Mine" in guanxi("export", "account", "--as", "bo@x.example").out
    assert "Mine" not in guanxi("export", "account", "--as", "cy@x.example").out
    refused = guanxi("import", "opportunity", sheet, "--as", "bo@x.example")
    assert (refused.code, refused.err) == (1, "You may not import Opportunities\n")
    assert (
        guanxi("import", "account", sheet, "--on", "external_id", "--as", "cy@x.example", "--json").json["failed"] == 1
    )


# --- export -----------------------------------------------------------------------------------------------------------


def test_what_is_exported_comes_in_again_unchanged(any_crm: Path, guanxi: Command, tmp_path: Path) -> None:
    write(
        tmp_path / "a.jsonl",
        "\n".join(
            json.dumps(row)
            for row in (
                {"external_id": "P", "name": "上海 Parent", "annual_revenue": "1234567.89", "tags": ["a", "b"]},
                {
                    "external_id": "C",
                    "name": "=1+1",
                    "remark": 'two\nlines, "quoted"',
                    "address": {"city": "Ulm"},
                    "email": "a@b.example",
                },
                {
                    "external_id": "D",
                    "name": "'+apostrophe",
                    "phone": "+8613800138000",
                    "next_contact_on": "2026-03-01",
                },
            )
        ),
    )
    assert guanxi("import", "account", tmp_path / "a.jsonl").code == 0
    assert (
        guanxi(
            "import",
            "account",
            write(tmp_path / "p.csv", "external_id,parent.external_id\nC,P\n"),
            "--on",
            "external_id",
        ).code
        == 0
    )

    for suffix in ("csv", "xlsx", "jsonl"):
        file = tmp_path / f"out.{suffix}"
        assert guanxi("export", "account", "-o", file).code == 0
        again = guanxi("import", "account", file, "--on", "id", "--json")
        assert (again.json["updated"], again.json["unchanged"], again.json["failed"]) == (0, 3, 0), (suffix, again)

    text = (tmp_path / "out.csv").read_text(encoding="utf-8")
    assert text.startswith("\ufeffid,external_id,")
    assert "'=1+1" in text


def test_an_export_holds_what_a_condition_and_fields_say(crm: Path, guanxi: Command, sheet: Path) -> None:
    guanxi("import", "account", write(sheet, "name,level,annual_revenue\nA,a,100\nB,b,200\nC,a,300\n"))

    done = guanxi(
        "export", "account", "--where", "level == 'a' and annual_revenue > 150", "--fields", "name,annual_revenue"
    )

    assert done.out.splitlines() == ["\ufeffname,annual_revenue", "C,300.00"]
    assert "There is no field levle" in guanxi("export", "account", "--where", "levle == 'a'").err
    assert guanxi("export", "account", "--fields", "nonsense").code == 1
    assert "files end with one of" in guanxi("export", "account", "-o", sheet.with_suffix(".pdf")).err


def test_secrets_never_leave(crm: Path, guanxi: Command, sheet: Path) -> None:
    (crm / "schemas" / "x.yaml").write_text("entity: account\nfields:\n  x_pin: {type: secret}\n", encoding="utf-8")
    guanxi("publish")
    with Site.open(crm) as site:
        site.records.create(SYSTEM, "account", [{"name": "A", "x_pin": "4711-secret"}])

    for suffix in ("csv", "jsonl"):
        assert guanxi("export", "account", "-o", sheet.with_suffix(f".{suffix}")).code == 0
        assert "4711" not in sheet.with_suffix(f".{suffix}").read_text(encoding="utf-8")
    assert "4711" not in guanxi("export", "account", "--fields", "name,x_pin").out


# --- mappings ---------------------------------------------------------------------------------------------------------

LONG_MAP = """\
columns:
  Firma: {field: name, do: [trim, title]}
  Umsatz: {field: annual_revenue, number: comma, times: 1000}
  Termin: {field: next_contact_on, date: dmy}
  Stufe: {field: level, values: {gold: a, silber: b, keine: null}, default: c}
  Kontakt: {field: phone, prefix: "+49"}
  Mutter: {field: parent.name, missing: create}
  Mutter Ort: parent.remark
  Nummer: {field: external_id, part: ["/", -1]}
values: {country: Deutschland}
on: external_id
mode: both
empty: keep
"""
LONG_SHEET = (
    "Kundenliste;;;;;;;\n"
    "Firma;Umsatz;Termin;Stufe;Kontakt;Mutter;Mutter Ort;Nummer\n"
    "acme  gmbh;1.234,5;3.4.2026;Gold;30123456;Holding;Berlin;K/1\n"
    "beta ag;2;31.12.26;keine;30123457;Holding;;K/2\n"
    "gamma;x;1.1.2026;platin;30123458;;;K/3\n"
)


def test_a_mapping_says_what_happens_to_cells_and_to_records_that_are_not_there(
    any_crm: Path, guanxi: Command, sheet: Path
) -> None:
    write(sheet, LONG_SHEET)
    mapping = write(sheet.with_suffix(".yaml"), LONG_MAP)

    done = guanxi("import", "account", sheet, "--map", mapping, "--json")

    assert (done.code, done.json["created"], done.json["failed"], done.json["linked"]) == (3, 2, 1, 1)
    assert [(each["row"], each["column"], each["value"]) for each in done.json["problems"]] == [
        (5, "Umsatz", "x"), (5, "Stufe", "platin"),
    ]  # fmt: skip
    paths = ("name", "annual_revenue", "next_contact_on", "level", "phone", "parent.name", "country", "external_id")
    found = {row["external_id"]: row for row in rows(any_crm, "account", *paths)}
    assert [found["1"][path] for path in paths] == [
        "Acme Gmbh", "1234500.00", "2026-04-03", "a", "+4930123456", "Holding", "Deutschland", "1",
    ]  # fmt: skip
    assert (found["2"]["annual_revenue"], found["2"]["next_contact_on"]) == ("2000.00", "2026-12-31")
    assert {row["name"]: row["remark"] for row in rows(any_crm, "account", "name", "remark")}["Holding"] == "Berlin"

    again = guanxi("import", "account", sheet, "--map", mapping, "--json")
    assert (again.json["created"], again.json["unchanged"], again.json["linked"]) == (0, 2, 0)
    # The holding is taken back together with those that lead to it.
    assert guanxi("undo", done.json["change_set"], "--json").json["undone"] == 3


def test_a_mapping_is_proposed_for_a_file_and_can_be_used_as_it_is(crm: Path, guanxi: Command, sheet: Path) -> None:
    write(sheet, '公司名称,联系电话,客户级别,下次联系,年营收,xyz\n甲,13800138000,A,31/12/2026,"1.234,50",?\n')

    proposed = guanxi("import", "account", sheet, "--propose")

    assert proposed.out.splitlines()[:1] == ["columns:"]
    assert "  xyz: null" in proposed.out
    done = guanxi("import", "account", sheet, "--map", write(sheet.with_suffix(".yaml"), proposed.out), "--json")
    assert (done.json["created"], done.json["left_out"]) == (1, [])
    [row] = rows(crm, "account", "name", "phone", "annual_revenue")
    assert (row["name"], row["phone"], row["annual_revenue"]) == ("甲", "+8613800138000", "1234.50")


@pytest.mark.parametrize(
    ("mapping", "said"),
    [
        ("columns: {name: {fild: name}}", ":1:17: "),
        ("columns:\n  name: {field: name, date: month}", ":2:29: "),
        ("columns: {name: name}\nmode: replace", ":2:7: "),
        ("columns: {name: {field: name, missing: create}}", "only a link to one record may be created"),
        ("columns: {name: name}\nmode: update", "say what they are found by"),
    ],
)
def test_what_a_mapping_says_wrongly_is_told_with_its_place(
    crm: Path, guanxi: Command, sheet: Path, mapping: str, said: str
) -> None:
    done = guanxi("import", "account", write(sheet, "name\nA\n"), "--map", write(sheet.with_suffix(".yaml"), mapping))

    assert done.code == 1
    assert said in done.err


def test_options_say_the_same_as_a_mapping(crm: Path, guanxi: Command, sheet: Path) -> None:
    write(sheet, "list of 2026\nname,external_id,remark\nAcme,A,old\n")
    assert guanxi("import", "account", sheet, "--header-row", "2", "--set", "country=中国").code == 0
    write(sheet, "name,external_id,remark\nNew,A,\nBeta,B,\n")

    created = guanxi("import", "account", sheet, "--on", "external_id", "--mode", "create", "--json").json
    updated = guanxi("import", "account", sheet, "--on", "external_id", "--mode", "update", "--empty", "keep", "--json")

    assert (created["created"], created["skipped"], created["updated"]) == (1, 1, 0)
    assert (updated.json["updated"], updated.json["unchanged"], updated.json["failed"]) == (1, 1, 0)
    found = {row["external_id"]: row for row in rows(crm, "account", "external_id", "name", "remark", "country")}
    assert (found["A"]["name"], found["A"]["remark"], found["A"]["country"]) == ("New", "old", "中国")
    assert "FIELD=VALUE" in guanxi("import", "account", sheet, "--set", "country").err


def test_a_trial_of_many_rows_finds_what_collides_with_rows_that_were_tried_long_before(
    crm: Path, guanxi: Command, sheet: Path
) -> None:
    lines = [f"Firm {number},E{number},\n" for number in range(5_200)]
    lines[5_100] = "Twin,E7,\n"
    lines[5_150] = "Child,E5150,Firm 3\n"
    write(sheet, "name,external_id,parent\n" + "".join(lines))

    trial = guanxi("import", "account", sheet, "--dry-run", "--json").json

    assert (trial["created"], trial["failed"]) == (5_199, 1)
    assert trial["problems"][0]["reason"] == "Row 9 has the same External ID"
    assert rows(crm, "account", "name") == []
