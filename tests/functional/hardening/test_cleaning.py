"""What has had its time goes: the bin, abandoned files, ended sign-ins and links, and history where that is wished."""

import io
import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from click.testing import CliRunner

from engine import SYSTEM, NotFound, SignInRefused, Site, hookimpl
from engine.site.cleaning import Swept
from engine.storage.database import run
from engine.storage.guard import ENTITY_ACCESS
from tests.functional.screens.world import World, build
from ui.app import create_app
from ui.cli.commands import cli

DOCUMENTS = """
entity: client
plural: clients
title: name
features: [owned, history, search]
fields:
  name: {type: text, required: true, search: high}
  paper: {type: file}
---
entity: visit
plural: visits
title: name
features: [owned]
fields:
  name: {type: text, required: true}
  client: {type: lookup, to: client, on_delete: clear}
  others: {type: lookups, to: client, on_delete: clear}
---
role: helper
grants: {client: {read: all, create: all, delete: all}}
"""
NOW = datetime(2031, 5, 1, 12, tzinfo=UTC)


PEOPLE = {"ada": ("Ada", "ada@example.com", "admin")}
ON_BOTH = pytest.mark.parametrize("home", ["sqlite", "postgresql"], indirect=True)
"""Lets a test run on each kind of database; on SQLite alone otherwise."""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """The folder of a site that nobody works in."""
    folder = tmp_path_factory.mktemp("cleaning") / "site"
    return folder, build(folder, DOCUMENTS, people=PEOPLE)


@pytest.fixture
def home(request: pytest.FixtureRequest, tmp_path: Path, made: tuple[Path, dict[str, str]]) -> Iterator[World]:
    folder, ids = made
    url: str | None = None
    if getattr(request, "param", "sqlite") == "postgresql":
        url = request.getfixturevalue("postgres_url")
        ids = build(tmp_path / "site", DOCUMENTS, url, PEOPLE)
    else:
        shutil.copytree(folder, tmp_path / "site")
    site = Site.open(tmp_path / "site", database_url=url)
    yield World(site, create_app(site), ids)
    site.close()


def count(site: Site, table: str) -> int:
    with site.database.read() as connection:
        return int(run(connection, f"SELECT count(*) FROM {table}", (), access=ENTITY_ACCESS).fetchone()[0])


def by_step(found: list[Swept]) -> dict[str, int]:
    return {each.step: each.count for each in found}


def deleted(home: World, entity: str, rows: list[dict[str, Any]], days_ago: int) -> list[str]:
    """Store records and put them into the bin some days before NOW."""
    with time_machine.travel(NOW - timedelta(days=days_ago), tick=False):
        ids = home.create(entity, *rows)
        home.site.records.delete(SYSTEM, entity, ids)
    return ids


@ON_BOTH
def test_what_lay_in_the_bin_long_enough_is_gone_for_good(home: World) -> None:
    [old] = deleted(home, "client", [{"name": "Old"}], 91)
    [young] = deleted(home, "client", [{"name": "Young"}], 89)
    [alive] = home.create("client", {"name": "Alive"})

    told = by_step(home.site.clean_up(NOW, dry_run=True))
    assert count(home.site, "s_client") == 3
    done = by_step(home.site.clean_up(NOW))

    assert told["bin:client"] == done["bin:client"] == 1
    with home.site.reading(SYSTEM) as reader:
        assert reader.record("client", young, trashed=True).id == young
        assert reader.record("client", alive).id == alive
        with pytest.raises(NotFound):
            reader.record("client", old, trashed=True)
    assert "bin:client" not in by_step(home.site.clean_up(NOW))
    with home.site.database.read() as connection:
        text = "SELECT number FROM audit_event WHERE kind = 'purge' AND entity = 'client'"
        assert [row[0] for row in run(connection, text).fetchall()] == [1]


@ON_BOTH
def test_what_something_still_leads_to_is_kept_and_why_is_said(home: World) -> None:
    clients = deleted(home, "client", [{"name": each} for each in "abcd"], 200)
    home.create("visit", {"name": "Still here"})
    with home.site.database.write() as connection:  # as if they had been linked before they were deleted
        visits = [row[0] for row in run(connection, "SELECT id FROM s_visit", (), access=ENTITY_ACCESS).fetchall()]
    [waiting] = home.create("visit", {"name": "In the bin"})
    [ended] = deleted(home, "visit", [{"name": "Ended too"}], 100)
    mark = "?" if home.site.database.dialect == "sqlite" else "%s"
    with home.site.database.write() as connection:
        for visit, client in ((visits[0], clients[0]), (waiting, clients[1]), (ended, clients[2])):
            text = f"UPDATE s_visit SET client = {mark} WHERE id = {mark}"
            run(connection, text, (client, visit), access=ENTITY_ACCESS)
    with time_machine.travel(NOW - timedelta(days=3), tick=False):
        home.site.records.delete(SYSTEM, "visit", [waiting])

    found = {each.step: each for each in home.site.clean_up(NOW)}

    assert found["bin:client"].count == 2
    assert {(each.id, str(each.reason)) for each in found["bin:client"].kept} == {
        (str(clients[0]), "A record still leads to it (Visit)"),
        (str(clients[1]), "A record still leads to it (Visit)"),
    }
    assert found["bin:visit"].count == 1


