"""A plugin in the folder of a site: its documents, its hooks, its own tables."""

from pathlib import Path

import pytest

from engine.data.principal import SYSTEM
from engine.errors import RecordInvalid
from engine.site.site import Site
from engine.storage.database import run
from tests.functional.commands.conftest import Command

CODE = """\
from engine import Message, hookimpl

@hookimpl
def before_save(batch):
    if batch.entity == "account":
        for row in batch.rows:
            if row["name"] == "Refused Inc.":
                batch.reject(row["id"], "name", Message("We do not sell to them"))
            elif row["acme_code"] is None:
                batch.set(row["id"], "acme_code", row["name"][:3].upper())
"""
DOCUMENTS = "entity: account\nfields:\n  acme_code: {type: text, label: {en: Code, zh: 代码}}\n"
MIGRATION = """\
STATEMENTS = {
    "sqlite": ["CREATE TABLE acme_ledger (id INTEGER PRIMARY KEY)"],
    "postgresql": ["CREATE TABLE acme_ledger (id BIGINT PRIMARY KEY)"],
}
"""


@pytest.fixture
def acme(any_crm: Path) -> Path:
    place = any_crm / "plugins" / "acme"
    (place / "schemas").mkdir(parents=True)
    (place / "migrations").mkdir()
    (place / "plugin.yaml").write_text('plugin: acme\nversion: 1.0.0\nrequires: {crm: ">=0.1"}\n', encoding="utf-8")
    (place / "__init__.py").write_text(CODE, encoding="utf-8")
    (place / "schemas" / "account.yaml").write_text(DOCUMENTS, encoding="utf-8")
    (place / "migrations" / "0001_ledger.py").write_text(MIGRATION, encoding="utf-8")
    return any_crm


def test_a_plugin_takes_part_when_it_is_published(acme: Path, guanxi: Command) -> None:
    planned = guanxi("plan")
    assert planned.code == 2
    assert "acme_code" in planned.out
    assert guanxi("publish").code == 0
    assert guanxi("publish").code == 0

    with Site.open(acme) as site:
        [made] = site.records.create(SYSTEM, "account", [{"name": "Meridian"}])
        assert made.values["acme_code"] == "MER"
        with pytest.raises(RecordInvalid, match="We do not sell to them"):
            site.records.create(SYSTEM, "account", [{"name": "Refused Inc."}])
        with site.database.read() as connection:
            assert run(connection, "SELECT count(*) FROM acme_ledger").fetchone()[0] == 0
            assert run(connection, "SELECT plugin, number FROM plugin_migration").fetchall() == [("acme", 1)]
    assert guanxi("doctor").code == 0


def test_a_plugin_that_fails_says_so_in_one_line(acme: Path, guanxi: Command) -> None:
    (acme / "plugins" / "acme" / "__init__.py").write_text("def broken(:\n", encoding="utf-8")

    done = guanxi("plan")

    assert done.code == 1
    assert done.err.startswith("The plugin acme cannot be loaded: SyntaxError")
    assert len(done.err.splitlines()) == 1


def test_a_plugin_that_is_taken_out_leaves_its_values(acme: Path, guanxi: Command) -> None:
    assert guanxi("publish").code == 0
    with Site.open(acme) as site:
        site.records.create(SYSTEM, "account", [{"name": "Meridian"}])
    settings = acme / "guanxi.yaml"
    with_plugin = settings.read_text(encoding="utf-8")
    settings.write_text(with_plugin + "plugins: []\n", encoding="utf-8")

    assert guanxi("publish").code == 0
    assert "acme_code" not in guanxi("export", "account").out
    settings.write_text(with_plugin, encoding="utf-8")
    assert guanxi("publish").code == 0
    assert "MER" in guanxi("export", "account", "--fields", "acme_code").out
