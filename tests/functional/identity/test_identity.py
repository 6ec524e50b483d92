"""Who may sign in, how often they may be wrong, and how fast somebody who is shut out is out."""

import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from engine import clock
from engine.data.batch import Change
from engine.data.principal import SYSTEM
from engine.errors import GuanxiError, NotFound, PasswordRefused, RecordInvalid, SignInNeeded, SignInRefused
from engine.identity.identity import Identity
from engine.site.folder import create_folder
from engine.site.site import Site
from engine.storage.database import run

PASSWORD = "correct horse battery"
ADA = "ada@x.example"


@pytest.fixture
def site(tmp_path: Path, database_url: str) -> Iterator[Site]:
    """A published site of no trade, on each kind of database."""
    create_folder(tmp_path / "site")
    settings = tmp_path / "site" / "guanxi.yaml"
    settings.write_text(settings.read_text(encoding="utf-8").replace("packs: [crm]", "packs: []"), encoding="utf-8")
    with Site.open(tmp_path / "site", database_url=database_url) as site:
        site.publish()
        yield site


@pytest.fixture
def identity(site: Site) -> Identity:
    return site.identity


@pytest.fixture
def ada(identity: Identity) -> str:
    """Ada's id; she looks after the site."""
    user_id = identity.add("Ada", ADA, ["admin"])
    identity.set_password(user_id, PASSWORD)
    return user_id


# --- signing in -------------------------------------------------------------------------------------------------------


def test_a_person_signs_in_and_out(identity: Identity, ada: str) -> None:
    signed_in = identity.sign_in(" ADA@X.example ", PASSWORD, address="10.0.0.1", agent="Firefox")

    assert signed_in.principal.id == ada
    assert signed_in.principal.roles == {"admin", "everyone"}
    assert identity.principal_of_session(signed_in.secret) == signed_in.principal
    assert [(each.address, each.agent) for each in identity.sessions(ada)] == [("10.0.0.1", "Firefox")]
    identity.sign_out(signed_in.secret)
    with pytest.raises(SignInNeeded):
        identity.principal_of_session(signed_in.secret)


def test_nothing_tells_a_wrong_password_from_a_name_that_nobody_has(identity: Identity, ada: str) -> None:
    said = set()
    for name, password in ((ADA, "wrong"), ("nobody@x.example", "wrong"), ("nobody@x.example", PASSWORD)):
        with pytest.raises(SignInRefused) as refused:
            identity.sign_in(name, password)
        said.add(str(refused.value))

    assert said == {"Email and password do not fit"}


def test_a_name_waits_after_too_many_wrong_passwords_whether_it_exists_or_not(identity: Identity, ada: str) -> None:
    for name in (ADA, "nobody@x.example"):
        for _ in range(10):
            with pytest.raises(SignInRefused, match="do not fit"):
                identity.sign_in(name, "wrong")
        with pytest.raises(SignInRefused, match="try again in 15 minutes"):
            identity.sign_in(name, PASSWORD)

    with clock.set_to(clock.now() + timedelta(minutes=16)):
        assert identity.sign_in(ADA, PASSWORD).principal.id == ada


