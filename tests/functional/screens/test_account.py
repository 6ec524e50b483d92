"""Signing in with a second factor, and one's own account: without a script, as a browser without one sees it."""

import re

import pyotp
import pytest

from engine import SignInNeeded
from tests.functional.screens.signing import ACCOUNT, code, give_app, link_in, mails, signed_in
from tests.functional.screens.world import PASSWORD, Web, World, words

NEW = "a quite different sentence"


@pytest.fixture
def ben(world: World) -> Web:
    """A browser in which Ben has just signed in."""
    return signed_in(world, "ben")


@pytest.fixture
def app(world: World) -> pyotp.TOTP:
    """The authenticator app of Ben, set up some minutes ago."""
    return give_app(world, "ben")


# --- the second step --------------------------------------------------------------------------------------------------


def test_who_has_an_app_signs_in_with_its_code_after_the_password(world: World, app: pyotp.TOTP) -> None:
    web = world.browser()

    first = web.submit("/login", {"email": "ben@example.com", "password": PASSWORD, "next": "/deal?stage=won"})
    assert first.headers["Location"] == "/login/step"
    assert web.client.get_cookie("guanxi") is None
    assert web.get("/deal").headers["Location"].startswith("/login")
    assert "authenticator app" in words(web.text("/login/step"))
    wrong = web.submit("/login/step", {"code": "000000"})
    right = web.submit("/login/step", {"code": code(app)})

    assert wrong.status_code == 422
    assert "The code is not right" in words(wrong.text)
    assert right.headers["Location"] == "/deal?stage=won"
    assert web.get("/deal").status_code == 200
    assert web.client.get_cookie("guanxi_step") is None


def test_the_same_code_does_not_work_twice(world: World, app: pyotp.TOTP) -> None:
    used = code(app)
    for expected in (303, 422):
        web = world.browser()
        web.submit("/login", {"email": "ben@example.com", "password": PASSWORD})
        assert web.submit("/login/step", {"code": used}).status_code == expected


def test_a_few_wrong_codes_lead_back_to_the_password(world: World, app: pyotp.TOTP) -> None:
    web = world.browser()
    web.submit("/login", {"email": "ben@example.com", "password": PASSWORD})

    answers = [web.submit("/login/step", {"code": f"00000{number}"}) for number in range(5)]

    assert [each.status_code for each in answers] == [422, 422, 422, 422, 303]
    assert web.submit("/login/step", {"code": code(app)}).headers["Location"] == "/login"
    assert world.browser().get("/login/step").headers["Location"] == "/login"
    assert web.get("/deal").headers["Location"].startswith("/login")


def test_a_role_may_demand_a_second_factor_before_anything_else(world: World) -> None:
    demand(world)
    web = world.browser()

    first = web.submit("/login", {"email": "ben@example.com", "password": PASSWORD})
    page = web.text("/login/step/set-up")

    assert first.headers["Location"] == "/login/step/set-up"
    assert web.get("/deal").headers["Location"].startswith("/login")
    assert web.get("/api/v1/deal").status_code == 401
    typed = re.search(r'class="app-key">([A-Z2-7 ]+)<', page)
    assert typed
    app = pyotp.TOTP(typed[1].replace(" ", ""))
    done = web.submit("/login/step/set-up", {"code": code(app)})
    codes = re.findall(r"<code>([a-z0-9-]{19})</code>", done.text)
    assert len(set(codes)) == 10
    assert web.get("/deal").status_code == 200
    refused = web.follow(web.submit(f"{ACCOUNT}/factors/totp/remove"))
    assert "A role of yours demands a second factor" in words(refused)

    again = world.browser()
    again.submit("/login", {"email": "ben@example.com", "password": PASSWORD})
    assert again.submit("/login/step", {"code": codes[3].upper()}).status_code == 303
    assert [each.text for each in mails(world, "notice") if "9 are left" in each.text]


def demand(world: World) -> None:
    """Let the role of sellers demand a second factor."""
    document = world.site.config.folder / "schemas" / "world.yaml"
    text = document.read_text("utf-8").replace("label: {en: Seller", "second_factor: true\nlabel: {en: Seller")
    document.write_text(text, "utf-8")
    world.site.publish()


def test_the_pages_of_a_step_are_closed_to_who_has_a_factor_already(world: World, app: pyotp.TOTP) -> None:
    web = world.browser()
    web.submit("/login", {"email": "ben@example.com", "password": PASSWORD})

    assert web.get("/login/step/set-up").headers["Location"] == "/login/step"
    assert web.submit("/login/step/set-up", {"code": "123456"}).headers["Location"].startswith("/login")
    assert web.submit("/login/step/set-up/passkey/options").status_code == 303
    assert world.site.identity.factors(world.ids["ben"])[0].kind == "totp"


