"""The frame of every page: one's own settings, the site's own name, stars, recent records, palette, search, tour."""

from __future__ import annotations

import html
import re
import shutil
from pathlib import Path

import pytest

from engine import SYSTEM, Change, DocumentsInvalid, Site, read_config
from tests.functional.screens.world import World, words
from ui.app import create_app


def settings(**changed: str) -> dict[str, str]:
    """Return the form of one's settings, with some of it changed."""
    usual = {"theme": "auto", "accent": "", "density": "comfortable", "first_day": "mon", "language": "en",
             "timezone": "", "start": "", "shortcuts": "on"}  # fmt: skip
    return usual | changed


def options(page: str) -> list[str]:
    """Return the lines of the palette."""
    found = re.findall(r'(?s)<span class="palette-label">(.*?)</span>', page)
    return [words(re.sub("</?mark>", "", each)) for each in found]


def test_settings_follow_a_person_to_every_browser(world: World) -> None:
    web = world.browser("ben")

    page = web.follow(
        web.submit(
            "/login/account/settings",
            settings(theme="dark", accent="green", density="compact", timezone="Europe/Berlin", first_day="sun"),
        )
    )
    other = world.browser("ben").text("/deal")

    assert "Settings saved" in words(page)
    assert re.search(r'<html lang="en" data-bs-theme="dark" data-accent="green" data-density="compact">', other)
    ben = world.site.principal(world.ids["ben"])
    assert (ben.timezone, ben.tastes.week_begins) == ("Europe/Berlin", 6)
    assert 'value="Europe/Berlin"' in world.browser("ben").text("/login/account/settings")
    assert "data-accent" not in world.browser("cao").text("/deal").partition(">")[2].partition(">")[0]


def test_a_language_that_was_chosen_is_read_on_every_device(world: World) -> None:
    phone, desk = world.browser("ben"), world.browser("ben")
    desk.client.set_cookie("guanxi_language", "en")  # from long ago, or from somebody before
    assert '<html lang="en"' in desk.text("/deal")
    phone.submit("/settings", {"language": "zh"})
    assert '<html lang="zh-Hans"' in phone.text("/deal")
    assert '<html lang="zh-Hans"' in desk.text("/deal")
    desk.submit("/settings", {"language": "en"})
    assert '<html lang="en"' in phone.text("/deal")
    assert world.site.principal(world.ids["ben"]).language == "en"


def test_a_setting_that_cannot_be_is_told_at_its_place_and_nothing_is_kept(world: World) -> None:
    web = world.browser("ben")

    refused = web.submit(
        "/login/account/settings", settings(timezone="Mars/Base", theme="dark", start="//evil.example")
    )

    assert refused.status_code == 422
    assert "There is no time zone Mars/Base" in words(refused.text)
    assert 'value="Mars/Base"' in refused.text
    assert refused.text.count('aria-invalid="true"') == 2
    assert web.submit("/login/account/settings", settings(accent="red")).status_code == 422
    assert world.site.principal(world.ids["ben"]).tastes.theme == ""


def test_the_quick_switch_is_kept_with_the_person(world: World) -> None:
    web = world.browser("ben")

    web.submit("/settings", {"theme": "dark", "back": "/deal"})
    web.submit("/settings", {"language": "zh", "back": "/deal"})

    ben = world.site.principal(world.ids["ben"])
    assert (ben.tastes.theme, ben.language) == ("dark", "zh")
    assert 'data-bs-theme="dark"' in world.browser("ben").text("/deal")


def test_settings_cost_no_statement(world: World) -> None:
    web = world.browser("ben")
    web.text("/deal")
    with world.statements() as seen:
        web.text("/deal")
        before = len(seen)
    world.site.settings.keep(world.site.principal(world.ids["ben"]), {"density": "compact"})
    web.text("/deal")

    with world.statements() as after:
        page = web.text("/deal")

    assert 'data-density="compact"' in page
    assert len(after) == before
    assert not any("person_setting" in each for each in after)


def test_the_page_that_somebody_begins_with_opens_after_the_sign_in(world: World) -> None:
    world.browser("ben").submit("/login/account/settings", settings(start="/client", theme="dark"))
    web = world.browser()

    response = web.submit("/login", {"email": "ben@example.com", "password": "correct horse battery"})

    assert response.headers["Location"] == "/client"
    assert any("guanxi_theme=dark" in each for each in response.headers.getlist("Set-Cookie"))


