"""The way of a file through the pages: upload, columns, trial, import, report, undo."""

import re
import shutil
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from xlsxwriter import Workbook

from engine import SYSTEM, Query, Site
from tests.functional.importing.conftest import Upload
from tests.functional.screens.world import Web, World, words
from ui.app import create_app

GERMAN = (
    "Firms of the north;;;;;\n"
    "公司名称;E-Mail;行业;营收;成立日期;Town\n"
    "Acme;a@acme.example;钢铁;1.234,50;31.12.2020;Ulm\n"
    "Beta;b@beta.example;Trading;99,00;1.2.2021;Bonn\n"
)


def rows(world: World, entity: str, *paths: str) -> list[dict[str, Any]]:
    with world.site.reading(SYSTEM) as reader:
        return sorted(
            ({key: row[key] for key in paths} for row in reader.query(Query(entity, select=paths, limit=500)).json()),
            key=str,
        )


def form_of(page: str) -> dict[str, Any]:
    """Return what the form of the columns would send as it stands."""
    form = page[page.index('name="rows"') - 200 :]
    sent: dict[str, Any] = dict(re.findall(r'<input[^>]*? name="([^"]+)"[^>]*? value="([^"]*)"', form))
    for name, inner in re.findall(r'(?s)<select[^>]*? name="([^"]+)"[^>]*>(.*?)</select>', form):
        chosen = re.search(r'<option value="([^"]*)" selected', inner)
        sent[name] = chosen[1] if chosen else ""
    return sent


def columns(web: Web, address: str, **changes: str) -> str:
    """Send the form of the columns with some of it changed, and return the page behind it."""
    sent = form_of(web.text(address)) | {key.replace("_", "-", 1): value for key, value in changes.items()}
    answer = web.submit(address, {**sent, "act": "plan"})
    assert answer.status_code == 303, words(answer.text)
    return web.follow(answer)


def test_a_file_is_understood_tried_imported_and_taken_back(world: World, upload: Upload) -> None:
    web = world.browser("ada")

    address = upload(web, "firm", GERMAN)
    asked = web.text(address)
    sent = form_of(asked)
    # The title above the table is no header; labels, words like them, cells and ways of writing are understood.
    assert [sent[f"r{number}-field"] for number in range(6)] == [
        "name", "mail", "trade", "revenue", "founded", "",
    ]  # fmt: skip
    assert (sent["r3-number"], sent["r4-date"]) == ("comma", "dmy")
    assert "headers in row 2" in words(asked)

    checked = columns(web, address, r5_field="city")
    assert "6 columns are imported · 2 rows" in words(checked)
    tried = web.follow(web.submit(address, {"act": "try", "on": "", "empty": "clear"}))
    assert "Every row can be imported." in words(tried)
    assert rows(world, "firm", "name") == []

    done = web.follow(web.submit(address, {"act": "run", "on": "", "empty": "clear"}))
    assert "created 2 failed 0" in words(done)
    assert rows(world, "firm", "name", "mail", "trade", "revenue", "founded", "city") == [
        {"name": "Acme", "mail": "a@acme.example", "trade": "steel", "revenue": "1234.50", "founded": "2020-12-31",
         "city": "Ulm"},
        {"name": "Beta", "mail": "b@beta.example", "trade": "trade", "revenue": "99.00", "founded": "2021-02-01",
         "city": "Bonn"},
    ]  # fmt: skip

    assert "2 records go into the recycle bin, 0 get their old values back" in words(done)
    undo = re.search(r'action="(/firm/undo/[0-9a-f-]{36})"', done)
    assert undo is not None
    back = web.follow(web.submit(undo[1], {"back": address}))
    assert "It was taken back." in words(back)
    assert rows(world, "firm", "name") == []
    # What was done stands in the list, and in the audit log.
    assert "2 created, 0 updated, 0 failed" in words(web.text("/firm/import"))
    assert words(web.text("/admin/audit")).count("rows.csv") >= 1