# --- one's own account ------------------------------------------------------------------------------------------------


def test_an_app_is_added_and_removed_and_its_person_is_told(world: World, ben: Web) -> None:
    page = ben.text(f"{ACCOUNT}/app")
    secret = re.search(r'class="app-key">([A-Z2-7 ]+)<', page)
    assert secret
    assert page.count("<svg") > 1
    app = pyotp.TOTP(secret[1].replace(" ", ""))

    wrong = ben.submit(f"{ACCOUNT}/app", {"code": "123"})
    done = ben.submit(f"{ACCOUNT}/app", {"code": code(app)})

    assert wrong.status_code == 422
    assert "Your recovery codes" in words(done.text)
    with world.site.database.read() as connection:
        stored = str(connection.exec_driver_sql("SELECT * FROM auth_credential").fetchall())
    assert app.secret not in stored
    assert "Authenticator app" in words(ben.text(ACCOUNT))
    ben.submit(f"{ACCOUNT}/factors/totp/remove")
    assert "A second factor keeps others out" in words(ben.text(ACCOUNT))
    assert [each.subject for each in mails(world, "notice")] == [
        "A second factor was added",
        "A second factor was removed",
    ]


def test_what_changes_the_sign_in_asks_for_the_password_when_that_was_long_ago(world: World, ben: Web) -> None:
    with world.site.database.write() as connection:
        connection.exec_driver_sql("UPDATE auth_session SET proven_at = '2020-01-01T00:00:00.000Z'")

    asked = ben.get(f"{ACCOUNT}/app")
    before = ben.client.get_cookie("guanxi")
    wrong = ben.submit("/login/again", {"password": "nonsense", "next": f"{ACCOUNT}/app"})
    right = ben.submit("/login/again", {"password": PASSWORD, "next": f"{ACCOUNT}/app"})
    after = ben.client.get_cookie("guanxi")

    assert asked.headers["Location"] == f"/login/again?next={ACCOUNT}/app"
    assert ben.get("/login/again").status_code == 200
    assert (wrong.status_code, right.headers["Location"]) == (422, f"{ACCOUNT}/app")
    assert before is not None
    assert after is not None
    assert before.value != after.value
    with pytest.raises(SignInNeeded):
        world.site.identity.principal_of_session(before.value)
    assert ben.get(f"{ACCOUNT}/app").status_code == 200


@pytest.mark.parametrize("path", ["app", "email", "codes", "tokens", "passkeys/options", "factors/totp/remove"])
def test_nothing_of_it_is_done_for_a_sign_in_that_is_old(world: World, ben: Web, path: str) -> None:
    with world.site.database.write() as connection:
        connection.exec_driver_sql("UPDATE auth_session SET proven_at = '2020-01-01T00:00:00.000Z'")

    response = ben.submit(f"{ACCOUNT}/{path}", {"name": "x", "email": "new@example.com", "code": "1"})

    assert response.headers["Location"].startswith("/login/again")


def test_a_token_is_no_way_into_the_account_of_its_person(world: World) -> None:
    _id, text = world.site.identity.add_token(world.ids["ben"], "robot")
    web = world.browser()
    web.headers["Authorization"] = f"Bearer {text}"

    assert web.get(ACCOUNT).status_code == 403
    assert web.get(f"{ACCOUNT}/tokens").status_code == 403
    assert web.get(f"/admin/users/{world.ids['ben']}").status_code == 403


def test_devices_are_listed_and_signed_out(world: World, ben: Web) -> None:
    phone, tablet = world.browser(), world.browser()
    for web, agent in ((phone, "Mozilla/5.0 (iPhone) Safari/1"), (tablet, "Mozilla/5.0 (iPad) Safari/1")):
        web.headers["User-Agent"] = agent
        web.submit("/login", {"email": "ben@example.com", "password": PASSWORD})
    page = ben.text(ACCOUNT)
    assert "Safari · iPhone" in page
    assert page.count("This one") == 1

    [iphone] = re.findall(r"iPhone.*?/sessions/([0-9a-f]+)/end", page, re.DOTALL)
    ben.submit(f"{ACCOUNT}/sessions/{iphone}/end")
    assert phone.get("/deal").status_code == 303
    assert tablet.get("/deal").status_code == 200
    ben.submit(f"{ACCOUNT}/sessions/end")

    assert tablet.get("/deal").status_code == 303
    assert ben.get("/deal").status_code == 200
    assert ben.submit(f"{ACCOUNT}/sessions/{iphone}/end").status_code == 404


