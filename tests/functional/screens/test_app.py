"""The frame of pages: headers, errors, navigation, home, search, and that all of it is in Chinese too."""

import gzip
import re
from pathlib import Path

import pytest

from engine import SYSTEM, DatabaseUnavailable, Message, StaleModel
from tests.functional.screens.world import World, words


def test_every_page_carries_headers_that_keep_others_out(world: World) -> None:
    for address in ("/login", "/deal", "/nonsense"):
        headers = world.browser("ben").get(address).headers

        assert "default-src 'none'; script-src 'self'; style-src 'self'" in headers["Content-Security-Policy"]
        assert "unsafe" not in headers["Content-Security-Policy"]
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "same-origin"
        assert headers["Cache-Control"] == "no-store"
        assert {"HX-Request", "Cookie"} <= set(headers["Vary"].split(", "))
        assert "Permissions-Policy" in headers
        assert "Strict-Transport-Security" not in headers


def test_over_tls_browsers_are_told_to_stay_there(world: World) -> None:
    response = world.app.test_client().get("/login", base_url="https://localhost")

    assert "Strict-Transport-Security" in response.headers
    assert all("Secure" in cookie for cookie in response.headers.getlist("Set-Cookie"))


def test_files_of_pages_are_kept_for_ever_and_come_compressed(world: World) -> None:
    web = world.browser()
    address = re.search(r'href="(/static/style-[^"]+)"', web.text("/login"))
    assert address is not None

    packed = web.get(address[1], **{"Accept-Encoding": "gzip"})
    smaller = web.get(address[1], **{"Accept-Encoding": "gzip, deflate, br, zstd"})
    plain = web.get(address[1], **{"Accept-Encoding": "gzip;q=0"})

    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.data) == plain.data
    assert "immutable" in packed.headers["Cache-Control"]
    assert len(packed.data) < len(plain.data) / 4
    assert (smaller.headers["Content-Encoding"], smaller.mimetype) == ("br", "text/css")
    assert len(smaller.data) < len(packed.data)
    assert "Content-Encoding" not in plain.headers
    assert web.get("/static/../../guanxi.yaml").status_code == 404


def test_pages_come_compressed_but_never_to_another_site(world: World) -> None:
    web = world.browser("ben")
    plain = web.get("/deal")

    asked = [
        (web.get("/deal", **{"Accept-Encoding": "gzip", **headers}), packed)
        for headers, packed in (
            ({"Sec-Fetch-Site": "same-origin"}, True),
            ({"Sec-Fetch-Site": "none"}, True),
            ({}, True),  # nothing is encrypted
            ({"Sec-Fetch-Site": "cross-site"}, False),
            ({"Sec-Fetch-Site": "same-site"}, False),
            ({"Sec-Fetch-Site": "same-origin", "Accept-Encoding": "gzip;q=0"}, False),
        )
    ]
    secretly = web.client.get("/deal", base_url="https://localhost", headers={"Accept-Encoding": "gzip"})

    assert [response.headers.get("Content-Encoding") == "gzip" for response, _ in asked] == [each for _, each in asked]
    assert "Content-Encoding" not in {*plain.headers.keys(), *secretly.headers.keys()}
    whole = gzip.decompress(asked[0][0].data)
    assert len(asked[0][0].data) < len(whole) / 3
    assert int(asked[0][0].headers["Content-Length"]) == len(asked[0][0].data)
    assert len(whole) == len(plain.data)
    assert "Accept-Encoding" in plain.headers["Vary"]


def test_an_unknown_address_is_a_page_and_not_a_trace(world: World) -> None:
    response = world.browser("ben").get("/deal/nonsense/nonsense")

    assert response.status_code == 404
    assert "does not exist" in words(response.text)
    assert "Traceback" not in response.text