def test_a_site_has_its_own_name_logo_and_colour(world: World, tmp_path: Path) -> None:
    folder = tmp_path / "own"
    shutil.copytree(world.site.config.folder, folder)
    (folder / "logo.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>", "utf-8")
    config = folder / "guanxi.yaml"
    config.write_text(
        config.read_text("utf-8") + "site: {name: {en: Acme, zh: 艾克米}, logo: logo.svg, accent: teal}\n"
    )
    site = Site.open(folder)
    web = World(site, create_app(site), world.ids).browser()

    page = web.text("/login")
    logo = re.search(r'src="(/static/site/[^"]+)"', page)
    assert logo is not None
    image = web.get(logo[1])
    site.close()

    assert "· Acme</title>" in page
    assert 'data-accent="teal"' in page
    assert image.mimetype == "image/svg+xml"
    assert "sandbox" in image.headers["Content-Security-Policy"]
    assert "immutable" in image.headers["Cache-Control"]


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ("{logo: ../secret.svg}", "a logo lies in the folder of the site"),
        ("{logo: logo.gif}", "a logo is one of"),
        ("{logo: missing.png}", "there is no file missing.png"),
        ("{accent: plaid}", "one of blue, indigo"),
        ("{name: {fr: Guanxi}}", "fr"),
    ],
)
def test_what_a_site_says_of_itself_is_checked(tmp_path: Path, said: str, problem: str) -> None:
    (tmp_path / "guanxi.yaml").write_text(f"site: {said}\n", "utf-8")

    with pytest.raises(DocumentsInvalid) as refused:
        read_config(tmp_path)

    assert problem in str(refused.value)


def test_a_record_is_starred_and_found_again_until_it_may_not_be_seen(world: World) -> None:
    ben = world.ids["ben"]
    [deal] = world.create("deal", {"name": "Anvil <b>", "owner": ben})
    web = world.browser("ben")

    assert 'aria-pressed="false"' in web.text(f"/deal/{deal}")
    page = web.follow(web.submit(f"/deal/{deal}/star", {"star": "1"}))

    assert 'aria-pressed="true"' in page
    assert "Anvil &lt;b&gt;" in web.text("/search/starred").partition("<main")[2]
    assert "Anvil" not in world.browser("ada").text("/search/starred").partition("<main")[2]
    world.site.records.update(SYSTEM, "deal", [Change(deal, {"owner": world.ids["cao"]})])
    assert "Anvil" not in web.text("/search/starred").partition("<main")[2]
    assert web.submit(f"/deal/{deal}/star", {"star": "1"}).status_code == 404
    world.site.records.update(SYSTEM, "deal", [Change(deal, {"owner": ben})])
    web.submit(f"/deal/{deal}/star", {"star": "0"})
    assert "Nothing is starred yet" in words(web.text("/search/starred"))


def test_ticked_rows_are_starred_but_for_those_one_may_not_read(world: World) -> None:
    mine, other = world.create(
        "deal", {"name": "Mine", "owner": world.ids["ben"]}, {"name": "Other", "owner": world.ids["cao"]}
    )
    web = world.browser("ben")

    page = web.follow(web.submit("/deal/star", {"id": [mine, other], "back": "/search/starred"}))

    assert "1 starred" in words(page)
    assert "Mine" in words(page)
    assert "Other" not in words(page)


def test_what_was_opened_last_is_listed_and_costs_the_page_nothing(world: World) -> None:
    ids = world.create("deal", *({"name": f"Deal {number}", "owner": world.ids["ben"]} for number in range(3)))
    web = world.browser("ben")
    web.text(f"/deal/{ids[0]}")
    with world.statements() as seen:
        web.text(f"/deal/{ids[1]}")
    web.text(f"/deal/{ids[0]}")

    assert not any("person_visit" in each for each in seen)
    world.site.visits.flush()
    page = web.text("/search/starred")
    listed = re.findall(r">(Deal \d)</a>", page.partition("Opened last")[2])
    assert sorted(listed) == ["Deal 0", "Deal 1"]
    world.site.records.delete(world.site.principal(world.ids["ben"]), "deal", [ids[0]])
    assert "Deal 0" not in web.text("/search/starred")


def test_only_so_many_visits_are_kept_of_a_person(world: World) -> None:
    from engine.personal.visits import KEPT
    from engine.storage.database import run

    ben = world.site.principal(world.ids["ben"])
    ids = world.create("client", *({"name": f"C{number}"} for number in range(KEPT + 10)))
    for id_ in ids:
        world.site.visits.note(ben, "client", id_)
    world.site.visits.flush()
    world.site.visits.note(ben, "client", ids[-1])
    world.site.visits.flush()

    with world.site.database.read() as connection:
        [(count,)] = run(connection, "SELECT count(*) FROM person_visit").fetchall()
    assert count <= KEPT + 10
    with world.site.reading(ben) as reader:
        assert len(reader.remembered("person_visit", 200)) == count