def test_a_password_is_changed_by_who_knows_it(world: World, ben: Web) -> None:
    other = signed_in(world, "ben")
    address = f"{ACCOUNT}/password"

    answers = [
        ben.submit(address, {"old": old, "new": new, "again": again})
        for old, new, again in (
            (PASSWORD, NEW, "another"), ("nonsense", NEW, NEW), (PASSWORD, "Password123!", "Password123!"),
            (PASSWORD, NEW, NEW),
        )
    ]  # fmt: skip

    assert [each.status_code for each in answers] == [422, 422, 422, 303]
    said = [words(each.text) for each in answers[:3]]
    assert "not the same" in said[0]
    assert "The old password is wrong" in said[1]
    assert "words that many use" in said[2]
    assert ben.get("/deal").status_code == 200
    assert other.get("/deal").status_code == 303
    assert [each.subject for each in mails(world, "notice")] == ["Your password was changed"]


# --- forgotten, invited, another address ------------------------------------------------------------------------------


def test_a_forgotten_password_is_replaced_by_mail(world: World, ben: Web) -> None:
    web = world.browser()

    sent = web.submit("/login/forgot", {"email": "BEN@example.com"})
    [mail] = mails(world, "reset")
    path = link_in(mail)
    page = web.text(path)
    done = web.submit(path, {"password": NEW, "again": NEW})

    assert mail.to == "ben@example.com"
    assert "on its way" in words(sent.text)
    assert "A new password for Ben" in words(page)
    assert done.headers["Location"] == "/"
    assert ben.get("/deal").status_code == 303
    assert world.browser().get(path).status_code == 404


def test_nothing_tells_whether_somebody_has_an_address(world: World) -> None:
    def asked(email: str) -> tuple[int, str, list[str]]:
        with world.statements() as seen:
            response = world.browser().submit("/login/forgot", {"email": email})
        shape = [re.sub(r"'[^']*'|\b\d[\d.e+]*\b|NULL", "?", each) for each in seen]
        return response.status_code, words(response.text).replace(email, "…"), shape

    asked("warm@example.com")

    assert asked("ben@example.com") == asked("nobody@example.com")
    assert [each.to for each in mails(world, "reset")] == ["ben@example.com"]


def test_a_new_password_does_not_spare_the_second_factor(world: World, app: pyotp.TOTP) -> None:
    web = world.browser()
    web.submit("/login/forgot", {"email": "ben@example.com"})
    [mail] = mails(world, "reset")

    done = web.submit(link_in(mail), {"password": NEW, "again": NEW})

    assert done.headers["Location"] == "/login/step"
    assert web.submit("/login/step", {"code": code(app)}).headers["Location"] == "/"


def test_links_are_asked_for_only_so_often(world: World) -> None:
    web = world.browser()

    answers = [web.submit("/login/forgot", {"email": "ben@example.com"}) for _ in range(7)]

    assert [each.status_code for each in answers] == [200] * 5 + [429] * 2
    assert 0 < int(answers[-1].headers["Retry-After"]) <= 120


def test_an_address_changes_once_the_new_one_answers(world: World, ben: Web) -> None:
    asked = ben.follow(ben.submit(f"{ACCOUNT}/email", {"email": "Ben.New@example.com"}))
    assert "A link was sent" in words(asked)
    found = mails(world, "email") + mails(world, "notice")
    assert found[0].to == "ben.new@example.com"
    path = link_in(found[0])
    stranger = world.browser()
    assert "ben.new@example.com" in stranger.text(path)
    assert world.site.identity.find(world.ids["ben"]).email == "ben@example.com"

    done = stranger.submit(path)

    assert "Your address is changed" in words(done.text)
    assert world.site.identity.find(world.ids["ben"]).email == "ben.new@example.com"
    assert stranger.submit(path).status_code == 404


def test_an_address_that_somebody_has_is_not_taken(world: World, ben: Web) -> None:
    ben.submit(f"{ACCOUNT}/email", {"email": "ada@example.com"})
    [mail] = mails(world, "email")

    refused = world.browser().submit(link_in(mail))

    assert refused.status_code >= 400
    assert world.site.identity.find(world.ids["ben"]).email == "ben@example.com"