def test_failures_that_come_at_once_are_all_counted(site: Site, identity: Identity, ada: str) -> None:
    def fail() -> None:
        with pytest.raises(SignInRefused):
            identity.sign_in(ADA, "wrong")

    threads = [threading.Thread(target=fail) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    with site.database.read() as connection:
        rows = run(connection, "SELECT sum(failures) FROM auth_attempt").fetchall()
    assert [tuple(row) for row in rows] == [(4,)]


def test_a_success_forgets_the_failures(identity: Identity, ada: str) -> None:
    for _ in range(3):
        for _ in range(9):
            with pytest.raises(SignInRefused, match="do not fit"):
                identity.sign_in(ADA, "wrong")
        identity.sign_in(ADA, PASSWORD)


def test_a_sign_in_ends_when_it_is_not_used_and_lasts_while_it_is(identity: Identity, ada: str) -> None:
    start = clock.now()
    used, idle = identity.sign_in(ADA, PASSWORD).secret, identity.sign_in(ADA, PASSWORD).secret

    for hours in (6, 12, 18):
        with clock.set_to(start + timedelta(hours=hours)):
            identity.principal_of_session(used)
    with clock.set_to(start + timedelta(hours=18)), pytest.raises(SignInNeeded):
        identity.principal_of_session(idle)


@pytest.mark.parametrize("secret", ["", "x", "x" * 5000, "\x00", "\ud800"])
def test_a_cookie_that_nobody_was_given_is_no_sign_in(identity: Identity, ada: str, secret: str) -> None:
    with pytest.raises(SignInNeeded):
        identity.principal_of_session(secret)


def test_a_database_that_leaks_gives_no_working_secret(site: Site, identity: Identity, ada: str) -> None:
    secrets = [
        identity.sign_in(ADA, PASSWORD).secret,
        identity.make_link(ada),
        identity.add_token(ada, "robot")[1],
        PASSWORD,
    ]

    with site.database.read() as connection:
        stored = [
            str(run(connection, f"SELECT * FROM {table}").fetchall())
            for table in ("auth_session", "auth_link", "auth_token", "auth_credential", "record_change")
        ]

    assert [secret for secret in secrets for text in stored if secret in text] == []


# --- being shut out ---------------------------------------------------------------------------------------------------


def test_who_is_shut_out_is_out_with_the_next_request_in_every_process(
    site: Site, identity: Identity, ada: str, tmp_path: Path
) -> None:
    bo = identity.add("Bo", "bo@x.example", ["admin"])
    identity.set_password(bo, PASSWORD)
    secret, token = identity.sign_in("bo@x.example", PASSWORD).secret, identity.add_token(bo, "robot")[1]
    with Site.open(tmp_path / "site", database_url=site.config.database) as other:
        assert other.identity.principal_of_session(secret).id == bo
        assert other.identity.principal_of_token(token).id == bo

        identity.disable(bo)

        for attempt in (other.identity.principal_of_session, identity.principal_of_session):
            with pytest.raises(SignInNeeded):
                attempt(secret)
        with pytest.raises(SignInNeeded):
            other.identity.principal_of_token(token)
    with pytest.raises(SignInRefused):
        identity.sign_in("bo@x.example", PASSWORD)


def test_a_change_of_roles_holds_from_the_next_request_on(site: Site, identity: Identity, ada: str) -> None:
    bo = identity.add("Bo", "bo@x.example")
    assert identity.principal(bo).roles == {"everyone"}

    site.records.update(SYSTEM, "user", [Change(bo, {"roles": ["admin"]})])

    assert identity.principal(bo).roles == {"admin", "everyone"}


def test_a_new_password_ends_every_sign_in(identity: Identity, ada: str) -> None:
    here, there = identity.sign_in(ADA, PASSWORD).secret, identity.sign_in(ADA, PASSWORD).secret

    renewed = identity.change_password(ada, PASSWORD, "another good password", keep=here)

    assert renewed is not None
    assert identity.principal_of_session(renewed).id == ada
    for ended in (here, there):
        with pytest.raises(SignInNeeded):
            identity.principal_of_session(ended)
    with pytest.raises(SignInRefused):
        identity.change_password(ada, PASSWORD, "yet another password")


# --- links ------------------------------------------------------------------------------------------------------------


def test_a_link_sets_a_password_once(identity: Identity) -> None:
    user_id = identity.add("Ada", ADA, ["admin"])
    assert not identity.has_passwords()
    secret = identity.make_link(user_id)
    assert (identity.link(secret).name, identity.link(secret).email) == ("Ada", ADA)

    with pytest.raises(PasswordRefused, match="at least 10"):
        identity.follow_link(secret, "short")
    signed_in = identity.follow_link(secret, PASSWORD)

    assert identity.principal_of_session(signed_in.secret).id == user_id
    assert identity.has_passwords()
    with pytest.raises(NotFound):
        identity.follow_link(secret, "another password")
    assert identity.sign_in(ADA, PASSWORD).principal.id == user_id


def test_a_link_ends_with_its_time_and_with_the_next_one(identity: Identity, ada: str) -> None:
    first = identity.make_link(ada)
    second = identity.make_link(ada)

    with pytest.raises(NotFound):
        identity.link(first)
    with clock.set_to(clock.now() + timedelta(hours=73)), pytest.raises(NotFound):
        identity.link(second)


@pytest.mark.parametrize(
    ("password", "said"),
    [
        ("short", "at least 10 characters"),
        ("aaaaaaaaaaaa", "repeats the same few"),
        ("ADA@x.example", "is the name"),
        ("x" * 1001, "more than 1000"),
    ],
)
def test_a_password_that_is_easy_to_guess_is_refused(identity: Identity, ada: str, password: str, said: str) -> None:
    with pytest.raises(PasswordRefused, match=said):
        identity.set_password(ada, password)


def test_a_password_is_the_same_however_its_letters_are_composed(identity: Identity, ada: str) -> None:
    identity.set_password(ada, "Zu\u0308rich ist scho\u0308n")

    assert identity.sign_in(ADA, "Z\u00fcrich ist sch\u00f6n").principal.id == ada


# --- tokens -----------------------------------------------------------------------------------------------------------


def test_a_token_stands_for_its_person_within_its_scopes(identity: Identity, ada: str) -> None:
    _, whole = identity.add_token(ada, "all")
    _, part = identity.add_token(ada, "part", ["user:read"])

    assert identity.principal_of_token(whole).scopes is None
    principal = identity.principal_of_token(part)
    assert (principal.id, principal.scopes) == (ada, frozenset({"user:read"}))
    assert whole.startswith("gx_")


@pytest.mark.parametrize("scope", ["frob", "lead:frob", "lead:", "", "lead read"])
def test_a_token_takes_no_scope_that_means_nothing(identity: Identity, ada: str, scope: str) -> None:
    with pytest.raises(GuanxiError, match="is no scope"):
        identity.add_token(ada, "odd", [scope])


def test_a_token_ends_with_its_time_and_with_its_revocation(identity: Identity, ada: str) -> None:
    now = clock.now()
    _, short = identity.add_token(ada, "short", expires_at=now + timedelta(days=1))
    id_, text = identity.add_token(ada, "long")
    assert identity.principal_of_token(short).id == ada

    with clock.set_to(now + timedelta(days=2)), pytest.raises(SignInNeeded):
        identity.principal_of_token(short)
    identity.revoke_token(id_)
    with pytest.raises(SignInNeeded):
        identity.principal_of_token(text)
    with pytest.raises(SignInNeeded):
        identity.principal_of_token("gx_" + "A" * 43)


# --- who reports to whom ----------------------------------------------------------------------------------------------


def closure(site: Site) -> set[tuple[str, str, int]]:
    with site.database.read() as connection:
        rows = run(connection, "SELECT manager_id, user_id, depth FROM user_closure").fetchall()
    return {(str(row[0]), str(row[1]), row[2]) for row in rows}


def test_the_reporting_line_follows_every_change(site: Site, identity: Identity) -> None:
    a, b, c = (identity.add(name, f"{name}@x.example") for name in "abc")
    assert closure(site) == set()

    site.records.update(SYSTEM, "user", [Change(b, {"manager": a}), Change(c, {"manager": b})])
    assert closure(site) == {(a, b, 1), (b, c, 1), (a, c, 2)}

    site.records.update(SYSTEM, "user", [Change(c, {"manager": a})])
    assert closure(site) == {(a, b, 1), (a, c, 1)}

    site.records.delete(SYSTEM, "user", [c])
    assert closure(site) == {(a, b, 1)}
    site.records.restore(SYSTEM, "user", [c])
    assert closure(site) == {(a, b, 1), (a, c, 1)}


def test_nobody_reports_to_themselves_at_any_distance(site: Site, identity: Identity) -> None:
    a, b, c = (identity.add(name, f"{name}@x.example") for name in "abc")
    site.records.update(SYSTEM, "user", [Change(b, {"manager": a}), Change(c, {"manager": b})])
    before = closure(site)

    with pytest.raises(RecordInvalid) as refused:
        site.records.update(SYSTEM, "user", [Change(a, {"manager": c})])

    assert [problem.path for problem in refused.value.problems] == ["manager"]
    assert closure(site) == before


def test_a_department_is_not_part_of_itself_at_any_distance(site: Site) -> None:
    [top] = site.records.create(SYSTEM, "department", [{"name": "Top"}])
    [low] = site.records.create(SYSTEM, "department", [{"name": "Low", "parent": top.id}])

    with pytest.raises(RecordInvalid):
        site.records.update(SYSTEM, "department", [Change(top.id, {"parent": low.id})])


# --- roles ------------------------------------------------------------------------------------------------------------


def test_only_an_administrator_gives_roles(site: Site, identity: Identity, ada: str) -> None:
    bo = identity.add("Bo", "bo@x.example")
    document = site.config.folder / "schemas" / "hr.yaml"
    document.write_text("role: hr\ngrants: {user: {read: all, create: all, update: all}}\n", encoding="utf-8")
    site.publish()
    hr = identity.principal(identity.add("Hr", "hr@x.example", ["hr"]))

    site.records.update(hr, "user", [Change(bo, {"position": "Clerk"})])
    for user_id in (bo, hr.id):
        with pytest.raises(RecordInvalid, match="Only an administrator"):
            site.records.update(hr, "user", [Change(user_id or "", {"roles": ["admin"]})])
    with pytest.raises(RecordInvalid, match="Only an administrator"):
        site.records.create(hr, "user", [{"name": "New", "email": "new@x.example", "roles": ["admin"]}])
    site.records.update(identity.principal(ada), "user", [Change(bo, {"roles": ["admin"]})])


def test_the_last_administrator_cannot_go(site: Site, identity: Identity, ada: str) -> None:
    losses: tuple[dict[str, Any], ...] = ({"status": "disabled"}, {"roles": []})
    for values in losses:
        with pytest.raises(RecordInvalid, match="another administrator first"):
            site.records.update(SYSTEM, "user", [Change(ada, values)])
    with pytest.raises(RecordInvalid, match="another administrator first"):
        site.records.delete(SYSTEM, "user", [ada])

    identity.add("Bo", "bo@x.example", ["admin"])
    site.records.delete(SYSTEM, "user", [ada])


def test_teams_and_departments_are_known_of_who_asks(site: Site, identity: Identity, ada: str) -> None:
    [department] = site.records.create(SYSTEM, "department", [{"name": "Sales"}])
    site.records.update(SYSTEM, "user", [Change(ada, {"department": department.id})])
    [team] = site.records.create(SYSTEM, "team", [{"name": "A", "members": [ada]}])

    principal = identity.principal(ada)

    assert (principal.teams, principal.department) == ((team.id,), department.id)
    site.records.update(SYSTEM, "team", [Change(team.id, {"members": []})])
    assert identity.principal(ada).teams == ()