def test_the_palette_offers_places_actions_and_records_one_may_see(world: World) -> None:
    world.create("client", {"name": "腾飞贸易"}, {"name": "Acme"})
    world.create("deal", {"name": "Acme secret", "owner": world.ids["cao"]})
    web = world.browser("ben")

    first = web.text("/search/palette", **{"HX-Request": "true"})
    acme = web.text("/search/palette?q=acme", **{"HX-Request": "true"})

    assert {"Home", "Deals", "Deals · My deals", "New: Deal", "Your settings"} <= set(options(first))
    assert "New: Client" not in options(first)
    assert "Acme" in options(acme)
    assert "Acme secret" not in html.unescape(acme)
    assert 'href="/search?q=acme"' in acme
    assert options(web.text("/search/palette?q=tfmy", **{"HX-Request": "true"}))[0] == "腾飞贸易"
    assert options(web.text("/search/palette?q=my+deal", **{"HX-Request": "true"}))[0] == "Deals · My deals"
    assert options(web.text("/search/palette?q=acme&in=deal", **{"HX-Request": "true"}))[:-1] == []
    web.client.set_cookie("guanxi_language", "zh")
    assert "交易 · 我的交易" in options(web.text("/search/palette?q=wdjy", **{"HX-Request": "true"}))


def test_the_palette_costs_few_statements(world: World) -> None:
    world.create("deal", *({"name": f"Acme {number}", "owner": world.ids["ben"]} for number in range(30)))
    web = world.browser("ben")
    for address in ("/search/palette", "/search/palette?q=acme", "/search/starred", "/search?q=acme"):
        web.text(address, **{"HX-Request": "true"})
        with world.statements() as seen:
            web.text(address, **{"HX-Request": "true"})
        assert len(seen) <= 4, (address, seen)


def test_search_marks_what_was_found_and_counts_by_kind(world: World) -> None:
    world.create("client", *({"name": f"Acme <{number}>"} for number in range(9)))
    world.create("deal", {"name": "Anvil", "phone": "+8613800138000", "owner": world.ids["ben"]})
    web = world.browser("ben")

    page = web.text("/search?q=acme")
    one = web.text("/search?q=acme&in=client")

    assert "<mark>Acme</mark> &lt;8&gt;" in page
    assert page.count("<mark>Acme</mark>") == 6
    assert re.search(r'in=client">Clients <span class="number">9</span>', page)
    assert "Show more" in words(page)
    assert one.count("<mark>Acme</mark>") == 9
    assert "All in clients" in words(one)


def test_search_finds_pieces_of_numbers_names_and_addresses(world: World) -> None:
    world.create("deal", {"name": "Anvil ben@example.com 138 0013 8000", "owner": world.ids["ben"]})
    web = world.browser("ben")

    for typed in ("138 0013", "8000", "13800138000", "anv", "ANVIL", "ben@"):
        page = web.text(f"/search?q={typed}")
        assert 'id="found-deal"' in page, typed
        assert "<mark>" in page, typed


def test_one_kind_with_many_hits_does_not_hide_the_others(world: World) -> None:
    world.create("client", {"name": "Needle in the hay"})
    world.create("deal", *({"name": f"Hay {number}", "owner": world.ids["ben"]} for number in range(120)))
    web = world.browser("ben")

    page = web.text("/search?q=hay")
    asked = re.findall(r'hx-get="(/search/kind[^"]+)"', page)

    assert re.findall(r'id="found-([a-z]+)"', page) == ["deal"]
    assert 'in=client">Clients' in page  # without a script too
    found = [web.text(html.unescape(each), **{"HX-Request": "true"}) for each in asked]
    assert ["Needle in the <mark>hay</mark>" in each for each in found if each] == [True]


def test_the_navigation_folds_as_it_was_left_and_has_letters(world: World) -> None:
    web = world.browser("ada")

    page = web.text("/")
    web.client.set_cookie("guanxi_folded", "trust.nonsense<")
    folded = web.text("/")

    assert 'data-group="trust" open' in page
    assert 'data-group="trust">' in folded
    assert 'data-group="system" open' in folded
    letters = re.findall(r'data-go="([a-z])"', page)
    assert letters[:3] == ["h", "d", "c"]
    assert len(letters) == len(set(letters))
    assert [words(each) for each in re.findall(r"(?s)<a [^>]*data-dock=.*?</a>", page)][:2] == ["Home", "Deals"]


