"""`/admin/encryption` and the doctor: what is encrypted where, as it is."""

from pathlib import Path

import pytest

from engine.data.principal import SYSTEM
from engine.doctor import examine
from engine.site.protection import protections
from engine.site.secrets import encryption, rotate_keys
from engine.site.site import Site
from engine.storage.database import run
from engine.storage.guard import ENTITY_ACCESS
from tests.functional.screens.world import Web, words
from tests.functional.secrets.conftest import configure
from ui.app import create_app
from ui.asking import COOKIE


def browser(site: Site, role: str) -> Web:
    """Return a browser of somebody who holds a role."""
    email = f"{role}@example.com"
    person = site.identity.add(role, email, [role])
    site.identity.set_password(person, "a long enough password")
    web = Web(create_app(site).test_client())
    web.client.set_cookie(COOKIE, site.identity.sign_in(email, "a long enough password").secret)
    return web


def states(site: Site) -> dict[str, str]:
    return {each.key: each.state for each in protections(site)}


def test_the_page_tells_fields_and_keys_and_no_key(site: Site) -> None:
    site.records.create(SYSTEM, "badge", [{"name": "B", "portal": "p"} for _ in range(3)])
    done = rotate_keys(site)
    web = browser(site, "admin")

    page = web.text("/admin/encryption")

    assert "Badge / Portal 3" in words(page)
    assert done.key in page
    assert "AES-256-GCM" in page
    assert site.config.secret_key not in page
    for row in site.records.vault.ring.rows():  # type: ignore[union-attr]
        assert row.wrapped not in page
    web.client.set_cookie("guanxi_language", "zh")
    assert "数据密钥" in web.text("/admin/encryption")


def test_who_may_not_read_the_log_may_not_read_the_page(site: Site) -> None:
    assert browser(site, "sales_rep").get("/admin/encryption").status_code == 403


def test_what_is_wrong_is_said_by_page_and_doctor(site: Site) -> None:
    assert states(site)["fields"] == "good"
    site.records.create(SYSTEM, "badge", [{"name": "B", "portal": "p"}])
    table = site.published.tables.name("badge")
    with site.database.write() as connection:
        run(connection, f"UPDATE {table} SET portal = 'open text'", access=ENTITY_ACCESS)

    assert states(site)["fields"] == "bad"
    found = {each.key: each for each in examine(site)}
    assert found["encryption"].state == "bad"
    assert "" in next(each for each in encryption(site).fields if each.name == "badge.portal").keys


def test_a_lost_key_is_said(sqlite_folder: Path) -> None:
    configure(sqlite_folder, secret_key="other-key-" * 4)

    with Site.open(sqlite_folder) as lost:
        assert states(lost)["fields"] == "bad"
        assert browser(lost, "admin").get("/admin/encryption").status_code == 200


@pytest.mark.parametrize(
    ("base", "state"),
    [("https://crm.example.com", "good"), ("http://crm.example.com", "warning"), ("http://localhost:8000", "outside")],
)
def test_the_wire_to_browsers_is_judged_by_its_address(sqlite_folder: Path, base: str, state: str) -> None:
    configure(sqlite_folder, base_url=base)

    with Site.open(sqlite_folder) as site:
        assert states(site)["connection"] == state


def test_a_site_without_any_key_has_a_page(sqlite_folder: Path) -> None:
    with Site.open(sqlite_folder) as site:
        web = browser(site, "admin")
        site.records.vault = None

        assert web.get("/admin/encryption").status_code == 200
