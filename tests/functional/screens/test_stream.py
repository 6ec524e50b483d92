"""The stream of a record, its stages, what belongs to it, who looks at it, and notices, without a script."""

import io
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine import SYSTEM, Query, Site
from tests.functional.notices.world import DOCUMENTS
from tests.functional.screens.world import Web, World, build, words
from ui.app import create_app

PEOPLE = {
    "ada": ("Ada", "ada@example.com", "admin"),
    "bo": ("Bo", "bo@example.com", "seller"),
    "mei": ("李梅", "mei@example.com", "seller"),
    "max": ("Max", "max@example.com", "boss"),
}
PART = {"HX-Request": "true"}
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c6360000002000001e221bc330000000049454e44ae426082"
)
PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"


@pytest.fixture(scope="session")
def firm_pattern(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """The folder of an office that nobody works in, and the ids of its people."""
    folder = tmp_path_factory.mktemp("firms") / "site"
    return folder, build(folder, DOCUMENTS, people=PEOPLE)


@pytest.fixture
def firms(firm_pattern: tuple[Path, dict[str, str]], tmp_path: Path) -> Iterator[World]:
    """An office of this test's own, without records."""
    folder, ids = firm_pattern
    shutil.copytree(folder, tmp_path / "site")
    site = Site.open(tmp_path / "site")
    yield World(site, create_app(site), ids)
    site.close()


def deal(world: World, who: str = "bo", **values: Any) -> str:
    """Make a deal of somebody and return its address."""
    given = {"name": "Roof", "amount": "5", **values}
    return f"/deal/{world.site.records.create(world.site.principal(world.ids[who]), 'deal', [given])[0].id}"


def comments(world: World) -> list[dict[str, Any]]:
    """Return all comments, the oldest first."""
    with world.site.reading(SYSTEM) as reader:
        return list(reader.query(Query("comment", select=("id", "body", "mentions", "parent"))).dicts())


def send(web: Web, address: str, *files: tuple[bytes, str], **values: Any) -> Any:
    """Post the box of a stream with files."""
    data = {"_token": web.token(), **values, "files": [(io.BytesIO(data), name) for data, name in files]}
    return web.client.post(address, data=data, content_type="multipart/form-data")


# --- comments


def test_a_comment_is_written_shown_and_told_to_whom_it_names(firms: World) -> None:
    address, web = deal(firms), firms.browser("bo")
    body = "Please look @Max: **soon** <script>alert(1)</script> https://example.com/a?b=1&c=2\n- [ ] call"

    page = web.follow(web.submit(f"{address}/comments", {"body": body}))

    assert "<script>alert" not in page
    assert "&lt;script&gt;" in page
    assert '<span class="mention">@Max</span>' in page
    assert "<strong>soon</strong>" in page
    assert 'href="https://example.com/a?b=1&amp;c=2"' in page
    assert "☐ call" in page
    [one] = comments(firms)
    assert list(one["mentions"]) == [f"user/{firms.ids['max']}"]
    boss = firms.browser("max")
    panel = boss.text("/login/account/notices/panel", **PART)
    assert "Bo mentioned you on Roof" in words(panel)
    assert 'class="badge' in boss.text("/login/account/notices/bell?n=0", **PART)
    [go] = re.findall(r'href="(/login/account/notices/[0-9a-f-]{36})"', panel)
    assert boss.get(go).headers["Location"] == f"{address}/stream"
    assert boss.get("/login/account/notices/bell?n=0", **PART).status_code == 204
    assert "is-unread" not in boss.text("/login/account/notices")


def test_who_may_not_see_the_record_is_not_named_unless_it_is_shared_with_them(firms: World) -> None:
    address, web = deal(firms), firms.browser("bo")

    refused = web.submit(f"{address}/comments", {"body": "@李梅请看一下"})

    assert refused.status_code == 422
    assert "李梅 may not see this" in words(refused.text)
    assert "@李梅请看一下</textarea>" in refused.text, "nothing is lost"
    assert comments(firms) == []
    assert firms.browser("mei").get(address).status_code == 404
    web.follow(web.submit(f"{address}/comments", {"body": "@李梅请看一下", "share": "1"}))
    assert firms.browser("mei").get(address).status_code == 200
    assert "Bo mentioned you" in words(firms.browser("mei").text("/login/account/notices"))
    offered = web.text(f"/lookup/mentions{address}?q=a", **PART)
    assert "Max" in offered
    assert "Ada" in offered
    assert web.get(f"/lookup/mentions/deal/{firms.ids['bo']}?q=a").status_code == 404


def test_two_of_one_name_are_told_apart_by_the_list(firms: World) -> None:
    made = [
        {"name": "Kim Park", "email": f"kim{number}@example.com", "roles": ["boss"], "status": "active"}
        for number in (1, 2)
    ]
    kims = firms.create("user", *made)
    address, web = deal(firms), firms.browser("bo")

    refused = web.submit(f"{address}/comments", {"body": "Hello @Kim Park"})
    assert refused.status_code == 422
    assert "Several are called Kim Park" in words(refused.text)
    web.follow(web.submit(f"{address}/comments", {"body": "Hello @Kim Park", "mention": f"user/{kims[1]}"}))
    assert list(comments(firms)[0]["mentions"]) == [f"user/{kims[1]}"]
    web.follow(web.submit(f"{address}/comments", {"body": "write to kim@Max.example or @nobody"}))
    assert comments(firms)[1]["mentions"] in (None, ())


def test_a_comment_is_changed_answered_and_taken_back_by_who_wrote_it(firms: World) -> None:
    address, web, boss = deal(firms), firms.browser("bo"), firms.browser("max")
    web.submit(f"{address}/comments", {"body": "First"})
    [one] = comments(firms)
    place = f"{address}/comments/{one['id']}"

    assert boss.get(place).status_code == 403
    assert boss.submit(place, {"body": "Mine now"}).status_code == 403
    page = web.follow(web.submit(place, {"body": "Second"}))
    assert "edited" in words(page)
    assert web.submit(place, {"body": ""}).status_code == 422
    boss.follow(boss.submit(f"{address}/comments", {"body": "Yes", "parent": one["id"]}))
    assert "in answer to Bo" in words(boss.text(f"{address}/stream"))
    assert boss.submit(f"{place}/delete").status_code == 403
    page = web.follow(web.submit(f"{place}/delete"))
    assert [each["body"] for each in comments(firms)] == ["Yes"]
    [undo] = re.findall(r'action="(/comment/undo/[^"]+)"', page)
    web.submit(undo)
    assert len(comments(firms)) == 2
    assert web.submit(f"/firm/{firms.ids['bo']}/comments", {"body": "x"}).status_code == 404
    assert web.submit(f"{address}/comments", {"body": " "}).status_code == 422


def test_signs_and_pins_stay_with_a_comment(firms: World) -> None:
    address, web, boss = deal(firms), firms.browser("bo"), firms.browser("max")
    for number in range(6):
        web.submit(f"{address}/comments", {"body": f"Word {number}"})
    ids = [each["id"] for each in comments(firms)]

    page = boss.follow(boss.submit(f"{address}/comments/{ids[0]}/sign", {"sign": "heart"}))
    assert re.search(r'aria-pressed="true"[^>]*>❤️ 1', page)
    assert "Love it: Max" in page
    boss.submit(f"{address}/comments/{ids[0]}/sign", {"sign": "heart"})
    assert "❤️ 1" not in boss.text(f"{address}/stream")
    assert boss.submit(f"{address}/comments/{ids[0]}/sign", {"sign": "frown"}).status_code in {400, 422}
    for id_ in ids[:5]:
        page = web.follow(web.submit(f"{address}/comments/{id_}/pin", {"pin": "1"}))
    assert words(page.partition("stream-pinned")[2].partition("stream-chips")[0]).count("Word") == 5
    full = web.submit(f"{address}/comments/{ids[5]}/pin", {"pin": "1"})
    assert full.status_code == 422
    assert "At most 5 comments" in words(full.text)
    web.submit(f"{address}/comments/{ids[0]}/pin", {"pin": "0"})
    assert web.submit(f"{address}/comments/{ids[5]}/pin", {"pin": "1"}).status_code == 303


# --- files


def test_files_are_attached_several_at_once_and_looked_at_safely(firms: World) -> None:
    address, web = deal(firms), firms.browser("bo")
    evil = b"<html><script>alert(1)</script></html>"

    response = send(
        web, f"{address}/comments", (PNG, "p.png"), (PDF, "o.pdf"), (b"a,b\n<b>1", "t.csv"), (evil, "e.html")
    )

    assert response.status_code == 303
    page = web.text(f"{address}/stream?kind=file")
    files = dict(re.findall(r'href="(/files/[0-9a-f-]{36})/preview[^"]*">([^<]+)</a>', page))
    by = {name: place for place, name in files.items()}
    assert set(by) == {"p.png", "o.pdf", "t.csv", "e.html"}
    assert f'src="{by["p.png"]}/inline"' in web.text(f"{by['p.png']}/preview")
    framing = web.get(f"{by['o.pdf']}/preview")
    assert "frame-src 'self'" in framing.headers["Content-Security-Policy"]
    shown = web.get(f"{by['o.pdf']}/inline")
    assert shown.headers["Content-Type"] == "application/pdf"
    assert "default-src 'none'" in shown.headers["Content-Security-Policy"]
    assert shown.headers.getlist("X-Frame-Options") == ["SAMEORIGIN"]
    assert "&lt;b&gt;1" in web.text(f"{by['t.csv']}/preview")
    assert web.get(f"{by['e.html']}/inline").status_code == 404, "what could run is never shown"
    assert "<script>alert" not in web.text(f"{by['e.html']}/preview")
    other = firms.browser("mei")
    for place in by.values():
        assert {other.get(f"{place}{way}").status_code for way in ("", "/preview", "/inline")} == {404}
    gone = web.submit(f"{address}/files/{by['t.csv'][7:]}/delete")
    assert gone.status_code == 303
    assert "t.csv" not in web.text(f"{address}/stream?kind=file")


def test_a_file_takes_the_right_to_change_the_record_and_says_what_is_wrong(firms: World) -> None:
    address, web = deal(firms), firms.browser("bo")
    firms.site.records.share(firms.site.principal(firms.ids["bo"]), "deal", address[6:], "user", firms.ids["mei"])

    assert 'name="files"' not in firms.browser("mei").text(f"{address}/stream")
    refused = send(firms.browser("mei"), f"{address}/files", (b"x", "x.txt"))
    assert refused.status_code == 422
    empty = send(web, f"{address}/files", (b"", "empty.txt"), (b"good", "good.txt"))
    assert empty.status_code == 422
    assert "empty.txt: The file is empty" in words(empty.text)
    assert "good.txt" in web.text(f"{address}/stream?kind=file")
    assert send(web, f"{address}/files").status_code == 422


# --- activities, changes, following


def test_an_activity_is_written_down_and_closed_from_the_stream(firms: World) -> None:
    address, web = deal(firms), firms.browser("bo")

    wrong = web.submit(f"{address}/activities", {"kind": "visit", "status": "done"})
    assert wrong.status_code == 422
    assert "Say what came of it" in words(wrong.text)
    assert 'value="visit" selected' in wrong.text
    page = web.follow(
        web.submit(f"{address}/activities", {"kind": "visit", "status": "planned", "due_at": "2020-01-02T10:00"})
    )
    coming = page.partition("stream-next")[2].partition("stream-chips")[0]
    assert "Visit" in words(coming)
    assert "overdue" in words(coming)
    [step] = re.findall(r'action="(/activity/[^"]+/transition/close)"', coming)
    asked = web.submit(step, {"back": address})
    assert asked.status_code == 422, "what came of it is asked for"
    page = web.follow(web.submit(f"{address}/activities", {"subject": "Called", "status": "done", "words": "Fine"}))
    assert "Called" in words(page)
    assert words(page).count("Visit") >= 1


def test_changes_stages_and_shares_stand_in_the_stream_of_the_account_too(firms: World) -> None:
    [firm] = [
        each.id for each in firms.site.records.create(firms.site.principal(firms.ids["bo"]), "firm", [{"name": "Acme"}])
    ]
    address, web = deal(firms, firm=firm), firms.browser("bo")
    web.submit(f"{address}/transition/offer")
    firms.site.records.update(firms.site.principal(firms.ids["bo"]), "deal", [{"id": address[6:], "amount": "9"}])
    firms.site.records.share(firms.site.principal(firms.ids["bo"]), "firm", firm, "user", firms.ids["mei"])

    page = web.text(f"/firm/{firm}/stream")

    told = words(page)
    assert "Bo shared it with 李梅" in told
    assert "Stage Talks → Offer" in told
    assert "Amount ¥5.00 → ¥9.00" in told
    assert f'href="{address}"' in page
    assert "Stage" not in words(firms.browser("mei").text(f"/firm/{firm}/stream")), "deals of others tell nothing"
    part = web.text(f"/firm/{firm}/stream", **PART)
    assert part.lstrip().startswith("{#") or "<section" in part
    assert "<html" not in part
    assert web.get(f"/firm/{firm}/stream?cursor=nonsense").status_code == 400


def test_a_long_stream_goes_on_where_it_ended(firms: World) -> None:
    address, web = deal(firms), firms.browser("bo")
    rows = [{"record_entity": "deal", "record_id": address[6:], "body": f"Word {number:02}."} for number in range(60)]
    firms.site.records.create(firms.site.principal(firms.ids["bo"]), "comment", rows)
    seen: list[str] = []
    place = f"{address}/stream?kind=comment"
    while place:
        page = web.text(place, **PART)
        seen += re.findall(r"Word \d\d", page)
        found = re.findall(r'href="([^"]+cursor=[^"]+)"', page)
        place = found[0].replace("&amp;", "&") if found else ""
    assert sorted(seen) == [f"Word {number:02}" for number in range(60)]


def test_following_is_a_press(firms: World) -> None:
    address, boss = deal(firms), firms.browser("max")

    assert 'name="follow" value="1"' in boss.text(f"{address}/stream")
    page = boss.follow(boss.submit(f"{address}/follow", {"follow": "1"}))
    assert 'name="follow" value="0"' in page
    firms.browser("bo").submit(f"{address}/comments", {"body": "News"})
    assert "Bo commented on Roof" in words(boss.text("/login/account/notices"))
    boss.submit("/login/account/notices")
    assert "is-unread" not in boss.text("/login/account/notices")


# --- the record page


def test_the_stage_bar_says_where_a_record_stands_and_why_it_may_not_go_on(firms: World) -> None:
    address, web = deal(firms, amount=None), firms.browser("bo")

    page = web.text(address)
    bar = page.partition('id="stages"')[2].partition("</form>")[0]

    assert 'aria-current="step"' in bar
    assert words(bar).index("Talks") < words(bar).index("Offer")
    assert "/transition/offer" not in bar
    assert "Make an offer Possible when: Amount > 0" in words(bar)
    assert "Lose Only for: Boss" in words(bar)
    firms.site.records.update(firms.site.principal(firms.ids["bo"]), "deal", [{"id": address[6:], "amount": "5"}])
    page = web.follow(web.submit(f"{address}/transition/offer"))
    bar = page.partition('id="stages"')[2].partition("</form>")[0]
    assert re.search(r"is-passed.*?Talks", bar, re.DOTALL) or 'transition/back"' in bar
    assert '/transition/win"' in bar
    boss = firms.browser("max")
    page = boss.follow(boss.submit(f"{address}/transition/lose"))
    bar = page.partition('id="stages"')[2].partition("</form>")[0]
    assert re.search(r'is-now[^"]*is-bad', bar), "an end shows by its colour and its name"
    assert '/transition/reopen"' in bar
    firms.site.records.share(firms.site.principal(firms.ids["bo"]), "deal", address[6:], "user", firms.ids["mei"])
    assert "/transition/" not in firms.browser("mei").text(address), "who may not change it is shown, not asked"


def test_key_facts_and_ways_to_speak_stand_beside_the_name(firms: World) -> None:
    [firm] = firms.create("firm", {"name": "Acme", "phone": "13800138000", "owner": firms.ids["bo"]})

    page = firms.browser("bo").text(f"/firm/{firm}")

    line = page.partition('class="highlights"')[2].partition("</dl>")[0]
    assert words(line).endswith("Phone 138 0013 8000 Owner Bo")
    assert 'href="tel:' in page.partition("record-dock")[2]
    assert "empty field" not in words(page)
    [bare] = firms.create("firm", {"name": "Bare", "owner": firms.ids["bo"]})
    page = firms.browser("bo").text(f"/firm/{bare}")
    assert "1 empty field" in words(page)
    assert "highlight" in page


def test_a_row_that_belongs_is_let_go_of_or_deleted_where_it_stands(firms: World) -> None:
    [firm] = firms.create("firm", {"name": "Acme", "owner": firms.ids["bo"]})
    address, web = deal(firms, firm=firm), firms.browser("bo")
    id_, place = address[6:], f"/firm/{firm}/related/deals"
    assert f'name="unlink" value="{id_}"' in web.text(f"/firm/{firm}")

    page = web.follow(web.submit(place, {"unlink": id_, "tab": "main"}))

    assert "Deal unlinked" in words(page)
    assert f'value="{id_}"' not in page
    [undo] = re.findall(r'action="(/deal/undo/[^"]+)"', page)
    web.submit(undo)
    page = web.follow(web.submit(place, {"delete": id_}))
    assert web.get(address).status_code == 404
    strange = deal(firms, "max", firm=firm)
    assert web.submit(place, {"delete": strange[6:]}).status_code in {303, 403, 404}
    assert firms.browser("max").get(strange).status_code == 200
    assert web.submit(place, {"unlink": "nonsense"}).status_code == 404


def test_others_who_look_are_named_and_a_newer_version_is_told(firms: World) -> None:
    address, web, boss = deal(firms), firms.browser("bo"), firms.browser("max")

    assert "looking" not in web.submit(f"{address}/present", {"version": "1"}, **PART).text
    told = boss.submit(f"{address}/present", {"version": "1"}, **PART).text
    assert "Bo is looking at it too" in told
    [state] = re.findall(r'name="state" value="([^"]+)"', told)
    assert boss.submit(f"{address}/present", {"version": "1", "state": state}, **PART).status_code == 204
    firms.site.records.update(firms.site.principal(firms.ids["bo"]), "deal", [{"id": address[6:], "amount": "9"}])
    told = boss.submit(f"{address}/present", {"version": "1", "state": state}, **PART).text
    assert "Bo just saved it." in words(told)
    assert firms.browser("mei").submit(f"{address}/present", {"version": "1"}, **PART).status_code == 404
    with firms.statements() as seen:
        boss.submit(f"{address}/present", {"version": "2"}, **PART)
    assert not [each for each in seen if each.startswith("INSERT")], "an open page writes now and then only"
    assert len(seen) <= 5, seen


def test_notices_are_told_as_each_person_wants(firms: World) -> None:
    web, place = firms.browser("bo"), "/login/account/notices/settings"

    wrong = web.submit(place, {"quiet_from": "22:00", "digest_at": "08:00"})
    assert wrong.status_code == 422
    assert "Quiet hours have a beginning and an end" in words(wrong.text)
    assert "Saved" in words(
        web.follow(web.submit(place, {"mail-mention": "now", "show-mention": "1", "follow_own": "1"}))
    )
    page = web.text(place)
    assert re.search(r'name="mail-mention".*?value="now" selected', page, re.DOTALL)
    assert not re.search(r'name="show-assigned"[^>]* checked', page)
    deal(firms, "max", owner=firms.ids["bo"])
    assert "yours" not in words(web.text("/login/account/notices"))


def test_a_stream_costs_few_statements_however_long_it_is(firms: World) -> None:
    address, web = deal(firms), firms.browser("bo")
    counts = []
    for number in range(2):
        for each in range(20 * number):
            web.submit(f"{address}/comments", {"body": f"@Max {each}"}) if each < 3 else None
            firms.create("comment", {"record_entity": "deal", "record_id": address[6:], "body": f"Word {each}"})
        web.text(f"{address}/stream", **PART)
        with firms.statements() as seen:
            web.text(f"{address}/stream", **PART)
        counts.append(len(seen))
    assert counts[1] <= 14, seen
    with firms.statements() as seen:
        web.text(address)
    assert len(seen) <= 8, seen


ENGLISH = re.compile(r"[A-Za-z]{3,}")


def test_every_word_of_the_stream_is_chinese_for_who_reads_chinese(firms: World) -> None:
    address, web = deal(firms, name="屋顶", amount=None), firms.browser("bo", "zh")
    web.client.set_cookie("guanxi_language", "zh")
    send(web, f"{address}/comments", (PNG, "图.png"), body="@Max 你好")
    web.submit(f"{address}/activities", {"subject": "拜访", "status": "planned", "due_at": "2020-01-02T10:00"})
    firms.browser("max").submit(f"{address}/comments", {"body": "好 @Bo"})
    [one, _two] = comments(firms)
    pages = [web.text(each) for each in (address, f"{address}/stream", f"{address}/comments/{one['id']}",
             "/login/account/notices", "/login/account/notices/settings", "/login/account/notices/panel")]  # fmt: skip
    pages.append(web.submit(f"{address}/comments", {"body": "@李梅"}).text)
    pages += [web.submit(f"{address}/activities", {"status": "done"}).text]
    names = {"Max", "Ada", "English", "Guanxi", "CNY", "png", "Ctrl", "UTC", "Asia", "Shanghai", "like"}
    for page in pages:
        shown = words(page) + " ".join(re.findall(r'(?:title|placeholder|aria-label)="([^"]*)"', page))
        left = {word for word in ENGLISH.findall(shown) if word not in names}
        assert not left, [shown[max(shown.find(word) - 60, 0) : shown.find(word) + 60] for word in left]


def test_a_comment_is_internal_unless_it_is_marked_public(firms: World) -> None:
    bo = firms.browser("bo")
    address = deal(firms)
    bo.submit(f"{address}/comments", {"body": "Between us"})
    bo.submit(f"{address}/comments", {"body": "Dear customer", "public": "1"})
    with firms.site.reading(SYSTEM) as reader:
        kept = {
            row["body"]: row["internal"] for row in reader.query(Query("comment", select=("body", "internal"))).dicts()
        }
    assert kept == {"Between us": True, "Dear customer": False}
    assert bo.text(f"{address}/stream").count('class="entry-public"') == 1
    assert f"{address}/stream?kind=public" in bo.text(f"{address}/stream?kind=comment")
    shown = bo.text(f"{address}/stream?kind=public")
    assert "Dear customer" in shown
    assert "Between us" not in shown
    # What was public is taken back by its author.
    [public] = [each["id"] for each in comments(firms) if each["body"] == "Dear customer"]
    bo.submit(f"{address}/comments/{public}", {"body": "Dear customer"})
    assert "Dear customer" not in bo.text(f"{address}/stream?kind=public")


def test_files_of_one_name_are_versions_of_one(firms: World) -> None:
    bo = firms.browser("bo")
    address = deal(firms)
    for text in (b"first", b"second"):
        bo.submit(f"{address}/files", {"files": (io.BytesIO(text), "offer.txt")})
    bo.submit(f"{address}/files", {"files": (io.BytesIO(b"x"), "other.txt")})
    page = bo.text(f"{address}/stream?kind=file")
    assert "version 2" in words(page)
    assert "version 1 of 2" in words(page)
    place = re.findall(rf'href="({address}/files/[0-9a-f-]+/versions)">version 2', page)[0]
    assert bo.submit(place, {"file": (io.BytesIO(b"third"), "offer.pdf")}).status_code == 422
    listed = bo.follow(bo.submit(place, {"file": (io.BytesIO(b"third"), "offer final.txt")}))
    assert "offer.txt has a new version" in words(listed)
    ids = re.findall(r'href="/files/([0-9a-f-]+)"', listed)
    assert [bo.get(f"/files/{each}").data for each in ids] == [b"third", b"second", b"first"]
    assert "Bo" in words(listed)
    assert firms.browser("mei").get(place).status_code == 404