def test_every_problem_is_told_by_cell_and_the_file_of_bad_rows_comes_in_when_it_is_put_right(
    any_world: World, upload: Upload
) -> None:
    web = any_world.browser("ada")
    text = "name,code,mail,founded,pin\nAcme,A,nonsense,31.02.2020,4711\n,B,b@x.example,,\nCold,C,,,\nDupe,C,,,\n"
    address = upload(web, "firm", text)
    columns(web, address, r3_date="dmy")

    tried = web.follow(web.submit(address, {"act": "try", "on": ""}))

    said = words(tried)
    assert "created 1 failed 3" in said
    for told in (
        "2 mail nonsense “nonsense”",
        "2 founded 31.02.2020 “31.02.2020” is no date in the order that was chosen",
        "3 name",
        "5 code C",
    ):
        assert told in said
    assert "4711" not in said

    done = web.follow(web.submit(address, {"act": "run", "on": ""}))
    assert "created 1 failed 3" in words(done)
    assert "It leaves out pin, whose values are secret." in words(done)
    bad = web.get(f"{address}/errors.csv").data.decode("utf-8-sig")
    assert bad.splitlines()[0] == "name,code,mail,founded,reason"
    assert "4711" not in bad

    right = bad.replace("nonsense", "a@x.example").replace("31.02.2020", "28.02.2020").replace("\n,B", "\nBob,B")
    right = right.replace("Dupe,C", "Dupe,D")
    again = upload(web, "firm", right.encode("utf-8-sig"))
    columns(web, again, r3_date="dmy")
    assert "created 3 failed 0" in words(web.follow(web.submit(again, {"act": "run", "on": ""})))
    assert [row["code"] for row in rows(any_world, "firm", "code")] == ["A", "B", "C", "D"]


def test_records_that_are_there_are_updated_or_left_as_the_form_says(world: World, upload: Upload) -> None:
    world.create("firm", {"name": "Acme", "code": "A", "city": "Ulm"}, {"name": "Beta", "code": "B", "city": "Bonn"})
    web = world.browser("ada")
    text = "code,name,city\nA,Acme 2,\nZ,Zeta,Köln\n"

    def imported(mode: str, empty: str) -> str:
        address = upload(web, "firm", text)
        assert "needs a column for External ID" in words(columns(web, address))
        return words(web.follow(web.submit(address, {"act": "run", "on": "code", "mode": mode, "empty": empty})))

    assert "created 0 updated 1 failed 1" in imported("update", "keep")
    assert rows(world, "firm", "name", "city") == [
        {"name": "Acme 2", "city": "Ulm"}, {"name": "Beta", "city": "Bonn"},
    ]  # fmt: skip
    assert "created 1 there already 1 failed 0" in imported("create", "clear")
    assert "created 0 updated 1 unchanged 1 failed 0" in imported("both", "clear")
    assert {row["name"]: row["city"] for row in rows(world, "firm", "name", "city")} == {
        "Acme 2": None, "Beta": "Bonn", "Zeta": "Köln",
    }  # fmt: skip


def test_two_objects_in_one_sheet_are_found_or_made_once(any_world: World, upload: Upload) -> None:
    any_world.create("firm", {"name": "Acme", "city": "Ulm"}, {"name": "Acme", "city": "Bonn"})
    web = any_world.browser("ada")
    text = (
        "name,firm,town,firm mail\nAnna,Acme,Bonn,\nBen,Newco,Kiel,n@newco.example\nCai,Newco,Kiel,\nDan,Acme,Rome,\n"
    )

    address = upload(web, "person", text)
    columns(web, address, r1_field="firm.name", r2_field="firm.city", r3_field="")
    tried = words(web.follow(web.submit(address, {"act": "try", "on": ""})))
    # Everything that is said has to fit: one Acme is in Bonn, none in Rome.
    assert "created 1 failed 3" in tried
    assert "There is no Firm “Acme, Rome”" in tried

    columns(
        web, address, r1_field="firm.name", r2_field="firm.city", r3_field="firm.mail", r1_missing="create",
        r2_missing="create", r3_missing="create",
    )  # fmt: skip
    done = words(web.follow(web.submit(address, {"act": "run", "on": ""})))
    # By its name alone Acme is not told apart; Newco is made once, with what the first row says of it.
    assert "created 2 failed 2 linked records created 1" in done
    assert "There are 2 Firms “Acme”" in done
    assert rows(any_world, "person", "name", "firm.name", "firm.city", "firm.mail") == [
        {"name": "Ben", "firm.name": "Newco", "firm.city": "Kiel", "firm.mail": "n@newco.example"},
        {"name": "Cai", "firm.name": "Newco", "firm.city": "Kiel", "firm.mail": "n@newco.example"},
    ]


