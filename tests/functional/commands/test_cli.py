"""Commands answer a mistake with one clear line, in two languages, and with the exit code that scripts rely on."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from engine.data.principal import SYSTEM
from engine.i18n import translate
from engine.site.site import Site
from engine.storage.database import run
from engine.storage.guard import ENTITY_ACCESS
from tests.functional.commands.conftest import Command
from ui.cli.commands import cli

VISIT = "entity: visit\ntitle: subject\nfields:\n  subject: {type: text, required: true}\n"

CIRCLE = """\
entity: visit
title: a
fields:
  a: {type: formula, result: number, expr: b}
  b: {type: formula, result: number, expr: a}
"""


def write(folder: Path, name: str, text: str) -> Path:
    file = folder / "schemas" / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return file


# --- mistakes ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("plan",), "is not a site: it has no guanxi.yaml"),
        (("chekc",), "There is no command chekc"),
        (("plan", "--jsno"), "There is no option --jsno; did you mean --json?"),
        (("import", "account"), "FILE is missing"),
        (("import", "account", "nowhere.csv"), "There is no file nowhere.csv"),
        (("check", "nowhere"), "There is no file nowhere"),
        (("rollback", "two"), "NUMBER: "),
        (("publish", "--accept", "lead.amount"), "--accept: "),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_1(
    folder: Path, guanxi: Command, words: tuple[str, ...], said: str
) -> None:
    done = guanxi(*words)

    assert done.code == 1
    assert said in done.err.splitlines()[0]
    assert len(done.err.splitlines()) <= 2


def test_a_mistake_is_told_in_the_language_of_the_terminal(
    folder: Path, guanxi: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANG", "zh_CN.UTF-8")

    assert "不是站点" in guanxi("plan").err
    assert "没有命令" in guanxi("chekc").err
    assert "用法" in guanxi("--help").out


def test_without_a_language_of_the_terminal_the_first_one_of_the_site_is_spoken(crm: Path, guanxi: Command) -> None:
    settings = crm / "guanxi.yaml"
    settings.write_text(settings.read_text(encoding="utf-8").replace("[en, zh]", "[zh, en]"), encoding="utf-8")

    assert "没有用户" in guanxi("user", "disable", "nobody").err


def test_every_command_and_option_has_help_in_chinese() -> None:
    missing = []
    waiting = [cli]
    while waiting:
        command = waiting.pop()
        waiting += list(getattr(command, "commands", {}).values())
        texts = [command.help, *(getattr(each, "help", None) for each in command.params if each.name != "help")]
        for text in texts:
            words = " ".join((text or "").split())
            if words and translate(words, "zh") == words:
                missing.append(words)

    assert missing == []


def test_a_machine_gets_mistakes_as_json_too(crm: Path, guanxi: Command) -> None:
    done = guanxi("user", "disable", "nobody", "--json")

    assert done.code == 1
    assert json.loads(done.err) == {"error": "NotFound", "message": "There is no user nobody"}


def test_what_nobody_foresaw_is_one_line_and_a_file(
    crm: Path, guanxi: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_arguments: object, **_options: object) -> None:
        raise ZeroDivisionError("a defect")

    monkeypatch.setattr(Site, "history", broken)

    done = guanxi("history")

    assert done.code == 1
    assert len(done.err.splitlines()) == 1
    assert "ZeroDivisionError: a defect" in done.err
    assert "Traceback" in (crm / "data" / "guanxi-error.log").read_text(encoding="utf-8")


def test_a_database_that_does_not_answer_is_one_line(
    crm: Path, guanxi: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/nothing")

    done = guanxi("plan")

    assert done.code == 1
    assert len(done.err.splitlines()) == 1


def test_a_file_that_is_no_database_is_one_line(crm: Path, guanxi: Command) -> None:
    (crm / "data" / "site.sqlite").write_bytes(b"this is no database" * 100)

    done = guanxi("plan")

    assert done.code == 1
    assert len(done.err.splitlines()) == 1


# --- new, check, plan, publish ----------------------------------------------------------------------------------------


def test_new_check_plan_publish_and_the_first_person(folder: Path, guanxi: Command) -> None:
    assert guanxi("new", folder).code == 0
    assert guanxi("new", folder).code == 1
    assert guanxi("check").code == 0
    assert guanxi("plan").code == 2
    assert "run `guanxi publish` first" in guanxi("user", "add", "Ada", "--email", "ada@x.example").err
    assert guanxi("publish").code == 0
    assert guanxi("plan").code == 0

    done = guanxi("user", "add", "Ada", "--email", "ada@x.example", "--role", "admin", "--json")

    assert done.code == 0
    with Site.open(folder) as site:
        person = site.identity.link(done.json["link"].rpartition("/")[2])
    assert (person.name, person.email) == ("Ada", "ada@x.example")


def test_a_label_alone_makes_the_plan_answer_2(crm: Path, guanxi: Command) -> None:
    write(crm, "account.yaml", "entity: account\nlabel: {en: Client}\n")

    done = guanxi("plan", "--json")

    assert done.code == 2
    assert done.json["changes"] == []


def test_check_tells_every_problem_of_every_file_with_its_place(tmp_path: Path, guanxi: Command) -> None:
    write(tmp_path, "a.yaml", VISIT.replace("type: text", "type: txet"))
    write(tmp_path, "b.yaml", "entity: stay\ntitle: x\nfields:\n  x: {type: text}\n  y: {type: lookup, to: nowhere}\n")

    done = guanxi("check", tmp_path / "schemas")

    lines = done.out.splitlines()
    assert done.code == 1
    assert any(f"{tmp_path}/schemas/a.yaml:4:19: " in line and "did you mean 'text'?" in line for line in lines)
    assert any(f"{tmp_path}/schemas/b.yaml:5:25: " in line and "nowhere" in line for line in lines)


def test_check_of_one_file_sees_nothing_but_the_packs(tmp_path: Path, guanxi: Command) -> None:
    write(tmp_path, "visit.yaml", VISIT)
    item = write(tmp_path, "item.yaml", "entity: item\nparent: visit\ntitle: x\nfields:\n  x: {type: text}\n")

    assert guanxi("check", item).code == 1
    assert guanxi("check", tmp_path / "schemas").code == 0


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("entity: visit\n\ttitle: x\n", ":2:1: "),
        ("entity: visit\nentity: visit\n", "given twice"),
        ("a: &a [x]\nb: [*a, *a]\n", "names the kind"),
        ("entity: visit\nfields: [a, b]\ntitle: a\n", ":2:9: "),
        ("x" * 5_000_000, "at most"),
        ("\x00\x01\x02" * 1000, "no text"),
        (CIRCLE, "needs itself"),
    ],
    ids=["tab", "twice", "alias", "list", "junk", "binary", "cycle"],
)  # fmt: skip
def test_nonsense_is_refused_with_its_place_and_changes_nothing(
    crm: Path, guanxi: Command, text: str, said: str
) -> None:
    write(crm, "bad.yaml", text)

    checked, published = guanxi("check"), guanxi("publish")

    assert (checked.code, published.code) == (1, 1)
    assert said in checked.out
    assert all(line.startswith("schemas/bad.yaml") for line in published.err.splitlines())
    (crm / "schemas" / "bad.yaml").unlink()
    assert guanxi("plan").code == 0


def test_a_yaml_bomb_is_refused_at_once(crm: Path, guanxi: Command) -> None:
    levels = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    levels += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    write(crm, "bomb.yaml", "entity: visit\n" + "\n".join(levels))
    started = time.monotonic()

    done = guanxi("check")

    assert done.code == 1
    assert time.monotonic() - started < 5


def test_a_retype_with_bad_rows_is_refused_accepted_and_rolled_back(any_crm: Path, guanxi: Command) -> None:
    field = "entity: visit\ntitle: subject\nfields:\n  subject: {type: text}\n  size: {type: %s}\n"
    write(any_crm, "visit.yaml", field % "text")
    assert guanxi("publish").code == 0
    rows = any_crm.parent / "visits.csv"
    rows.write_text("subject,size\na,12\nb,about 3\nc,7\n", encoding="utf-8")
    assert guanxi("import", "visit", rows).code == 0
    write(any_crm, "visit.yaml", field % "integer")

    refused = guanxi("publish")
    assert refused.code == 1
    assert "visit.size=1" in refused.err
    accepted = guanxi("publish", "--accept", "visit.size=1")
    assert accepted.code == 0

    sizes = guanxi("export", "visit", "--fields", "subject,size").out.splitlines()[1:]
    assert sorted(sizes) == ["a,12", "b,", "c,7"]
    assert guanxi("rollback", "2").code == 0
    sizes = guanxi("export", "visit", "--fields", "subject,size").out.splitlines()[1:]
    assert sorted(sizes) == ["a,12", "b,about 3", "c,7"]
    # The folder still holds what was rolled back: nobody publishes over the rollback by mistake.
    assert guanxi("publish").code == 1
    assert guanxi("pull").code == 0
    assert guanxi("plan").code == 0


def test_two_folders_of_one_site_do_not_publish_over_each_other(
    any_crm: Path, guanxi: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other"
    assert guanxi("new", other).code == 0
    with Site.open(any_crm) as site:
        monkeypatch.setenv("DATABASE_URL", site.config.database)
    write(any_crm, "visit.yaml", VISIT)
    assert guanxi("publish").code == 0
    write(other, "stay.yaml", VISIT.replace("visit", "stay"))

    refused = guanxi("--site", other, "publish")

    assert refused.code == 1
    assert "`guanxi pull` first" in refused.err
    # The other's own document differs from what is published, so pulling does not take it away.
    assert "stay" in guanxi("--site", other, "pull").err
    (other / "schemas" / "stay.yaml").rename(tmp_path / "stay.yaml")
    assert guanxi("--site", other, "pull").code == 0
    (tmp_path / "stay.yaml").rename(other / "schemas" / "stay.yaml")
    assert guanxi("--site", other, "publish").code == 0
    assert "`guanxi pull` first" in guanxi("publish").err


def test_pull_keeps_the_words_of_files_that_say_what_was_published(crm: Path, guanxi: Command) -> None:
    text = "# Visits: what a patient comes for.\n" + VISIT
    file = write(crm, "clinic/visit.yaml", text)
    assert guanxi("publish").code == 0

    done = guanxi("pull", "--json")

    assert (done.json["written"], done.json["removed"]) == ([], [])
    assert file.read_text(encoding="utf-8") == text


def test_history_shows_who_said_why(crm: Path, guanxi: Command) -> None:
    write(crm, "visit.yaml", VISIT)
    guanxi("publish", "-m", "新增就诊")

    newest, oldest = guanxi("history", "--json").json

    assert (newest["revision"], newest["comment"], oldest["revision"]) == (2, "新增就诊", 1)
    assert "新增就诊" in guanxi("history").out


def test_purge_says_what_it_dropped(crm: Path, guanxi: Command) -> None:
    assert guanxi("purge").code == 0
    assert guanxi("purge", "--dry-run", "--json").json == {"dropped": [], "dry_run": True}


# --- people -----------------------------------------------------------------------------------------------------------


def test_people_are_added_listed_and_shut_out(any_crm: Path, guanxi: Command) -> None:
    words = ("user", "add", "Ada", "--email", "Ada@X.example", "--role", "admin", "--password-stdin")
    assert guanxi(*words, stdin="a good long password\n").code == 0
    assert (
        guanxi("user", "add", "Bo", "--email", "bo@x.example", "--role", "sales_rep", "--manager", "ada@x.example").code
        == 0
    )

    assert "has the same Email" in guanxi("user", "add", "Eve", "--email", "ADA@x.example").err
    assert "There is no role boss" in guanxi("user", "add", "Eve", "--email", "eve@x.example", "--role", "boss").err
    weak = guanxi("user", "add", "Eve", "--email", "eve@x.example", "--password-stdin", stdin="short\n")
    assert "at least 10 characters" in weak.err
    assert [each["email"] for each in guanxi("user", "list", "--json").json] == ["ada@x.example", "bo@x.example"]

    assert guanxi("user", "disable", "bo@x.example").code == 0
    assert [each["active"] for each in guanxi("user", "list", "--json").json] == [True, False]
    assert "make another administrator first" in guanxi("user", "disable", "ada@x.example").err


def test_a_token_works_until_it_is_revoked(any_crm: Path, guanxi: Command) -> None:
    guanxi("user", "add", "Ada", "--email", "ada@x.example", "--role", "admin")

    made = guanxi("token", "add", "ada@x.example", "--scope", "lead:read", "--days", "3", "--json").json

    with Site.open(any_crm) as site:
        assert site.identity.principal_of_token(made["token"]).scopes == frozenset({"lead:read"})
    assert [each["id"] for each in guanxi("token", "list", "ada@x.example", "--json").json] == [made["id"]]
    assert made["token"] not in guanxi("token", "list", "ada@x.example").out
    assert guanxi("token", "revoke", made["id"]).code == 0
    assert guanxi("token", "revoke", made["id"]).code == 1
    assert "is no scope" in guanxi("token", "add", "ada@x.example", "--scope", "DROP TABLE").err


def test_explain_says_which_rule_grants_and_who_could(crm: Path, guanxi: Command) -> None:
    guanxi("user", "add", "Bo", "--email", "bo@x.example", "--role", "sales_rep")

    granted, refused = (
        guanxi("explain", "bo@x.example", "create", "lead"),
        guanxi("explain", "bo@x.example", "delete", "user"),
    )

    assert granted.code == 0
    assert "Bo may create Leads" in granted.out
    assert "Sales representative" in granted.out
    assert refused.code == 1
    assert "Bo may not delete Users" in refused.out


# --- serve, doctor ----------------------------------------------------------------------------------------------------


def test_serve_says_in_one_line_why_it_cannot(crm: Path, guanxi: Command) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = guanxi("serve", "--port", str(taken.getsockname()[1]))

    assert done.code == 1
    assert "Cannot listen on 127.0.0.1" in done.err


@pytest.mark.slow
def test_serve_answers_has_jobs_done_and_ends_when_it_is_told_to(crm: Path, guanxi: Command) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-c", "from ui.cli import main; main()", "serve", "--port", str(port)],
        env={**os.environ, "GUANXI_SITE": str(crm)}, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        deadline = time.monotonic() + 120
        while True:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/login", timeout=5) as answer:
                    assert answer.status == 200
                    assert b"Guanxi" in answer.read()
                break
            except OSError:
                assert process.poll() is None, process.stderr and process.stderr.read().decode()
                assert time.monotonic() < deadline
                time.sleep(0.1)
        # On SQLite a worker lives beside the server.
        job = guanxi("jobs", "schedule", "clean_up", "--now", "--json").json["job"]
        while guanxi("jobs", "show", job, "--json").json["state"] != "done":
            assert time.monotonic() < deadline
            time.sleep(0.2)
        [worker] = guanxi("jobs", "workers", "--json").json
        assert worker["kind"] == "server"
    finally:
        process.terminate()
        assert process.wait(timeout=20) == 0
        if process.stderr is not None:
            process.stderr.close()
    assert guanxi("jobs", "workers").code == 1


def test_the_doctor_finds_a_site_well_and_tells_what_is_wrong(crm: Path, guanxi: Command) -> None:
    guanxi("user", "add", "Ada", "--email", "ada@x.example", "--role", "admin")
    well = guanxi("doctor", "--json")
    assert (well.code, {each["state"] for each in well.json}) == (0, {"good"})

    import sqlite3

    with sqlite3.connect(crm / "data" / "site.sqlite") as connection:
        connection.execute("DROP INDEX IF EXISTS record_change_set")
        connection.execute("DELETE FROM search_row")
        (name,) = connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'index' AND tbl_name = 'crm_lead' AND sql IS NOT NULL"
        ).fetchone()
        connection.execute(f'DROP INDEX "{name}"')
    connection.close()
    ill = guanxi("doctor", "--json")

    assert ill.code == 1
    assert {"tables", "search"} <= {each["check"] for each in ill.json if each["state"] == "bad"}


def test_the_doctor_finds_links_to_nothing_and_a_reporting_line_that_is_not_so(any_crm: Path, guanxi: Command) -> None:
    fields = "fields:\n  x: {type: text}\n  about: {type: any_lookup, to: [account, lead]}\n"
    write(any_crm, "memo.yaml", f"entity: memo\ntitle: x\n{fields}")
    guanxi("publish")
    guanxi("user", "add", "Ada", "--email", "ada@x.example", "--role", "admin")
    guanxi("user", "add", "Bo", "--email", "bo@x.example", "--manager", "ada@x.example")
    with Site.open(any_crm) as site:
        [account] = site.records.create(SYSTEM, "account", [{"name": "Acme"}])
        site.records.create(SYSTEM, "memo", [{"x": "1", "about": f"account/{account.id}"}])
        assert {each["state"] for each in guanxi("doctor", "--json").json} == {"good"}

        with site.database.write() as connection:
            run(connection, "DELETE FROM crm_account", access=ENTITY_ACCESS)
            run(connection, "DELETE FROM user_closure")

    ill = guanxi("doctor", "--json")

    assert ill.code == 1
    assert {each["check"] for each in ill.json if each["state"] == "bad"} == {"links", "people", "search"}
    assert "memo.about: 1 lead to nothing" in str(ill.json)
