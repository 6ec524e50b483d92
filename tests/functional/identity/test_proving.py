"""Second factors, rates, life times and what is done for others, on both databases and over several processes."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyotp
import pytest

from engine import clock, rotate_keys
from engine.data.batch import Change
from engine.data.principal import SYSTEM
from engine.errors import (
    AccessDenied,
    GuanxiError,
    PasswordRefused,
    RecordInvalid,
    SignInNeeded,
    SignInRefused,
    TooManyRequests,
)
from engine.hooks import hookimpl
from engine.identity import passwords
from engine.identity.identity import Identity
from engine.identity.rates import Rate
from engine.identity.steps import SecondFactorNeeded
from engine.site.folder import create_folder
from engine.site.site import Site
from engine.storage.database import run

PASSWORD = "correct horse battery"
ADA, BO = "ada@x.example", "bo@x.example"


def made(folder: Path, url: str, settings: str = "") -> Site:
    """Return a published site of no trade."""
    create_folder(folder)
    config = folder / "guanxi.yaml"
    text = config.read_text(encoding="utf-8").replace("packs: [crm]", "packs: []")
    config.write_text(f"{text}\n{settings}\n", encoding="utf-8")
    site = Site.open(folder, database_url=url)
    site.publish()
    return site


@pytest.fixture
def site(tmp_path: Path, database_url: str) -> Iterator[Site]:
    with made(tmp_path / "site", database_url) as site:
        yield site


@pytest.fixture
def light(tmp_path: Path, sqlite_url: str) -> Iterator[Site]:
    """A site whose rules about passwords are stricter."""
    with made(tmp_path / "site", sqlite_url, "limits: {password_history: 2, password_length: 12}") as site:
        yield site


@pytest.fixture
def identity(site: Site) -> Identity:
    return site.identity


@pytest.fixture
def ada(identity: Identity) -> str:
    user_id = identity.add("Ada", ADA, ["admin"])
    identity.set_password(user_id, PASSWORD)
    return user_id


def with_app(identity: Identity, user_id: str) -> tuple[pyotp.TOTP, tuple[str, ...]]:
    """Give somebody an app, as of an hour ago."""
    totp = pyotp.TOTP(identity.offer_app(user_id).secret)
    with clock.set_to(clock.now() - timedelta(hours=1)):
        return totp, identity.confirm_app(user_id, totp.at(clock.now()))


def first_step(identity: Identity, email: str = ADA) -> str:
    with pytest.raises(SecondFactorNeeded) as needed:
        identity.sign_in(email, PASSWORD)
    return needed.value.step.secret


def test_of_two_who_show_one_code_at_once_one_gets_in(identity: Identity, ada: str) -> None:
    totp, _codes = with_app(identity, ada)
    steps = [first_step(identity) for _ in range(3)]
    code = totp.at(clock.now())
    entered, refused = [], []

    def enter(step: str) -> None:
        try:
            entered.append(identity.finish_step(step, code))
        except SignInRefused as error:
            refused.append(error)

    threads = [threading.Thread(target=enter, args=(step,)) for step in steps]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (len(entered), len(refused)) == (1, 2)
    assert identity.sessions(ada)[0].method == "password+totp"


def test_a_recovery_code_works_once_and_new_ones_end_the_old(identity: Identity, ada: str) -> None:
    _totp, codes = with_app(identity, ada)

    identity.finish_step(first_step(identity), f" {codes[0].upper()} ")
    with pytest.raises(SignInRefused):
        identity.finish_step(first_step(identity), codes[0])
    assert identity.codes_left(ada) == 9
    fresh = identity.new_codes(ada)

    with pytest.raises(SignInRefused):
        identity.finish_step(first_step(identity), codes[1])
    identity.finish_step(first_step(identity), fresh[1])


def test_guessing_codes_locks_the_second_step_over_all_sign_ins(identity: Identity, ada: str) -> None:
    totp, _codes = with_app(identity, ada)
    for _ in range(2):
        step = first_step(identity)
        for number in range(5):
            with pytest.raises(SignInRefused, match="not right"):
                identity.finish_step(step, f"00000{number}")

    with pytest.raises((SignInRefused, TooManyRequests), match=r"too often|try again|Too many"):
        identity.finish_step(first_step(identity), totp.at(clock.now()))


def test_a_step_is_no_sign_in_and_ends_by_itself(identity: Identity, ada: str) -> None:
    totp, _codes = with_app(identity, ada)
    step = first_step(identity)

    with pytest.raises(SignInNeeded):
        identity.principal_of_session(step)
    with clock.set_to(clock.now() + timedelta(minutes=11)), pytest.raises(SignInNeeded):
        identity.finish_step(step, totp.at(clock.now()))
    with pytest.raises(SignInNeeded):
        identity.finish_step("made up", totp.at(clock.now()))


def test_a_provider_may_vouch_for_the_second_factor(identity: Identity, ada: str) -> None:
    with_app(identity, ada)

    with pytest.raises(SecondFactorNeeded):
        identity.begin_session(ada, method="oidc")
    done = identity.begin_session(ada, method="oidc", vouched=True)

    assert identity.principal_of_session(done.secret).id == ada
    identity.add("Bo", BO, ["admin"])
    identity.disable(ada)
    with pytest.raises(SignInRefused):
        identity.begin_session(ada, method="oidc", vouched=True)


def test_what_the_database_holds_signs_nobody_in(site: Site, identity: Identity, ada: str) -> None:
    totp, codes = with_app(identity, ada)
    step = first_step(identity)

    with site.database.read() as connection:
        stored = "".join(
            str(run(connection, f"SELECT * FROM {table}").fetchall())
            for table in ("auth_credential", "auth_step", "audit_event", "mail_message")
        )

    assert [
        each for each in (totp.secret, step, *codes, *(code.replace("-", "") for code in codes)) if each in stored
    ] == []


def test_a_sign_in_ends_however_much_it_is_used(site: Site, identity: Identity, ada: str) -> None:
    start = clock.now()
    secret = identity.sign_in(ADA, PASSWORD).secret

    for hours in range(6, 168, 6):
        with clock.set_to(start + timedelta(hours=hours)):
            identity.principal_of_session(secret)
    with clock.set_to(start + timedelta(hours=169)), pytest.raises(SignInNeeded):
        identity.principal_of_session(secret)


def test_a_sign_in_that_is_used_in_one_process_lasts_in_the_others(site: Site, ada: str, tmp_path: Path) -> None:
    start = clock.now()
    with Site.open(tmp_path / "site", database_url=site.config.database) as other:
        secret = site.identity.sign_in(ADA, PASSWORD).secret
        other.identity.principal_of_session(secret)
        for hours in (8, 16):
            with clock.set_to(start + timedelta(hours=hours)):
                site.identity.principal_of_session(secret)

        with clock.set_to(start + timedelta(hours=17)):
            assert other.identity.principal_of_session(secret).id == ada


def test_a_new_data_key_takes_over_what_apps_and_mails_keep(site: Site, identity: Identity, ada: str) -> None:
    totp, _codes = with_app(identity, ada)
    bo = identity.add("Bo", BO)
    identity.invite(bo)
    before = sealed(site)

    rotate_keys(site)

    after = sealed(site)
    assert len(before) == len(after) == 3
    assert not before & after
    assert identity.finish_step(first_step(identity), totp.at(clock.now())).principal.id == ada
    site.post.send_due()
    assert {each.state for each in site.post.entries()} == {"sent"}


def sealed(site: Site) -> set[str]:
    """Return the sealed values of second factors and waiting mails."""
    with site.database.read() as connection:
        apps = run(connection, "SELECT secret FROM auth_credential WHERE kind = 'totp'").fetchall()
        mails = run(connection, "SELECT body, html FROM mail_message WHERE secret").fetchall()
    return {row[0] for row in apps} | {value for row in mails for value in row}


def test_buckets_count_for_all_processes_together_and_fill_up_again(site: Site, tmp_path: Path) -> None:
    rate = Rate(4, 10)
    with Site.open(tmp_path / "site", database_url=site.config.database) as other:
        taken, waits = 0, []
        for turn in range(6):
            here = (site, other)[turn % 2]
            try:
                with here.database.write() as connection:
                    here.identity._rates.take(connection, "x", rate)  # noqa: SLF001 - every use of it goes this way
                taken += 1
            except TooManyRequests as refused:
                waits.append(refused.seconds)
        assert taken == 4
        assert all(1 <= each <= 10 for each in waits)
        with clock.set_to(clock.now() + timedelta(seconds=10)), other.database.write() as connection:
            other.identity._rates.take(connection, "x", rate)  # noqa: SLF001 - as above


def test_a_password_of_old_is_not_taken_again(light: Site) -> None:
    identity = light.identity
    ada = identity.add("Ada", ADA, ["admin"])
    old = ["first good sentence", "second good sentence", "third good sentence", "fourth good sentence"]
    for each in old:
        identity.set_password(ada, each)

    for each in old[1:]:
        with pytest.raises(PasswordRefused, match="before"):
            identity.set_password(ada, each)
    with pytest.raises(PasswordRefused, match="at least 12"):
        identity.set_password(ada, "elevenchars")
    identity.set_password(ada, old[0])


@pytest.mark.parametrize(
    "password", ["Password123!", "P4ssw0rd2024", "woaini1314520", "qwertyuiop12", "Ada-Lovelace-1", "1q2w3e4r5t6y"]
)
def test_words_that_many_use_or_that_others_know_are_no_password(password: str) -> None:
    with pytest.raises(PasswordRefused, match="many use"):
        passwords.require_strong(password, "Ada Lovelace", ADA)


def test_a_plugin_says_which_passwords_have_leaked_and_learns_none(light: Site) -> None:
    asked: list[str] = []

    class Leaks:
        """Knows one password, by its SHA-1."""

        @hookimpl
        def password_breached(self, prefix: str) -> list[str]:
            asked.append(prefix)
            return ["0018A45C4D1DEF81644B54AB7F969B88D65:10", leaked[5:] + ":3"]

    import hashlib

    leaked = hashlib.sha1(b"a sentence that leaked", usedforsecurity=False).hexdigest().upper()
    light.hooks.register(Leaks(), "leaks")
    ada = light.identity.add("Ada", ADA, ["admin"])

    with pytest.raises(PasswordRefused, match="leak"):
        light.identity.set_password(ada, "a sentence that leaked")
    light.identity.set_password(ada, "a sentence that did not")

    assert asked[0] == leaked[:5]
    assert {len(each) for each in asked} == {5}


def test_nobody_is_helped_by_who_may_less(site: Site, identity: Identity, ada: str) -> None:
    (site.config.folder / "schemas" / "desk.yaml").write_text(
        "role: desk\npermissions: [users]\n---\nrole: maker\npermissions: [users, developer]\n", encoding="utf-8"
    )
    site.publish()
    desk = identity.principal(identity.add("Desk", "desk@x.example", ["desk"]))
    maker = identity.add("Maker", "maker@x.example", ["maker"])
    plain = identity.add("Plain", "plain@x.example")
    nobody = identity.principal(plain)

    identity.send_link(desk, plain)
    assert identity.standing(desk, maker).person.name == "Maker"
    for target in (maker, ada):
        acts: list[Any] = [identity.send_link, identity.end_sessions, identity.unlock, identity.remove_factors]
        for act in acts:
            with pytest.raises(AccessDenied):
                act(desk, target)
        with pytest.raises(AccessDenied):
            identity.set_active(desk, target, active=False)
    identity.send_link(identity.principal(maker), desk.id or "")
    for target in (plain, maker):
        with pytest.raises(AccessDenied):
            identity.standing(nobody, target)
    assert [each.to for each in site.post.entries() if each.purpose == "invitation"] == [
        "desk@x.example",
        "plain@x.example",
    ]


def test_a_service_account_never_signs_in(identity: Identity, ada: str) -> None:
    robot = identity.add("Robot", "robot@x.example", ["admin"], kind="service")
    identity.set_password(robot, PASSWORD)
    _id, text = identity.add_token(robot, "nightly", addresses=["10.1.0.0/16", "2001:db8::/32"])

    with pytest.raises(SignInRefused, match="do not fit"):
        identity.sign_in("robot@x.example", PASSWORD)
    with pytest.raises(SignInRefused):
        identity.begin_session(robot, method="oidc", vouched=True)
    with pytest.raises(GuanxiError):
        identity.invite(robot)
    for address in ("10.1.2.3", "::ffff:10.1.2.3", "2001:db8::7"):
        assert identity.principal_of_token(text, address=address).id == robot
    for elsewhere in ("10.2.0.1", "", None, "nonsense"):
        with pytest.raises(SignInNeeded, match="address"):
            identity.principal_of_token(text, address=elsewhere)


def test_a_service_account_is_no_administrator_who_remains(site: Site, identity: Identity, ada: str) -> None:
    identity.add("Robot", "robot@x.example", ["admin"], kind="service")

    for values in ({"status": "disabled"}, {"kind": "service"}):
        with pytest.raises(RecordInvalid, match="another administrator first"):
            site.records.update(SYSTEM, "user", [Change(ada, values)])


def test_another_address_waits_for_its_confirmation(site: Site, identity: Identity, ada: str) -> None:
    identity.request_address(ada, "ada.new@x.example")
    assert [each.to for each in site.post.entries()] == [ADA, "ada.new@x.example"]
    with pytest.raises(GuanxiError, match="already"):
        identity.request_address(ada, ADA.upper())

    site.records.update(SYSTEM, "user", [Change(ada, {"position": "Boss"})])

    assert identity.find(ada).email == ADA


def test_a_command_invites_and_the_mail_becomes_a_file(tmp_path: Path) -> None:
    with made(tmp_path / "site", "sqlite:///data/site.sqlite"):
        pass
    ran = subprocess.run(
        [
            sys.executable,
            "-c",
            "from ui.cli import main; main()",
            "user",
            "add",
            "Ada",
            "--email",
            ADA,
            "--role",
            "admin",
            "--invite",
        ],
        cwd=tmp_path / "site",
        env={**os.environ, "LANG": "en_US.UTF-8", "GUANXI_SITE": str(tmp_path / "site"), "DATABASE_URL": ""},
        capture_output=True,
        text=True,
        check=True,
    )

    [file] = (tmp_path / "site" / "data" / "outbox").glob("*.eml")
    assert "http://127.0.0.1:8000/login/link/" in file.read_text("utf-8")
    assert "/login/link/" not in ran.stdout
    assert "Made the user Ada" in ran.stdout
