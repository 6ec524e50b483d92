"""Tokens, what is done for others, and what the audit log tells of it."""

import html
import re

import pyotp
import pytest

from engine import SYSTEM, Change
from tests.functional.screens.signing import ACCOUNT, code, give_app, mails, signed_in
from tests.functional.screens.world import PASSWORD, Web, World, words


@pytest.fixture
def ben(world: World) -> Web:
    """A browser in which Ben has just signed in."""
    return signed_in(world, "ben")


@pytest.fixture
def app(world: World) -> pyotp.TOTP:
    """The authenticator app of Ben, set up some minutes ago."""
    return give_app(world, "ben")


# --- tokens -----------------------------------------------------------------------------------------------------------


def test_a_token_is_made_shown_once_used_and_revoked(world: World, ben: Web) -> None:
    address = f"{ACCOUNT}/tokens"
    wrong = [
        ben.submit(address, {"name": "", "reach": "all"}),
        ben.submit(address, {"name": "x", "reach": "some"}),
        ben.submit(address, {"name": "x", "reach": "all", "addresses": "10.0.0.0/8, nonsense"}),
    ]
    made = ben.submit(
        address, {"name": "Robot", "reach": "some", "scopes": ["deal:read"], "days": "30", "addresses": "127.0.0.0/8"}
    )
    [text] = re.findall(r"gx_[\w-]{40,}", html.unescape(made.text))

    assert [each.status_code for each in wrong] == [422, 422, 422]
    assert "nonsense" in wrong[2].text
    robot = world.app.test_client()
    bearer = {"Authorization": f"Bearer {text}"}
    assert robot.get("/api/v1/deal", headers=bearer).status_code == 200
    assert robot.post("/api/v1/deal", json={"name": "x"}, headers=bearer).status_code == 403
    elsewhere = robot.get("/api/v1/deal", headers=bearer, environ_base={"REMOTE_ADDR": "203.0.113.9"})
    assert elsewhere.status_code == 401
    page = ben.text(address)
    assert "deal:read" in page
    assert text not in page
    [id_] = re.findall(r"/tokens/([0-9a-f-]{36})/revoke", page)
    assert signed_in(world, "ada").submit(f"{address}/{id_}/revoke").status_code == 404
    ben.submit(f"{address}/{id_}/revoke")
    assert robot.get("/api/v1/deal", headers=bearer).status_code == 401


# --- for others -------------------------------------------------------------------------------------------------------


def test_who_looks_after_people_helps_them_but_nobody_who_may_more(world: World) -> None:
    document = world.site.config.folder / "schemas" / "helpdesk.yaml"
    document.write_text("role: helpdesk\npermissions: [users]\n", "utf-8")
    world.site.publish()
    world.site.records.update(SYSTEM, "user", [Change(world.ids["cao"], {"roles": ["helpdesk"]})])
    cao = signed_in(world, "cao")
    ben, ada = world.ids["ben"], world.ids["ada"]
    bens = signed_in(world, "ben")

    assert "Where they are signed in" in words(cao.text(f"/admin/users/{ben}"))
    cao.submit(f"/admin/users/{ben}/sessions/end")
    assert bens.get("/deal").status_code == 303
    cao.submit(f"/admin/users/{ben}/link")
    assert [each.to for each in mails(world, "reset")] == ["ben@example.com"]
    cao.submit(f"/admin/users/{ben}/disable")
    assert world.browser().submit("/login", {"email": "ben@example.com", "password": PASSWORD}).status_code == 422
    cao.submit(f"/admin/users/{ben}/enable")
    assert signed_in(world, "ben").get("/deal").status_code == 200

    assert "may do more than you" in words(cao.text(f"/admin/users/{ada}"))
    for act in ("link", "sessions/end", "unlock", "factors/remove", "disable", "enable"):
        assert cao.submit(f"/admin/users/{ada}/{act}").status_code == 403
    assert mails(world, "reset") == []
    assert world.site.identity.find(ada).active
    assert bens.get(f"/admin/users/{ada}").status_code in {303, 403}
    assert signed_in(world, "ben").get(f"/admin/users/{ben}").status_code == 403
    assert signed_in(world, "ben").submit(f"/admin/users/{ada}/link").status_code == 403