def test_words_get_a_meaning_columns_are_joined_cut_and_fixed_values_go_into_every_row(
    world: World, upload: Upload
) -> None:
    web = world.browser("ada")
    text = "first,last,branch,where\nAcme,Ltd,stl,DE-Ulm\nBeta,,other,FR-Lyon\n"
    address = upload(web, "firm", text)

    again = web.submit(address, {**form_of(web.text(address)), "r2-field": "trade", "act": "refresh"}).text
    sent = form_of(again)
    assert (sent["r2-w0"], sent["r2-w1"]) == ("stl", "other")
    sent |= {"r0-field": "name", "r1-field": "name", "r3-field": "city", "r3-between": "-", "r3-nth": "-1"}
    sent |= {"r2-m0": "steel", "r2-m1": "-", "r3-do": "upper", "v0-field": "owner", "v0-value": "ben@example.com"}
    web.follow(web.submit(address, {**sent, "act": "plan"}))
    done = web.follow(web.submit(address, {"act": "run", "on": ""}))

    assert "created 2 failed 0" in words(done)
    assert rows(world, "firm", "name", "trade", "city", "owner.name") == [
        {"name": "Acme Ltd", "trade": "steel", "city": "ULM", "owner.name": "Ben"},
        {"name": "Beta", "trade": None, "city": "LYON", "owner.name": "Ben"},
    ]


def test_a_saved_mapping_is_filled_in_again_and_may_be_had_as_a_file(world: World, upload: Upload) -> None:
    web = world.browser("ada")
    address = upload(web, "firm", "a,b\nAcme,Ulm\n")
    columns(web, address, r0_field="name", r1_field="city")

    nameless = web.submit(address, {"act": "save_map", "on": "", "map_name": " "})
    assert (nameless.status_code, "Give it a name" in nameless.text) == (422, True)
    saved = web.follow(web.submit(address, {"act": "save_map", "on": "", "map_name": "Old system", "map_shared": "1"}))
    assert "The mapping “Old system” is saved" in words(saved)

    file = web.get(f"{address}/map.yaml").text
    assert file == "columns:\n  a: name\n  b: city\n"
    # Ben's file of the same shape finds it; one of another shape does not.
    ben = world.browser("ben")
    mine = ben.text(upload(ben, "firm", "b,a\nBonn,Beta\n"))
    assert "The mapping “Old system” fits this file" in words(mine)
    assert [form_of(mine)[f"r{number}-field"] for number in (0, 1)] == ["city", "name"]
    other = ben.text(upload(ben, "firm", "x,y\n1,2\n"))
    assert "fits this file" not in words(other)
    # Only who saved it deletes it.
    id_ = re.search(r"/import/maps/([0-9a-f-]{36})/forget", web.text("/firm/import"))
    assert id_ is not None
    assert ben.submit(f"/firm/import/maps/{id_[1]}/forget").status_code == 404
    assert "/forget" not in ben.text("/firm/import")
    assert web.submit(f"/firm/import/maps/{id_[1]}/forget").status_code == 303