def test_a_person_is_never_thrown_away(home: World) -> None:
    with time_machine.travel(NOW - timedelta(days=500), tick=False):
        gone = home.site.identity.add("Gone", "gone@example.com", [])
        home.site.records.delete(SYSTEM, "user", [gone])

    [people] = [each for each in home.site.clean_up(NOW) if each.step == "bin:user"]

    assert people.count == 0
    assert [str(each.reason) for each in people.kept] == ["Whoever made or changed a record stays known"]


def test_without_days_the_bin_is_never_emptied(home: World) -> None:
    deleted(home, "client", [{"name": "Old"}], 5_000)
    home.site.config = replace(home.site.config, limits=replace(home.site.config.limits, trash_days=0))

    assert not [each for each in home.site.clean_up(NOW) if each.step.startswith("bin:")]
    assert count(home.site, "s_client") == 1


def test_the_file_of_what_is_gone_goes_too(home: World) -> None:
    with time_machine.travel(NOW - timedelta(days=100), tick=False):
        file = home.site.files.add(SYSTEM, io.BytesIO(b"paper"), name="a.txt")
        [client] = home.create("client", {"name": "Old", "paper": file})
        home.site.records.delete(SYSTEM, "client", [client])
        abandoned = home.site.files.add(SYSTEM, io.BytesIO(b"abandoned"), name="b.txt")
    blobs = [each for each in home.site.config.files.rglob("*") if each.is_file()]
    assert (len(blobs), abandoned != file) == (2, True)

    with time_machine.travel(NOW + timedelta(days=365), tick=False):  # the clock of the disk is that of the machine
        done = by_step(home.site.clean_up())

    assert (done["bin:client"], done["files"]) == (1, 1)
    assert count(home.site, "core_file") == 0
    assert not [each for each in home.site.config.files.rglob("*") if each.is_file()]


@ON_BOTH
def test_sign_ins_links_keys_and_failures_that_are_over_go(home: World) -> None:
    site = home.site
    with time_machine.travel(NOW - timedelta(days=30), tick=False):
        site.identity.sign_in("ada@example.com", "correct horse battery")
        with pytest.raises(SignInRefused):
            site.identity.sign_in("nobody@example.com", "wrong")
        site.identity.invite(home.ids["ada"])
        site.records.create(site.principal(home.ids["ada"]), "client", [{"name": "x"}], key="k")

    told = by_step(site.clean_up(NOW, dry_run=True))
    done = by_step(site.clean_up(NOW))

    assert told == done
    for step, table in (
        ("sessions", "auth_session"),
        ("links", "auth_link"),
        ("keys", "idempotency_key"),
        ("attempts", "auth_attempt"),
    ):
        assert done[step] >= 1, step
        assert count(site, table) == 0, table


@ON_BOTH
def test_history_is_kept_for_ever_unless_days_are_set(home: World) -> None:
    site = home.site
    with time_machine.travel(NOW - timedelta(days=800), tick=False):
        [client] = home.create("client", {"name": "a"})
    with time_machine.travel(NOW - timedelta(days=10), tick=False):
        site.records.update(SYSTEM, "client", [{"id": client, "name": "b"}])
    assert "history" not in by_step(site.clean_up(NOW))

    site.config = replace(site.config, limits=replace(site.config.limits, history_days=365))
    told = by_step(site.clean_up(NOW, dry_run=True))
    done = by_step(site.clean_up(NOW))

    assert told["history"] == done["history"] > 0
    with site.reading(SYSTEM) as reader:
        assert [entry.action for entry in reader.history("client", client).entries] == ["update"]
        assert reader.record("client", client).values()["name"] == "b"


def test_a_hook_that_refuses_keeps_its_record(home: World) -> None:
    class Keeper:
        @hookimpl
        def before_delete(self, batch: Any) -> None:
            for row in batch.rows:
                if batch.action == "purge" and row["name"] == "Precious":
                    batch.reject(row["id"], "name", "the law wants it")

    deleted(home, "client", [{"name": "Precious"}, {"name": "Dust"}], 100)
    home.site.hooks.register(Keeper(), "keeper")

    [found] = [each for each in home.site.clean_up(NOW) if each.step == "bin:client"]

    assert found.count == 1
    assert [str(each.reason) for each in found.kept] == ["the law wants it"]


def test_the_command_says_what_goes(tmp_path: Path) -> None:
    build(tmp_path / "site", DOCUMENTS, people={"ada": ("Ada", "ada@example.com", "admin")})

    dry = CliRunner().invoke(cli, ["clean-up", "--dry-run", "--site", str(tmp_path / "site"), "--json"])
    done = CliRunner().invoke(cli, ["clean-up", "--site", str(tmp_path / "site")], env={"LANG": "en_US.UTF-8"})

    assert (dry.exit_code, done.exit_code) == (0, 0)
    assert json.loads(dry.output)["steps"]["files"] == 0
    assert "- Uploaded files that no record names: 0" in done.output


def test_the_bin_says_when_its_records_go(world: World) -> None:
    with time_machine.travel(datetime(2026, 3, 1, tzinfo=UTC), tick=False):
        ids = world.create("deal", {"name": "Lost", "owner": world.ids["ben"]})
        world.site.records.delete(SYSTEM, "deal", ids)

    page = world.browser("ben").text("/deal/trash")

    assert "Deleted for good on" in page
    assert "May 30" in page
    assert "after 90 days" in page
    web = world.browser("ben")
    web.client.set_cookie("guanxi_language", "zh")
    assert "90 天后永久删除" in web.text("/deal/trash")
