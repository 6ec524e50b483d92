"""The ways to an export: the page of a list, the files of a person, the API, the command."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from tests.functional.exporting.reading_back import lines, sheets, table
from tests.functional.screens.world import World, words
from ui.cli.commands import cli

READ = {"format": "xlsx", "purpose": "read", "scope": "view", "about": "1"}


def cards(world: World) -> list[str]:
    [client] = world.create("client", {"name": "上海海纳", "city": "上海"})
    ben = world.ids["ben"]
    return world.create(
        "job_card",
        {"name": "Brakes", "stage": "open", "amount": "10", "client": client, "owner": ben, "margin": "3"},
        {"name": "Clutch", "stage": "done", "amount": "20", "owner": ben},
        {"name": "Doors", "stage": "open", "amount": "30", "owner": world.ids["cao"]},
    )


def test_the_page_says_what_it_will_be_and_sends_what_the_list_shows(shop: World) -> None:
    cards(shop)
    web = shop.browser("ada")
    web.client.set_cookie("guanxi_language", "zh")
    page = web.text("/job_card/export?stage=open")
    assert "有 2 条记录符合" in words(page)
    assert 'href="/job_card/export?stage=open"' in web.text("/job_card?stage=open")

    response = web.submit("/job_card/export?stage=open", READ)
    assert response.status_code == 303
    sent = web.get(response.headers["Location"])

    assert (sent.mimetype or "").endswith("sheet")
    assert "工单 " in unquote(sent.headers["Content-Disposition"].partition("filename*=UTF-8''")[2])
    assert sent.headers["Cache-Control"] == "private, no-store"
    assert int(sent.headers["Content-Length"]) == len(sent.data)
    found = sheets(sent.data)
    assert found["工单"] == [
        ["名称", "阶段", "金额", "客户", "毛利"],
        ["Doors", "进行中", 30, "", ""],
        ["Brakes", "进行中", 10, "上海海纳", 3],
    ]  # fmt: skip
    assert dict(found["关于此文件"])["仅限"] == "stage == 'open'"


def test_ticked_rows_and_chosen_fields_in_their_places_are_exported(shop: World) -> None:
    ids = cards(shop)
    web = shop.browser("ada")
    asked = web.get("/job_card/export?" + "&".join(f"id={each}" for each in ids[:2]) + "&back=/job_card%3Fstage%3Dopen")
    assert asked.status_code == 303
    page = web.text(asked.headers["Location"])
    assert "The ticked rows are exported" in words(page)
    assert "1 record fits" in words(page)

    response = web.submit("/job_card/export", {
        "format": "csv", "purpose": "import", "scope": "chosen", "field": ["name", "client.city", "amount"],
        "place.amount": "1", "place.name": "2", "id": ids[:2], "encoding": "gb18030", "delimiter": "tab"})  # fmt: skip

    rows = table(web.get(response.headers["Location"]).data, "gb18030", "\t")
    assert [list(row) for row in rows] == [["amount", "name", "client.city"]] * 2
    assert [row["client.city"] for row in rows] == ["上海", ""]


def test_what_is_filled_in_wrongly_is_told_at_its_field(shop: World) -> None:
    cards(shop)
    web = shop.browser("cao")

    response = web.submit("/job_card/export", {**READ, "timezone": "Mars"})
    assert response.status_code == 422
    assert "there is no time zone" in response.text
    response = web.submit("/job_card/export", READ)
    assert (response.status_code, "Please say why you export this" in response.text) == (422, True)
    assert 'value="xlsx" checked' in response.text
    assert web.submit("/job_card/export", {**READ, "reason": "Audit"}).status_code == 303


def test_hidden_fields_are_not_offered_and_who_may_not_export_sees_no_page(shop: World) -> None:
    cards(shop)
    page = shop.browser("ben").text("/job_card/export")
    assert "Margin" not in page
    assert "client.credit" not in page
    assert "Those that you may read but not export are left out" in words(page)
    forged = {**READ, "scope": "chosen", "field": ["margin"]}
    refused = shop.browser("ben").submit("/job_card/export", forged)
    assert (refused.status_code, "There is no field margin" in words(refused.text)) == (422, True)
    assert shop.browser("dan").get("/job_card/export").status_code == 403
    assert "/job_card/export" not in shop.browser("dan").text("/job_card")


def test_a_big_export_has_a_page_that_shows_how_far_it_is(shop: World) -> None:
    cards(shop)
    object.__setattr__(shop.site.exports.rules, "at_once", 2)
    web = shop.browser("ada")
    assert "So many records take a while" in words(web.text("/job_card/export"))

    response = web.submit("/job_card/export", {**READ, "mails": "1"})
    address = response.headers["Location"]
    assert "Waiting" in words(web.text(address))
    assert web.get(f"{address}/file").status_code == 404
    shop.site.jobs.run_due()

    assert "3 records" in words(web.text(address))
    assert len(sheets(web.get(f"{address}/file").data)["Job cards"]) == 4
    [made] = shop.site.exports.entries(shop.site.principal(shop.ids["ada"]))
    assert made.name in web.text("/files/exports")
    assert words(web.text(f"/files/exports/{made.job_id}")) == words(web.text(address))
    for other in ("ben", "cao"):
        assert shop.browser(other).get(address).status_code == 404
        assert shop.browser(other).submit(f"{address}/delete").status_code == 404
    assert "The file was deleted" in words(web.follow(web.submit(f"{address}/delete")))
    assert web.get(address).status_code == 404


def test_a_list_that_needs_a_reason_sends_nobody_a_table_without_one(shop: World) -> None:
    cards(shop)

    response = shop.browser("cao").get("/job_card/export.csv?stage=open")

    assert response.status_code == 303
    assert response.headers["Location"] == "/job_card/export?stage=open"
    assert table(shop.browser("ben").get("/job_card/export.csv").data)[0]["name"] == "Brakes"


def api(world: World, method: str, address: str, token: str, body: Any = None) -> Any:
    headers = {"Authorization": f"Bearer {token}"}
    return world.app.test_client().open(f"/api/v1{address}", method=method, json=body, headers=headers)


def test_programs_ask_for_a_file_look_after_it_and_fetch_it(shop: World) -> None:
    cards(shop)
    token, other = (shop.site.identity.add_token(shop.ids[who], "t")[1] for who in ("ada", "ben"))

    asked = api(shop, "POST", "/job_card/export", token, {"format": "jsonl", "filter": "stage == 'open'",
                                                          "fields": ["name", "client.name"]})  # fmt: skip
    assert asked.status_code == 202
    address = asked.headers["Location"].removeprefix("/api/v1")
    assert (asked.json["state"], asked.json["records"], asked.json["done"]) == ("queued", None, 0)
    assert api(shop, "GET", f"{address}/file", token).status_code == 404
    shop.site.jobs.run_due()

    state = api(shop, "GET", address, token).json
    assert (state["state"], state["records"]) == ("done", 2)
    sent = api(shop, "GET", state["href"].removeprefix("/api/v1"), token)
    assert len(sent.data) == state["bytes"]
    assert lines(sent.data) == [{"name": "Brakes", "client.name": "上海海纳"}, {"name": "Doors", "client.name": None}]
    for method, where in (("GET", address), ("GET", f"{address}/file"), ("DELETE", address)):
        assert api(shop, method, where, other).status_code == 404
    assert api(shop, "GET", address.replace("job_card", "client"), token).status_code == 404
    assert api(shop, "DELETE", address, token).status_code == 204
    assert api(shop, "GET", address, token).status_code == 404


@pytest.mark.parametrize(
    ("body", "status", "path"),
    [({"format": "pdf"}, 422, "format"), ({"fields": ["nothing"]}, 400, None), ({"filter": "a =="}, 422, "filter")],
)
def test_programs_are_told_what_is_wrong(shop: World, body: dict[str, Any], status: int, path: str | None) -> None:
    token = shop.site.identity.add_token(shop.ids["ada"], "t")[1]

    refused = api(shop, "POST", "/job_card/export", token, body)

    assert refused.status_code == status
    assert [each["path"] for each in refused.json.get("errors", [])] == ([path] if path else [])


def test_the_command_writes_what_its_options_say(
    shop: World, tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    cards(shop)
    folder, file = str(shop.site.config.folder), tmp_path / "out.xlsx"

    def run(*args: str) -> bytes:
        assert cli.main(["export", "job_card", "--site", folder, *args], standalone_mode=False) in {None, 0}
        return capsysbinary.readouterr().out

    text = run("--people", "--fields", "name,client,amount", "--order=-amount", "--language", "zh", "--delimiter", ";")
    assert [row["客户"] for row in table(text, delimiter=";")] == ["", "", "上海海纳"]
    assert [row["名称"] for row in table(text, delimiter=";")] == ["Doors", "Clutch", "Brakes"]
    answer = run("-o", str(file), "--search", "brakes", "--about", "--children", "--reason", "Audit", "--json")
    assert json.loads(answer)["records"] == 1
    assert set(sheets(file.read_bytes())) == {"job_card", "parts", "About this file"}
    assert lines(run("--format", "jsonl", "--fields", "name", "--where", "amount < 15")) == [{"name": "Brakes"}]


HOSTILE: list[Any] = [
    {"q": "a\0b"}, {"reason": "a\0b"}, {"filter": "name == 'a\0b'"}, {"fields": ["na\0me"]}, {"order": ["-"]},
    {"fields": ["client.client.client"]}, {"fields": ["a..b"]}, {"filter": "(" * 500},
    {"filter": "name == 'x' or " * 3000},
    {"timezone": "../../../etc/passwd"}, {"timezone": "\0"}, {"timezone": "Asia"}, {"language": {}}, {"format": []},
    {"ids": []}, {"ids": ["018f4a3e-5a1c-7000-8000-000000000000"] * 10_001}, {"ids": "x" * 100_000},
    {"delimiter": "\n"},
    {"q": "x" * 100_000}, {"order": [f"-{'x' * 5_000}"]}, {"children": 1}, {"about": None, "filter": None},
    {"format": "xlsx", "reason": "\x01\x1f\uffff", "about": True}, {"fields": ["id"] * 1_000}, [], "x", None,
]  # fmt: skip


def test_hostile_wishes_are_refused_or_carried_out_and_never_break(either: World) -> None:
    cards(either)
    token = either.site.identity.add_token(either.ids["ada"], "t")[1]

    for body in HOSTILE:
        answer = api(either, "POST", "/job_card/export", token, body)
        assert answer.status_code in {202, 400, 422}, (body, answer.status_code, answer.text[:300])
    either.site.jobs.run_due()

    jobs = either.site.jobs.entries(task="export", limit=200)
    assert {job.state for job in jobs} == {"done"}, [str(job.error) for job in jobs if job.error]