def test_a_lost_factor_and_a_lock_are_undone_by_an_administrator(world: World, app: pyotp.TOTP) -> None:
    ada, ben = signed_in(world, "ada"), world.ids["ben"]
    for _ in range(world.site.config.limits.sign_in_attempts):
        world.browser().submit("/login", {"email": "ben@example.com", "password": "wrong wrong wrong"})
    assert [each.subject for each in mails(world, "notice")] == [
        "A second factor was added",
        "Too many wrong passwords",
    ]
    assert "Too many wrong attempts" in words(ada.text(f"/admin/users/{ben}"))

    ada.submit(f"/admin/users/{ben}/unlock")
    ada.submit(f"/admin/users/{ben}/factors/remove")

    assert signed_in(world, "ben").get("/deal").status_code == 200
    assert "shield-lock" in ada.text(f"/user/{ben}")


def test_a_service_account_works_with_tokens_alone(world: World) -> None:
    identity = world.site.identity
    robot = identity.add("Robot", "robot@example.com", ["boss"], kind="service")
    _id, text = identity.add_token(robot, "nightly")
    identity.set_password(robot, PASSWORD)

    web = world.browser()
    assert web.submit("/login", {"email": "robot@example.com", "password": PASSWORD}).status_code == 422
    web.submit("/login/forgot", {"email": "robot@example.com"})

    assert mails(world, "reset") == []
    answer = world.app.test_client().get("/api/v1/deal", headers={"Authorization": f"Bearer {text}"})
    assert answer.status_code == 200


def test_an_administrator_makes_tokens_for_service_accounts_alone(world: World) -> None:
    robot = world.site.identity.add("Robot", "robot@example.com", ["boss"], kind="service")
    ada = signed_in(world, "ada")

    wrong = ada.submit(f"/admin/users/{robot}/tokens", {"name": "", "reach": "all"})
    made = ada.submit(f"/admin/users/{robot}/tokens", {"name": "Nightly", "reach": "read", "days": "30"})
    [text] = re.findall(r"gx_[\w-]{40,}", html.unescape(made.text))

    assert "New token" in words(ada.text(f"/admin/users/{robot}/tokens"))
    assert wrong.status_code == 422
    answer = world.app.test_client().get("/api/v1/deal", headers={"Authorization": f"Bearer {text}"})
    assert answer.status_code == 200
    assert "Nightly" in words(ada.text(f"/admin/users/{robot}"))
    for who, target in (("ada", world.ids["ben"]), ("ben", robot), ("cao", robot)):
        refused = signed_in(world, who).submit(f"/admin/users/{target}/tokens", {"name": "x", "reach": "all"})
        assert refused.status_code == 403


# --- what is written down ---------------------------------------------------------------------------------------------


def test_the_audit_log_tells_who_signed_in_from_where_and_no_secret(world: World, app: pyotp.TOTP) -> None:
    web = world.browser()
    web.headers["User-Agent"] = "Mozilla/5.0 (iPhone)"
    web.submit("/login", {"email": "ben@example.com", "password": "wrong wrong wrong"})
    web.submit("/login", {"email": "ben@example.com", "password": PASSWORD})
    web.submit("/login/step", {"code": code(app)})
    web.submit("/logout")

    with world.site.database.read() as connection:
        rows = connection.exec_driver_sql(
            "SELECT kind, actor_id, record_id, details, via, address, agent FROM audit_event ORDER BY seq"
        ).fetchall()
    mine = [row for row in rows if row[4] == "web"]
    ben = world.ids["ben"]
    assert [(row[0], row[1], row[2]) for row in mine] == [
        ("sign_in_failed", None, ben),
        ("sign_in", ben, ben),
        ("sign_out", ben, ben),
    ]
    assert {row[5:] for row in mine} == {("127.0.0.1", "Mozilla/5.0 (iPhone)")}
    assert "password+totp" in mine[1][3]
    assert "wrong wrong" not in str(rows)
