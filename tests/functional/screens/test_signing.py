"""Signing in and out, set-up links, settings, and requests that other sites send."""

import re

import pytest

from tests.functional.screens.world import PASSWORD, World, words


def test_who_is_not_signed_in_is_sent_to_the_sign_in_and_back(world: World) -> None:
    web = world.browser()

    response = web.get("/deal?stage=won")

    assert response.status_code == 303
    assert response.headers["Location"] == "/login?next=/deal%3Fstage%3Dwon"
    page = web.text(response.headers["Location"])
    assert 'name="next" value="/deal?stage=won"' in page
    signed_in = web.submit("/login", {"email": "ben@example.com", "password": PASSWORD, "next": "/deal?stage=won"})
    assert signed_in.headers["Location"] == "/deal?stage=won"
    assert "Deals" in web.text("/deal?stage=won")


def test_a_wrong_password_and_an_unknown_name_get_the_same_words(world: World) -> None:
    web = world.browser()

    wrong = web.submit("/login", {"email": "ben@example.com", "password": "nonsense nonsense"})
    unknown = web.submit("/login", {"email": "nobody@example.com", "password": "nonsense nonsense"})

    assert (wrong.status_code, unknown.status_code) == (422, 422)
    assert words(wrong.text) == words(unknown.text)
    assert 'value="ben@example.com"' in wrong.text
    assert "nonsense" not in wrong.text


def test_after_too_many_attempts_even_the_right_password_waits(world: World) -> None:
    web = world.browser()
    for _ in range(world.site.config.limits.sign_in_attempts):
        web.submit("/login", {"email": "ben@example.com", "password": "wrong wrong wrong"})

    response = web.submit("/login", {"email": "ben@example.com", "password": PASSWORD})

    assert response.status_code == 429
    assert int(response.headers["Retry-After"]) > 800
    assert "try again in" in words(response.text)


@pytest.mark.parametrize(
    "foreign",
    ["https://evil.example/", "//evil.example/x", "/\\evil.example", "/\t/evil.example", "javascript:alert(1)"],
)
def test_signing_in_never_leads_to_another_site(world: World, foreign: str) -> None:
    web = world.browser()

    response = web.submit("/login", {"email": "ben@example.com", "password": PASSWORD, "next": foreign})

    assert response.headers["Location"] == "/"


def test_the_cookie_of_a_sign_in_is_out_of_reach_of_scripts_and_other_sites(world: World) -> None:
    web = world.browser("ben")

    [cookie] = [
        each
        for each in web.submit("/login", {"email": "ben@example.com", "password": PASSWORD}).headers.getlist(
            "Set-Cookie"
        )
        if each.startswith("guanxi=")
    ]

    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie


def test_signing_out_ends_the_sign_in_in_the_database_too(world: World) -> None:
    web = world.browser("ben")
    kept = web.client.get_cookie("guanxi")
    assert kept is not None

    response = web.submit("/logout")

    assert web.client.get_cookie("guanxi") is None
    assert response.headers["Location"] == "/login"
    web.client.set_cookie("guanxi", kept.value)
    assert web.get("/deal").headers["Location"].startswith("/login")


def test_a_set_up_link_works_once_and_leads_in(world: World) -> None:
    secret = world.site.identity.make_link(world.ids["dan"])
    address = world.site.identity.link_path(secret)
    web = world.browser()

    asked = web.text(address)
    refused = web.submit(address, {"password": "another fine day", "again": "another fine night"})
    weak = web.submit(address, {"password": "short", "again": "short"})
    done = web.submit(address, {"password": "another fine day", "again": "another fine day"})

    assert "Welcome, Dan" in asked
    assert refused.status_code == 422
    assert "not the same" in words(refused.text)
    assert weak.status_code == 422
    assert done.headers["Location"] == "/"
    assert "Hello, Dan" in words(web.text("/"))
    assert world.browser().get(address).status_code == 404


def test_a_made_up_set_up_link_shows_nothing(world: World) -> None:
    response = world.browser().get("/login/link/made-up")

    assert response.status_code == 404
    assert "password" not in response.text.lower()


def test_the_language_can_be_chosen_before_signing_in(world: World) -> None:
    web = world.browser()
    assert "Sign in" in words(web.text("/login"))

    response = web.submit("/settings", {"language": "zh", "back": "/login"})

    assert response.headers["Location"] == "/login"
    assert "登录" in words(web.text("/login"))


def test_the_language_of_a_person_is_kept_in_their_record(world: World) -> None:
    web = world.browser("ben")

    web.submit("/settings", {"language": "zh", "back": "/deal"})

    assert "交易" in words(web.text("/deal"))
    assert world.site.principal(world.ids["ben"]).language == "zh"


def test_the_appearance_is_kept_in_the_browser(world: World) -> None:
    web = world.browser()

    web.submit("/settings", {"theme": "dark", "back": "https://evil.example/"})

    assert 'data-bs-theme="dark"' in web.text("/login")
    assert 'data-bs-theme="auto"' in world.browser().text("/login")


def test_a_form_without_its_token_changes_nothing(world: World) -> None:
    web = world.browser("ben")

    response = web.client.post("/logout")

    assert response.status_code == 403
    assert web.get("/deal").status_code == 200


def test_a_form_of_another_site_changes_nothing(world: World) -> None:
    web = world.browser("ben")

    response = web.submit("/logout", Origin="https://evil.example")

    assert response.status_code == 403
    assert web.get("/deal").status_code == 200


def test_somebody_who_is_disabled_is_out_with_the_next_request(world: World) -> None:
    web = world.browser("ben")

    world.site.identity.disable(world.ids["ben"])

    assert web.get("/deal").headers["Location"].startswith("/login")


def test_a_site_where_nobody_can_sign_in_says_how_to_begin(world: World) -> None:
    with world.site.database.write() as connection:
        connection.exec_driver_sql("DELETE FROM auth_credential")

    page = world.browser().text("/login")

    assert "set-up link" in words(page)
    assert re.search(r'href="/login/link', page) is None