def test_a_large_file_is_imported_by_a_job_that_can_be_paused_and_cancelled(world: World, upload: Upload) -> None:
    web = world.browser("ada")
    address = upload(web, "firm", "name\n" + "".join(f"Firm {number}\n" for number in range(1_200)))
    columns(web, address)

    waiting = web.follow(web.submit(address, {"act": "run", "on": ""}))
    assert "Waiting" in words(waiting)
    assert "No worker runs just now" in words(waiting)
    assert "begun already" in words(web.submit(address, {"act": "try"}).text)
    paused = web.follow(web.submit(address, {"act": "pause"}))
    assert "Paused" in words(paused)
    assert world.site.jobs.run_due() == 0
    web.submit(address, {"act": "go_on"})
    assert world.site.jobs.run_due() == 1
    assert "created 1,200 failed 0" in words(web.text(address))

    other = upload(web, "firm", "name\n" + "".join(f"Other {number}\n" for number in range(1_200)))
    columns(web, other)
    web.submit(other, {"act": "run", "on": ""})
    assert "Cancelled" in words(web.follow(web.submit(other, {"act": "cancel"})))
    assert world.site.jobs.run_due() == 0
    # Nothing was stored, so it may be said anew how it is imported.
    assert "A trial checks every row" in words(web.follow(web.submit(other, {"act": "reopen"})))
    web.submit(other, {"act": "run", "on": ""})
    assert world.site.jobs.run_due() == 1
    assert "created 1,200" in words(web.text(other))


def test_what_is_sent_wrongly_is_told_at_its_place(world: World, upload: Upload) -> None:
    web = world.browser("ada")

    def refused(data: bytes, name: str) -> str:
        answer = web.submit("/firm/import", {"file": (BytesIO(data), name)})
        assert answer.status_code == 422
        return words(answer.text)

    assert "The file is empty" in refused(b"", "x.csv")
    assert "is no spreadsheet that can be read" in refused(b"PK nonsense", "x.xlsx")
    assert "two columns named 'a'" in refused(b"a,a\n1,2\n", "x.csv")
    assert "Choose a file" in words(web.submit("/firm/import", {}).text)
    assert list((world.site.config.files / "imports").iterdir()) == []

    address = upload(web, "firm", "name,x\nAcme,1\n")
    wrong = web.submit(
        address, {**form_of(web.text(address)), "r1-field": "revenue", "r1-times": "many", "act": "plan"}
    )
    assert wrong.status_code == 422
    assert "“many” is not a number" in words(wrong.text)
    nothing = web.submit(address, {**form_of(web.text(address)), "r0-field": "", "act": "plan"})
    assert "No column of the file is a field of firm" in words(nothing.text)
    unreadable = web.submit(address, {"act": "read", "header_row": "40"})
    assert "has nothing in row 40" in words(web.get(unreadable.headers["Location"]).text)


def test_a_screen_speaks_chinese(world: World, upload: Upload) -> None:
    web = world.browser("ada")
    web.client.set_cookie("guanxi_language", "zh")
    address = upload(web, "firm", "公司名称,邮箱\n甲公司,nonsense\n")
    columns(web, address)

    tried = words(web.follow(web.submit(address, {"act": "try", "on": ""})))

    assert "创建 0 失败 1" in tried
    assert "2 邮箱 nonsense “nonsense”" in tried


@pytest.mark.parametrize(
    ("entity", "status"), [("firm", 200), ("person", 403), ("nothing", 404)], ids=["may", "may-not", "unknown"]
)
def test_who_may_not_import_does_not(world: World, entity: str, status: int) -> None:
    assert world.browser("ben").get(f"/{entity}/import").status_code == status


def test_an_import_is_its_owners_alone_and_no_field_is_written_that_may_not_be(world: World, upload: Upload) -> None:
    ben, cao, ada = world.browser("ben"), world.browser("cao"), world.browser("ada")
    address = upload(ben, "firm", "name,revenue\nMine,5\n")

    assert cao.get(address).status_code == 404
    assert cao.get(f"{address}/errors.csv").status_code == 404
    assert "rows.csv" not in cao.text("/firm/import")
    assert ada.get(address).status_code == 200
    assert "rows.csv" in ada.text("/firm/import")

    sent = form_of(ben.text(address))
    assert sent["r1-field"] == ""
    assert 'value="revenue"' not in ben.text(address)
    forced = ben.submit(address, {**sent, "r1-field": "revenue", "act": "plan"})
    assert (forced.status_code, "you may not write Revenue" in words(forced.text)) == (422, True)
    assert "only an administrator may take over" in words(
        ben.submit(address, {**sent, "r1-field": "created_at", "act": "plan"}).text
    )
    columns(ben, address)
    ben.submit(address, {"act": "run", "on": ""})
    assert rows(world, "firm", "name", "owner.name", "revenue") == [
        {"name": "Mine", "owner.name": "Ben", "revenue": None}
    ]