def test_the_tour_tells_of_what_is_on_the_page_and_is_offered_once(world: World) -> None:
    web = world.browser("ben")

    assert "New here?" in words(web.text("/"))
    assert "New here?" not in words(web.text("/deal"))
    steps = web.text("/search/tour?at=/deal", **{"HX-Request": "true"})
    web.submit("/login/account/settings/tour", {"back": "/"})

    assert 4 <= steps.count("<li data-anchor") <= 8
    assert "Begin with Deals." in words(steps)
    assert "Deals" in words(steps)
    assert "New here?" not in words(web.text("/"))
    assert "Press n" in words(web.text("/search/tour"))


def test_the_sheet_of_keys_says_where_letters_lead(world: World) -> None:
    page = words(world.browser("ben").text("/search/keys"))

    assert "g d Deals" in page
    assert "Ctrl Enter Save the form" in page


def test_who_looks_as_somebody_else_changes_none_of_this(world: World) -> None:
    web = world.browser("ada")
    [deal] = world.create("deal", {"name": "Anvil", "owner": world.ids["ben"]})
    web.submit(f"/admin/view-as/{world.ids['ben']}")

    page = web.text(f"/deal/{deal}")
    world.site.visits.flush()

    assert 'class="star"' not in page
    assert web.submit(f"/deal/{deal}/star", {"star": "1"}).status_code == 403
    with world.site.reading(world.site.principal(world.ids["ben"])) as reader:
        assert reader.remembered("person_visit") == []


def test_an_error_says_what_to_do_and_leads_back(world: World) -> None:
    web = world.browser("ben")
    for address, status, advice in (
        ("/nonsense", 404, "Search for it"),
        ("/no/such/page", 404, "Search for it"),
        ("/admin/audit", 403, "Who looks after roles can let you do it"),
        ("/deal?cursor=zzz", 400, "Go back, correct it"),
    ):
        response = web.get(address, Referer="http://localhost/deal?q=x")

        assert response.status_code == status, address
        assert advice in words(response.text), address
        assert 'href="/deal?q=x"' in response.text, address
        assert 'data-nav="deal"' in response.text, address
        assert "evil" not in web.get(address, Referer="http://evil.example/").text, address


def test_mail_comes_in_the_name_of_the_site(world: World, tmp_path: Path) -> None:
    folder = tmp_path / "own"
    shutil.copytree(world.site.config.folder, folder)
    config = folder / "guanxi.yaml"
    said = 'site: {name: {en: Acme}}\nmail: {server: "smtp://localhost:25", from: crm@example.com}\n'
    config.write_text(re.sub(r"(?m)^mail:.*$", "", config.read_text("utf-8")) + said, "utf-8")

    with Site.open(folder) as site:
        settings_ = site.post.settings

    assert settings_ is not None
    assert settings_.sender == "Acme <crm@example.com>"


def test_before_a_record_goes_it_is_said_what_hangs_on_it(clinic: World, anna: str) -> None:
    [bert] = clinic.create("contact", {"name": "Bert"})
    clinic.create("visit", *({"subject": f"Check {number}", "patient": anna, "on_date": f"2026-01-0{number}",
                              "owner": clinic.ids["cai"]} for number in range(1, 4)))  # fmt: skip
    clinic.create("thing", {"name": "Vase", "maker": bert, "friends": [bert], "owner": clinic.ids["cai"]})
    web = clinic.browser("ada")

    kept, gone = web.text(f"/contact/{anna}/delete"), web.text(f"/contact/{bert}/delete")

    assert "3 visits lead to it by “Patient” and have to be changed or deleted first" in words(kept)
    assert "Move to the recycle bin" not in words(kept)
    assert "1 thing loses what “Maker” leads to" in words(gone)
    assert "1 thing loses what “Friends” leads to" in words(gone)
    assert f'href="/contact/{bert}/delete"' in web.text(f"/contact/{bert}")
    assert "Contact moved to the recycle bin" in words(web.follow(web.submit(f"/contact/{bert}/delete")))
    asked = words(web.text(f"/contact/trash/purge?id={bert}"))
    assert "These records and their history cannot be had back" in asked
    assert clinic.browser("nia").get(f"/contact/{anna}/delete").status_code == 403
