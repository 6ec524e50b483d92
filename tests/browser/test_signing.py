"""Signing in as a person does it: with an app and no script, and with a passkey of Chromium's own making."""

import re
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from typing import Any

import pyotp
import pytest
from playwright.sync_api import Browser, Page, expect
from werkzeug.serving import make_server

from engine import Site
from tests.browser.conftest import ServedClinic
from tests.functional.screens.world import PASSWORD
from ui.app import create_app

pytestmark = pytest.mark.browser


@pytest.fixture
def named(clinic_pattern: tuple[Path, dict[str, str]], tmp_path: Path) -> Iterator[ServedClinic]:
    """A clinic whose site has a name, as passkeys want it: localhost needs no TLS."""
    folder, ids = clinic_pattern
    shutil.copytree(folder, tmp_path / "site")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    address = f"http://localhost:{port}"
    with (tmp_path / "site" / "guanxi.yaml").open("a", encoding="utf-8") as config:
        config.write(f"\nbase_url: {address}\n")
    site = Site.open(tmp_path / "site")
    app = create_app(site)
    server = make_server("localhost", port, app, threaded=True)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield ServedClinic(site, app, ids, address)
    server.shutdown()
    thread.join()
    server.server_close()
    site.close()


def email_of(clinic: ServedClinic, who: str) -> str:
    return clinic.site.identity.find(clinic.ids[who]).email or ""


def sign_in(page: Page, clinic: ServedClinic, who: str) -> None:
    page.goto(f"{clinic.address}/login")
    page.fill("#email", email_of(clinic, who))
    page.fill("#password", PASSWORD)
    page.press("#password", "Enter")


def authenticator(page: Page) -> tuple[Any, str]:
    """Give a page a device that keeps passkeys and knows its holder; return its DevTools session and its id."""
    tools = page.context.new_cdp_session(page)
    tools.send("WebAuthn.enable")
    made = tools.send(
        "WebAuthn.addVirtualAuthenticator",
        {
            "options": {
                "protocol": "ctap2",
                "transport": "internal",
                "hasResidentKey": True,
                "hasUserVerification": True,
                "isUserVerified": True,
                "automaticPresenceSimulation": True,
            }
        },
    )
    return tools, str(made["authenticatorId"])


def test_an_app_is_set_up_and_used_without_a_script(browser: Browser, named: ServedClinic) -> None:
    who = next(iter(named.ids))
    with browser.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        sign_in(page, named, who)
        page.goto(f"{named.address}/login/account")
        page.click("text=Add an authenticator app")
        app = pyotp.TOTP(page.inner_text(".app-key").replace(" ", ""))
        page.fill("#code", app.now())
        page.click("text=Add the app")
        expect(page.locator(".recovery li")).to_have_count(10)
        code = page.inner_text(".recovery li:first-child")
    with browser.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        sign_in(page, named, who)
        assert page.url.endswith("/login/step")
        page.fill("#code", code)
        page.click("button:has-text('Sign in')")
        expect(page.locator("h1")).to_contain_text("Hello")


def test_a_passkey_is_made_and_signs_in_by_itself(page: Page, named: ServedClinic) -> None:
    who = next(iter(named.ids))
    tools, device = authenticator(page)
    sign_in(page, named, who)
    page.goto(f"{named.address}/login/account/passkeys")
    page.fill("#name", "Laptop")
    page.click("text=Make a passkey")
    expect(page.locator(".recovery li")).to_have_count(10)
    page.click("text=I have kept them")
    expect(page.locator(".account-rows")).to_contain_text(["Email", "Laptop", "This one"])

    # As the second factor.
    page.context.clear_cookies()
    sign_in(page, named, who)
    page.click("text=Use a passkey")
    expect(page.locator("h1")).to_contain_text("Hello")

    # In place of everything.
    page.context.clear_cookies()
    page.goto(f"{named.address}/login")
    page.click("text=Sign in with a passkey")
    expect(page.locator("h1")).to_contain_text("Hello")
    methods = [each.method for each in named.site.identity.sessions(named.ids[who])]
    assert methods[:2] == ["passkey", "password+passkey"]

    # Not when the device did not check who holds it.
    page.context.clear_cookies()
    tools.send("WebAuthn.setUserVerified", {"authenticatorId": device, "isUserVerified": False})
    page.goto(f"{named.address}/login")
    page.click("text=Sign in with a passkey")
    expect(page.locator(".passkey-failed")).to_be_visible()


def test_a_passkey_that_was_copied_is_found_out(page: Page, named: ServedClinic) -> None:
    who = next(iter(named.ids))
    authenticator(page)
    sign_in(page, named, who)
    page.goto(f"{named.address}/login/account/passkeys")
    page.click("text=Make a passkey")
    expect(page.locator(".recovery li")).to_have_count(10)
    # Somebody else has used a copy more often than this device was used.
    with named.site.database.write() as connection:
        connection.exec_driver_sql("UPDATE auth_credential SET counter = 1000 WHERE kind = 'passkey'")

    page.context.clear_cookies()
    page.goto(f"{named.address}/login")
    page.click("text=Sign in with a passkey")

    expect(page.locator("#refusal")).to_contain_text("The passkey was not accepted")


def test_a_site_without_a_name_offers_no_passkeys(page: Page, clinic: ServedClinic) -> None:
    page.goto(f"{clinic.address}/login")

    assert re.search("passkey", page.content()) is None