def test_a_wrong_method_is_a_page(world: World) -> None:
    response = world.browser("ben").client.put("/login")

    assert response.status_code in {403, 405}
    assert "<html" in response.text


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (DatabaseUnavailable(Message("The database is busy")), 503),
        (StaleModel(1, 2), 503),
        (RuntimeError("secret 42"), 500),
    ],
)
def test_what_goes_wrong_inside_is_told_without_what_it_quotes(
    world: World, monkeypatch: pytest.MonkeyPatch, error: Exception, status: int
) -> None:
    def broken(*_given: object, **_named: object) -> None:
        raise error

    monkeypatch.setattr(world.site, "reading", broken)
    response = world.browser("ben").get("/deal")

    assert response.status_code == status
    assert "secret 42" not in response.text
    assert ("Retry-After" in response.headers) == (status == 503)


def test_a_database_that_is_gone_is_told_as_such(world: World) -> None:
    world.site.database.dispose()
    file = Path(str(world.site.database.engine.url.database))
    file.rename(file.with_suffix(".gone"))
    file.mkdir()

    response = world.browser().get("/deal")
    signed_in = world.browser("ben").get("/deal")

    assert response.status_code in {303, 503}
    assert signed_in.status_code == 503
    assert signed_in.headers["Retry-After"] == "1"


def test_programs_that_keep_the_site_running_are_told_how_it_is(world: World) -> None:
    assert world.browser().text("/healthz") == f"ok {world.site.revision}\n"

    world.site.database.dispose()
    file = Path(str(world.site.database.engine.url.database))
    file.rename(file.with_suffix(".gone"))
    file.mkdir()

    assert world.browser().get("/healthz").status_code == 503


def test_an_error_page_still_leads_on(world: World) -> None:
    page = world.browser("ben").get("/nonsense").text

    assert 'href="/deal"' in page


def test_the_navigation_shows_what_ones_roles_may_see(world: World) -> None:
    ada, ben, dan = (world.browser(who).text("/") for who in ("ada", "ben", "dan"))

    def entries(page: str) -> list[str]:
        return re.findall(r'<li><a href="([^"]*)"', page.partition("<nav")[2].partition("</nav>")[0])

    assert entries(ben) == ["/", "/deal", "/client"]
    assert entries(ada)[:2] == ["/", "/deal"]
    assert "/user" in entries(ada)
    assert entries(dan) == ["/"]


def test_the_current_entry_of_the_navigation_is_marked(world: World) -> None:
    page = world.browser("ben").text("/deal/trash")

    assert re.findall(r'data-nav="([^"]*)" aria-current="page"', page) == ["deal"]


def test_a_name_of_somebody_is_never_markup(world: World) -> None:
    world.create("deal", {"name": "<script>alert(1)</script>", "owner": world.ids["ben"]})
    web = world.browser("ben")

    for address in ("/", "/deal", "/search?q=alert", "/search?q=<script>alert(1)</script>", "/deal?q=<script>"):
        page = web.get(address).text

        assert "<script>alert" not in page


def test_home_shows_my_newest_and_what_others_changed(world: World) -> None:
    ben, cao = world.ids["ben"], world.ids["cao"]
    world.site.records.create(world.site.principal(ben), "deal", [{"name": "Mine"}])
    world.create("deal", {"name": "Given to me", "owner": ben}, {"name": "Not mine", "owner": cao})

    page = world.browser("ben").text("/")

    assert "Hello, Ben" in words(page)
    assert 'href="/deal/new"' in page
    assert "Not mine" not in page
    mine, _, recent = page.partition("Changed by others")
    assert "Mine" in words(mine)
    assert "Given to me" in words(recent)
    assert 'hx-get="/deal/count"' in page


def test_home_of_somebody_without_rights_says_so(world: World) -> None:
    page = world.browser("dan").text("/")

    assert "There is nothing here for you yet" in words(page)


def test_search_finds_what_somebody_may_see_by_entity(world: World) -> None:
    world.create("client", {"name": "Acme"})
    world.create(
        "deal", {"name": "Acme anvil", "owner": world.ids["ben"]}, {"name": "Acme secret", "owner": world.ids["cao"]}
    )
    web = world.browser("ben")

    page = re.sub("</?mark>", "", web.text("/search?q=acme"))

    assert re.findall(r'id="found-([a-z]+)"', page) == ["client", "deal"]  # what is called so comes first
    assert "Acme anvil" in page
    assert "Acme secret" not in page
    assert 'href="/client?q=acme"' in page
    assert "Nothing found" in words(web.text("/search?q=zebra"))
    assert "What are you looking for?" in words(web.text("/search"))