def test_an_administrator_keeps_who_made_records_and_when(any_world: World, upload: Upload) -> None:
    web = any_world.browser("ada")
    address = upload(
        web, "firm", "name,made,by\nOld,2019-05-04 10:00,ben@example.com\nNobody's,2019-05-04,x@y.example\n"
    )
    columns(web, address, r1_field="created_at", r2_field="created_by")

    done = words(web.follow(web.submit(address, {"act": "run", "on": ""})))

    assert "There is nobody with the email x@y.example" in done
    [row] = rows(any_world, "firm", "name", "created_at", "created_by.name")
    assert (row["created_at"][:10], row["created_by.name"]) == ("2019-05-04", "Ben")


def test_spreadsheets_and_json_lines_come_in_too(world: World, upload: Upload, tmp_path: Path) -> None:
    web = world.browser("ada")
    file = tmp_path / "firms.xlsx"
    book = Workbook(str(file))
    book.add_worksheet("Notes").write(0, 0, "made by hand")
    page = book.add_worksheet("Firms")
    page.write_row(1, 0, ["Name", "Founded", "Revenue"])
    page.write_row(2, 0, ["Acme", "", 1234.5])
    page.write_datetime(2, 1, datetime(2020, 2, 29), book.add_format({"num_format": "d.m.yy"}))  # noqa: DTZ001 - a spreadsheet knows no zones
    book.close()

    address = upload(web, "firm", file.read_bytes(), "firms.xlsx")
    assert "made by hand" in web.text(address)
    other = web.submit(address, {"act": "read", "sheet": "Firms"})
    columns(web, other.headers["Location"])
    web.submit(address, {"act": "run", "on": ""})

    lines = '{"name": "Beta", "parent": {"title": "Acme"}, "city": null}\n{"name": "Gamma", "mail": "g@x.example"}\n'
    address = upload(web, "firm", lines, "firms.jsonl")
    columns(web, address)
    web.submit(address, {"act": "run", "on": ""})

    assert rows(world, "firm", "name", "founded", "revenue", "parent.name", "mail") == [
        {"name": "Acme", "founded": "2020-02-29", "revenue": "1234.50", "parent.name": None, "mail": None},
        {"name": "Beta", "founded": None, "revenue": None, "parent.name": "Acme", "mail": None},
        {"name": "Gamma", "founded": None, "revenue": None, "parent.name": None, "mail": "g@x.example"},
    ]


def test_lists_may_be_larger_than_attachments_and_take_room_like_them(
    office: tuple[Path, dict[str, str]], tmp_path: Path
) -> None:
    folder, ids = office
    shutil.copytree(folder, tmp_path / "site")
    config = tmp_path / "site" / "guanxi.yaml"
    limits = "limits: {upload_megabytes: 1, import_megabytes: 3, files_megabytes_per_person: 5}\n"
    config.write_text(config.read_text("utf-8") + limits, "utf-8")
    line = b"x" * 99 + b"\n"
    with Site.open(tmp_path / "site") as site:
        web = World(site, create_app(site), ids).browser("ada")

        def answer(number: int) -> tuple[int, str]:
            # The client would leave the temporary file of a large form open.
            head = f'--b\r\nContent-Disposition: form-data; name="_token"\r\n\r\n{web.token()}\r\n--b\r\n'
            head += 'Content-Disposition: form-data; name="file"; filename="rows.csv"\r\n\r\nname\n'
            body = head.encode() + line * number + b"\r\n--b--\r\n"
            sent = web.client.post("/firm/import", data=body, content_type="multipart/form-data; boundary=b")
            return sent.status_code, words(sent.text)

        assert answer(25_000)[0] == 303
        status, said = answer(35_000)
        assert (status, "The file is larger than 3 MB" in said) == (422, True)
        assert answer(130_000)[0] == 413
        assert answer(20_000)[0] == 303
        status, said = answer(20_000)
        assert (status, "You have no room left" in said) == (422, True)