def test_chinese_is_found_by_part_and_by_the_initials_of_its_pinyin(world: World) -> None:
    world.create("client", {"name": "腾飞贸易"}, {"name": "远大"})
    web = world.browser("ben", "zh")

    for wanted in ("腾飞", "贸易", "tfmy"):
        page = re.sub("</?mark>", "", web.text(f"/search?q={wanted}"))
        assert "腾飞贸易" in page
        assert "远大" not in page


ENGLISH = re.compile(r"[A-Za-z]{3,}")
NOT_WORDS = {
    "Ada", "Ben", "Dan", "English", "CSV", "Anvil", "nonsense", "stag", "stage", "guanxi", "user", "add", "and", "not",
    "Webhook", "Ctrl",
}  # fmt: skip


@pytest.mark.parametrize(
    "address",
    [
        "/login",
        "/",
        "/deal",
        "/deal?stage=won",
        "/deal?filter=stag",
        "/deal?view=deal.mine",
        "/deal/trash",
        "/deal/bulk",
        "/search",
        "/search?q=Anvil",
        "/search?q=nonsense",
        "/client",
        "/user",
        "/nonsense",
        "/deal/export.csv?stage=x",
    ],
)
def test_every_word_of_the_product_is_chinese_for_who_reads_chinese(world: World, address: str) -> None:
    world.create("deal", {"name": "Anvil", "owner": world.ids["ada"]}, {"name": "Anvil", "owner": world.ids["ben"]})
    web = world.browser("ada" if address != "/login" else None, "zh")
    web.client.set_cookie("guanxi_language", "zh")

    page = re.sub(r"<code>.*?</code>|[\w.]+@[\w.]+|admin|seller|boss", "", web.get(address).text)
    page = re.sub(r"<[^>]* translate=.no[^>]*>", "", page)

    shown = words(page) + " ".join(re.findall(r'(?:title|placeholder|aria-label)="([^"]*)"', page))
    assert {word for word in ENGLISH.findall(shown) if word not in NOT_WORDS} == set()


def test_notices_are_chinese_too(world: World) -> None:
    ids = world.create("deal", *({"name": "Anvil", "owner": world.ids["ben"]} for _ in range(2)))
    web = world.browser("ben", "zh")
    web.client.set_cookie("guanxi_language", "zh")

    page = web.follow(web.submit("/deal/bulk", {"id": ids, "delete": "1"}))

    assert "已将 2 条交易移入回收站" in page


def test_a_site_on_postgresql_has_the_same_screens(tmp_path: Path, postgres_url: str) -> None:
    from engine import Site
    from tests.functional.screens.world import build, titles
    from ui.app import create_app

    ids = build(tmp_path / "site", database_url=postgres_url)
    site = Site.open(tmp_path / "site", database_url=postgres_url)
    world = World(site, create_app(site), ids)
    world.create(
        "deal", *({"name": f"Deal {number:02}", "amount": number, "owner": ids["ben"]} for number in range(60))
    )
    web = world.browser("ben")

    page = web.text("/deal?order=-name&amount=5..&created_at=today&q=Deal")
    more = re.search(r'hx-get="(/deal/rows.*?)"', page)
    assert more is not None

    assert titles(page)[0] == "Deal 59"
    assert titles(web.text(more[1].replace("&amp;", "&"))) == [f"Deal {number:02}" for number in range(9, 4, -1)]
    assert words(web.text("/deal/count")) == "60 records"
    assert "Hello, Ben" in words(web.text("/"))
    site.records.delete(SYSTEM, "deal", re.findall(r'value="([0-9a-f-]{36})"', page)[:1])
    assert "Deal 59" in web.text("/deal/trash")
    site.close()
