"""What endpoints are told: of which changes, with which values, in which order, how often."""

import random
import threading
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import time_machine

from engine import AccessDenied, EndpointWish, GuanxiError, NotFound, RecordInvalid, Site, restore_backup, save_backup
from engine.audit.log import Wanted
from engine.outbound import Allowance
from engine.storage.database import run
from engine.storage.guard import GUARD
from engine.webhooks import webhooks
from tests.functional.webhooks.conftest import Sent, World, moment

ON_ONE = pytest.mark.parametrize("api", ["sqlite"], indirect=True)
"""For what no database decides."""


def problems(error: pytest.ExceptionInfo[RecordInvalid]) -> dict[str, str]:
    return {each.path: str(each.message) for each in error.value.problems}


# --- what is told -----------------------------------------------------------------------------------------------------


def test_a_change_is_told_signed_with_the_record_as_the_owner_may_read_it(world: World) -> None:
    _, secret = world.endpoint()
    visit = world.create("visit", subject="Check", fee="5")

    [sent] = world.told()

    body = sent.json()
    assert (sent.path, sent.headers["content-type"], body["type"]) == ("/in", "application/json", "visit.created")
    assert sent.signed_by(secret)
    assert not sent.signed_by("whsec_" + "A" * 44)
    assert abs(int(sent.headers["webhook-timestamp"]) - datetime.now(UTC).timestamp()) < 30
    assert abs(moment(body["timestamp"]) - datetime.now(UTC)) < timedelta(seconds=30)
    data = body["data"]
    assert (data["id"], data["entity"], data["version"], data["actor"]) == (visit, "visit", 1, world.boss.id)
    assert {"subject", "fee"} <= set(data["changed"])
    assert (data["record"]["subject"], data["record"]["fee"], data["record"]["stage"]) == ("Check", "5.00", "booked")
    assert world.told() == []


def test_each_event_has_its_name(world: World) -> None:
    world.endpoint()
    visit = world.create("visit", subject="Check", fee="5")
    world.update("visit", visit, subject="Checked")
    world.site.records.transition(world.boss, "visit", [visit], "see")
    world.site.records.delete(world.boss, "visit", [visit])
    world.site.records.restore(world.boss, "visit", [visit])

    told = [(sent.json()["type"], sent.data["version"], sent.data["changed"]) for sent in world.told()]

    # What was changed before the record went into the bin was skipped, for there was no record to show.
    assert [each[0] for each in told] == ["visit.created", "visit.updated", "visit.transition", "visit.deleted",
                                          "visit.restored"]  # fmt: skip
    assert [each[1] for each in told] == [1, 2, 3, 4, 5]
    assert told[1][2] == ["subject"]
    assert told[2][2] == ["stage"]


def test_only_what_was_asked_for_is_told(world: World) -> None:
    world.endpoint(events=("updated",), fields=("fee",), condition="fee > 10")
    world.endpoint("*", events=("created",))
    low, high = world.create("visit", subject="Low", fee="1"), world.create("visit", subject="High", fee="11")
    patient = world.create("patient", name="Ben")
    world.update("visit", low, fee="2")
    world.update("visit", high, fee="12")
    world.update("visit", high, subject="Higher")
    world.site.records.transition(world.boss, "visit", [high], "see", {"fee": "13"})

    told = {(sent.json()["type"], sent.data["id"], sent.data["version"]) for sent in world.told()}

    assert told == {
        ("visit.created", low, 1), ("visit.created", high, 1), ("patient.created", patient, 1),
        ("visit.updated", high, 2), ("visit.updated", high, 4),
    }  # fmt: skip


def test_the_rights_of_the_owner_say_what_is_told_when_it_is_sent(world: World) -> None:
    site, nurse = world.site, world.api.ids["nurse"]
    endpoint, _ = world.endpoint(owner_id=nurse)
    person = site.identity.principal(nurse)
    hers = world.create("visit", person, subject="Hers")
    world.update("visit", hers, cost="77.13", fee="6")
    world.create("visit", subject="Not hers", cost="78")
    taken = world.create("visit", person, subject="Taken away")
    site.webhooks.matcher.match()  # what she reached then was noted
    world.update("visit", taken, owner=world.boss.id)

    told = world.told()

    assert {sent.data["id"] for sent in told} == {hers}
    assert b"77.13" not in b"".join(sent.body for sent in told)
    assert all("cost" not in sent.data["record"] and "id_card" not in sent.data["record"] for sent in told)
    assert [sent.data["changed"] for sent in told][1] == ["fee"]
    states = {each.record_id: (each.state, each.attempts) for each in world.deliveries(endpoint)}
    assert states == {hers: ("delivered", 1), taken: ("skipped", 0)}


def test_a_secret_value_is_told_to_nobody(world: World) -> None:
    world.endpoint("*")
    patient = world.create("patient", name="Ben", id_card="11010119900307731X", mobile="13812345678")
    world.update("patient", patient, id_card="110101199003077003")

    told = world.told()

    assert len(told) == 2
    everything = b"".join(sent.body for sent in told)
    assert b"1101011990030" not in everything
    assert "id_card" in told[1].data["changed"]


@ON_ONE
def test_programs_of_the_owner_do_not_hear_themselves_unless_they_want_to(world: World) -> None:
    world.endpoint(skip_own=True, events=("updated",))
    other, _ = world.endpoint(events=("updated",))
    visit = world.create("visit", subject="Check")
    world.site.records.update(world.boss, "visit", [{"id": visit, "subject": "By its program"}], via="api")
    world.update("visit", visit, subject="By hand")

    world.told()

    with world.site.database.read() as connection:
        counts = world.site.webhooks.deliveries.counts(connection, "delivered")
    assert sorted(counts.values()) == [1, 2]
    assert counts[other] == 2


def test_what_was_rolled_back_is_told_to_nobody(world: World) -> None:
    world.endpoint()
    with suppress(RuntimeError), world.site.records.begin() as connection:
        world.site.records.create(world.boss, "visit", [{"subject": "Never"}], connection=connection)
        raise RuntimeError
    with pytest.raises(RecordInvalid):
        world.create("visit", subject="Wrong", fee="-1")
    world.create("visit", subject="Ever")

    assert [sent.data["record"]["subject"] for sent in world.told()] == ["Ever"]


def test_bulk_changes_are_told_one_by_one_whatever_path_they_took(world: World) -> None:
    world.endpoint(events=("updated",))
    rows = [{"subject": f"Visit {number}", "on_date": "2026-03-01"} for number in range(60)]
    made = world.site.records.create(world.boss, "visit", rows)
    result = world.site.records.update_where(world.boss, "visit", "on_date == date('2026-03-01')", {"cost": "3"})
    assert (result.path, result.count) == ("set", 60)

    told = world.told()

    assert {sent.data["id"] for sent in told} == {each.id for each in made}
    assert len({sent.id for sent in told}) == len(told) == 60
    assert {sent.data["record"]["cost"] for sent in told} == {"3.00"}


# --- how it is sent ---------------------------------------------------------------------------------------------------


def test_changes_of_one_record_arrive_in_their_order_though_some_fail_at_first(world: World) -> None:
    chance, lock, seen = random.Random(7), threading.Lock(), list[tuple[str, int]]()

    def answer(sent: Sent) -> tuple[int, dict[str, str], bytes]:
        with lock:
            if chance.random() < 0.3:
                return 422, {}, b"not now"
            seen.append((sent.data["id"], sent.data["version"]))
        return 204, {}, b""

    world.receiver.answer = answer
    world.endpoint()
    visits = [world.create("visit", subject=f"Visit {number}") for number in range(5)]
    for turn in range(4):
        for visit in visits:
            world.update("visit", visit, subject=f"Turn {turn}")
    now = datetime.now(UTC)
    for round_ in range(60):
        with time_machine.travel(now + timedelta(days=round_), tick=False):
            world.site.webhooks.dispatch()
        if len(seen) == 25:
            break

    assert {visit: [version for each, version in seen if each == visit] for visit in visits} == {
        visit: [1, 2, 3, 4, 5] for visit in visits
    }


@ON_ONE
def test_a_failed_delivery_is_tried_ten_times_within_three_days_under_one_id(world: World) -> None:
    world.receiver.answer = lambda _sent: (500, {}, b"broken <b>here</b>")
    endpoint, _ = world.endpoint()
    begin = datetime(2026, 3, 2, 9, tzinfo=UTC)
    with time_machine.travel(begin, tick=False):
        world.create("visit", subject="Check")
    ids, times, at = set[str](), list[datetime](), begin
    while at < begin + timedelta(days=6):
        with time_machine.travel(at, tick=False):
            told = world.told()
            [delivery] = world.deliveries(endpoint)
        ids |= {sent.id for sent in told}
        times += [at] * len(told)
        if delivery.next_at is None:
            break
        at = max(delivery.next_at, world.state(endpoint).hold_until or delivery.next_at)

    assert len(times) == 10
    assert ids == {delivery.message_id}
    assert (delivery.state, delivery.attempts, delivery.status) == ("failed", 10, 500)
    assert timedelta(days=2) < times[-1] - begin < timedelta(days=4)
    assert times == sorted(set(times))
    with world.site.database.read() as connection:
        attempts = world.site.webhooks.deliveries.attempts(connection, delivery.id)
    assert [each.status for each in attempts] == [500] * 10
    assert attempts[0].answer == "broken <b>here</b>"
    assert str(attempts[0].note) == "The receiver answered 500"


@ON_ONE
def test_what_was_given_up_no_longer_holds_up_what_comes_after(world: World) -> None:
    world.receiver.answer = lambda sent: (400 if sent.data["version"] == 1 else 200, {}, b"")
    endpoint, _ = world.endpoint()
    visit = world.create("visit", subject="Check")
    world.update("visit", visit, subject="Checked")
    now = datetime.now(UTC)
    for days in range(11):
        with time_machine.travel(now + timedelta(days=days), tick=False):
            world.site.webhooks.dispatch()

    assert [(each.version, each.state) for each in world.deliveries(endpoint)] == [(1, "failed"), (2, "delivered")]


@ON_ONE
def test_a_receiver_that_wants_to_be_left_alone_is(world: World) -> None:
    answers = iter([(429, {"Retry-After": "7200"}, b"")])
    world.receiver.answer = lambda _sent: next(answers, (200, {}, b""))
    endpoint, _ = world.endpoint()
    begin = datetime(2026, 3, 2, 9, tzinfo=UTC)
    with time_machine.travel(begin, tick=False) as clock:
        world.create("visit", subject="One")
        assert len(world.told()) == 1
        world.create("visit", subject="Two")
        clock.move_to(begin + timedelta(minutes=119))
        assert world.told() == []
        clock.move_to(begin + timedelta(minutes=121))
        assert len(world.told()) == 2
    assert [each.state for each in world.deliveries(endpoint)] == ["delivered"] * 2


@ON_ONE
def test_an_endpoint_that_is_gone_is_switched_off(world: World) -> None:
    world.receiver.answer = lambda _sent: (410, {}, b"")
    endpoint, _ = world.endpoint()
    world.create("visit", subject="One")
    world.told()
    world.create("visit", subject="Two")

    assert world.told() == []
    state = world.state(endpoint)
    assert (state.state, str(state.reason)) == ("disabled", "The receiver says that it is gone (410)")
    assert len(world.deliveries(endpoint)) == 1
    [mail] = [each for each in world.site.post.entries() if each.purpose == "webhook"]
    assert (mail.to, mail.subject) == ("boss@example.com", "The webhook Receiver was stopped")


def test_twenty_failures_in_a_row_pause_it_and_what_waits_is_sent_when_it_goes_on(world: World) -> None:
    world.receiver.answer = lambda _sent: (503, {}, b"")
    endpoint, _ = world.endpoint()
    for number in range(25):
        world.create("visit", subject=f"Visit {number}")
    now, hours = datetime.now(UTC), 0
    while world.state(endpoint).state == "active" and hours < 100:
        with time_machine.travel(now + timedelta(hours=hours), tick=False):
            world.site.webhooks.dispatch()
        hours += 2
    assert len(world.receiver.take()) == 20
    assert str(world.state(endpoint).reason) == "20 deliveries failed in a row"
    world.receiver.answer = lambda _sent: (200, {}, b"")
    world.create("visit", subject="While it was paused")
    assert world.told() == []

    world.site.webhooks.endpoints.resume(world.boss, endpoint)

    assert len(world.told()) == 26
    assert (world.state(endpoint).state, world.state(endpoint).failures) == ("active", 0)


@ON_ONE
def test_a_receiver_that_sends_too_much_harms_nobody(world: World) -> None:
    world.receiver.answer = lambda _sent: (200, {}, b"x" * 300_000)
    endpoint, _ = world.endpoint()
    world.create("visit", subject="One")
    world.told()
    [delivery] = world.deliveries(endpoint)
    with world.site.database.read() as connection:
        [attempt] = world.site.webhooks.deliveries.attempts(connection, delivery.id)
    assert (delivery.state, len(attempt.answer or "")) == ("delivered", 65_536)


@ON_ONE
def test_redirects_are_not_followed(world: World) -> None:
    world.receiver.answer = lambda _sent: (302, {"Location": world.receiver.url + "/there"}, b"")
    endpoint, _ = world.endpoint()
    world.create("visit", subject="One")

    assert [sent.path for sent in world.told()] == ["/in"]
    [delivery] = world.deliveries(endpoint)
    assert str(delivery.note) == "The receiver led elsewhere (302); redirects are not followed"


# --- who may, and where to --------------------------------------------------------------------------------------------


@ON_ONE
def test_addresses_inside_the_house_are_refused_at_their_field(world: World) -> None:
    world.site.outbound.allowance = Allowance()
    for url in (
        "http://169.254.169.254/latest/meta-data", "https://127.0.0.1/", "https://[::ffff:10.0.0.1]/",
        "http://10.1.2.3/x", "https://localhost/", "ftp://example.com/", "https://user:pass@example.com/",
        "https://0x7f.1/", "nonsense", "",
    ):  # fmt: skip
        with pytest.raises(RecordInvalid) as error:
            world.endpoint(url=url)
        assert (url, list(problems(error))) == (url, ["url"])


@ON_ONE
def test_an_address_that_is_no_longer_allowed_is_not_asked(world: World) -> None:
    endpoint, _ = world.endpoint()
    world.create("visit", subject="One")
    world.site.outbound.allowance = Allowance()

    assert world.told() == []
    [delivery] = world.deliveries(endpoint)
    assert (delivery.state, delivery.attempts) == ("waiting", 1)
    assert "outbound.allow" in str(delivery.note)


@ON_ONE
def test_only_those_who_may_set_them_up_do_and_in_their_own_name(world: World) -> None:
    site = world.site
    nurse = site.identity.principal(world.api.ids["nurse"])
    for act in (
        lambda: world.endpoint(by=nurse),
        lambda: site.webhooks.endpoints.rotate(nurse, "x"),
        lambda: site.webhooks.deliveries.replay(nurse, "x"),
        lambda: site.webhooks.try_out(nurse, "x"),
    ):
        with pytest.raises(AccessDenied):
            act()
    with pytest.raises(NotFound):
        site.webhooks.endpoints.rotate(world.boss, "01999999-9999-7999-8999-999999999999")


@ON_ONE
def test_a_wrong_wish_is_told_at_each_field(world: World) -> None:
    with pytest.raises(RecordInvalid) as error:
        world.endpoint(name=" ", events=(), fields=("nothing",), condition="fee >")
    assert set(problems(error)) == {"name", "events", "fields", "condition"}
    with pytest.raises(RecordInvalid) as error:
        world.endpoint("nothing", events=("exploded",))
    assert set(problems(error)) == {"entity", "events"}
    with pytest.raises(RecordInvalid) as error:
        world.endpoint("*", fields=("fee",), condition="fee > 1")
    assert set(problems(error)) == {"fields", "condition"}
    with pytest.raises(RecordInvalid) as error:
        world.endpoint(owner_id=world.api.ids["nurse"], fields=("cost",), condition="cost > 1")
    assert set(problems(error)) == {"fields", "condition"}


def test_a_condition_that_may_no_longer_be_asked_stops_the_endpoint(world: World) -> None:
    endpoint, _ = world.endpoint(condition="cost > 1", events=("created",))
    with world.site.database.write() as connection:
        mark = "?" if world.site.database.dialect == "sqlite" else "%s"
        run(
            connection,
            f"UPDATE webhook_endpoint SET owner_id = {mark} WHERE id = {mark}",
            (world.api.ids["nurse"], endpoint),
        )
    person = world.site.identity.principal(world.api.ids["nurse"])
    world.create("visit", person, subject="One")

    assert world.told() == []
    assert "condition" in str(world.state(endpoint).reason)


@ON_ONE
def test_an_owner_who_leaves_takes_the_endpoint_along(world: World) -> None:
    nurse = world.api.ids["nurse"]
    endpoint, _ = world.endpoint(owner_id=nurse)
    world.create("visit", subject="One", owner=nurse)
    world.site.identity.disable(nurse)

    assert world.told() == []
    assert (world.state(endpoint).state, str(world.state(endpoint).reason)) == (
        "paused", "Its owner is disabled, or gone",
    )  # fmt: skip


# --- looking after them -----------------------------------------------------------------------------------------------


def test_for_a_day_after_a_rotation_both_secrets_sign(world: World) -> None:
    endpoint, old = world.endpoint()
    begin = datetime.now(UTC)
    new = world.site.webhooks.endpoints.rotate(world.boss, endpoint)
    world.create("visit", subject="One")
    [sent] = world.told()
    assert (sent.signed_by(new), sent.signed_by(old), new != old) == (True, True, True)

    with time_machine.travel(begin + timedelta(hours=25), tick=False):
        world.create("visit", subject="Two")
        [sent] = world.told()
    assert (sent.signed_by(new), sent.signed_by(old)) == (True, False)


def test_what_was_sent_can_be_sent_again_under_its_id_with_the_record_of_now(world: World) -> None:
    endpoint, _ = world.endpoint(events=("created",))
    start = datetime.now(UTC) - timedelta(minutes=1)
    visit = world.create("visit", subject="One")
    other = world.create("visit", subject="Two")
    first = {sent.data["id"]: sent for sent in world.told()}
    world.update("visit", visit, subject="Changed meanwhile")

    world.site.webhooks.deliveries.replay(world.boss, world.deliveries(endpoint, record_id=visit)[0].id)
    [again] = world.told()

    assert (again.id, again.data["version"]) == (first[visit].id, 1)
    assert again.data["record"]["subject"] == "Changed meanwhile"
    assert world.site.webhooks.deliveries.replay_since(world.boss, endpoint, start) == 2
    assert {sent.data["id"] for sent in world.told()} == {visit, other}
    assert world.site.webhooks.deliveries.replay_since(world.boss, endpoint, start, failed_only=True) == 0


def test_a_trial_says_at_once_what_the_receiver_makes_of_it(world: World) -> None:
    endpoint, secret = world.endpoint()
    world.receiver.answer = lambda _sent: (401, {}, b"who are you?")

    outcome = world.site.webhooks.try_out(world.boss, endpoint)

    [sent] = world.receiver.take()
    assert (sent.json()["type"], sent.signed_by(secret)) == ("webhook.test", True)
    assert (outcome.status, outcome.answer, outcome.good) == (401, "who are you?", False)
    [delivery] = world.deliveries(endpoint)
    assert (delivery.event, delivery.state, delivery.seq) == ("test", "failed", None)
    with pytest.raises(GuanxiError):
        world.site.webhooks.deliveries.replay(world.boss, delivery.id)


def test_what_waits_can_be_thrown_away_and_an_endpoint_with_all_of_its_own(world: World) -> None:
    site = world.site
    endpoint, _ = world.endpoint()
    site.webhooks.endpoints.pause(world.boss, endpoint)
    world.create("visit", subject="One")
    assert world.told() == []
    assert [each.state for each in world.deliveries(endpoint)] == ["waiting"]
    swept = {each.step: each.count for each in site.clean_up(datetime.now(UTC) + timedelta(days=29))}
    assert swept["waiting_webhooks"] == 0
    swept = {each.step: each.count for each in site.clean_up(datetime.now(UTC) + timedelta(days=31), dry_run=True)}
    assert swept["waiting_webhooks"] == 1

    assert site.webhooks.deliveries.drop_waiting(world.boss, endpoint) == 1
    site.webhooks.endpoints.resume(world.boss, endpoint)
    assert world.told() == []
    site.webhooks.endpoints.remove(world.boss, endpoint)

    with site.database.read() as connection:
        for table in ("webhook_endpoint", "webhook_delivery", "webhook_attempt"):
            assert run(connection, f"SELECT count(*) FROM {table}").fetchone()[0] == 0
        events = site.trail.entries(connection, Wanted(kinds=("webhook_changed",)))
    assert [each.details["what"] for each in events][::-1] == ["made", "paused", "dropped", "resumed", "removed"]


@ON_ONE
def test_an_endpoint_can_be_changed(world: World) -> None:
    endpoint, _ = world.endpoint()
    wish = EndpointWish(name="Other", url=world.receiver.url + "/other", entity="patient", events=("created",))
    world.site.webhooks.endpoints.change(world.boss, endpoint, wish)
    world.create("visit", subject="One")
    world.create("patient", name="Ben")

    [sent] = world.told()

    assert (sent.path, sent.json()["type"]) == ("/in/other", "patient.created")


def test_no_secret_stands_in_the_database_or_the_log(world: World) -> None:
    endpoint, first = world.endpoint()
    second = world.site.webhooks.endpoints.rotate(world.boss, endpoint)
    world.create("visit", subject="One")
    world.told()
    words: list[str] = []
    with world.site.database.read() as connection:
        for table in ("webhook_endpoint", "webhook_delivery", "webhook_attempt", "audit_event", "mail_message", "job"):
            words += [repr(tuple(row)) for row in run(connection, f"SELECT * FROM {table}").fetchall()]
    everything = "\n".join(words)
    for secret in (first, second):
        bare = secret.removeprefix("whsec_")
        assert secret not in everything
        assert bare not in everything


def test_old_deliveries_are_forgotten_and_a_purged_record_leaves_no_answers(world: World) -> None:
    world.receiver.answer = lambda sent: (200, {}, sent.body)
    endpoint, _ = world.endpoint()
    visit = world.create("visit", subject="Kept in the answer")
    world.told()
    world.site.records.delete(world.boss, "visit", [visit])
    world.site.records.purge(world.boss, "visit", [visit])
    [last] = world.told()
    assert (last.json()["type"], last.data["record"]) == ("visit.deleted", None)
    with world.site.database.read() as connection:
        answers = [row[0] for row in run(connection, "SELECT answer FROM webhook_attempt").fetchall()]
    assert not any("Kept in the answer" in (answer or "") for answer in answers)

    steps = ("webhooks", "attempts_of_webhooks")
    for days, gone in ((29, 0), (31, len(world.deliveries(endpoint)))):
        swept = {each.step: each.count for each in world.site.clean_up(datetime.now(UTC) + timedelta(days=days))}
        assert [swept[step] for step in steps] == [gone, gone and 2], days
    assert world.deliveries(endpoint) == []


def test_a_write_does_nothing_for_webhooks(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    visit = world.create("visit", subject="One")
    assert world.site.webhooks.is_due() is False
    world.endpoint()
    statements: list[str] = []
    check = GUARD.check

    def note(text: str, access: object = None) -> None:
        statements.append(text)
        check(text, access)

    monkeypatch.setattr(GUARD, "check", note)
    world.update("visit", visit, subject="Two")

    assert statements
    assert not [text for text in statements if "webhook" in text]


def test_a_worker_is_woken_when_there_is_something_to_tell(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhooks, "_LINGER_S", 0.05)
    jobs = world.site.jobs
    [(seconds, wake)] = [each for each in jobs.watches if each[1].__module__.startswith("engine.webhooks")]
    world.endpoint()
    wake()
    assert (seconds, jobs.entries(task="webhooks")) == (1.0, [])
    world.create("visit", subject="One")
    for _ in range(3):
        wake()

    assert jobs.run_due() == 1
    assert len(world.receiver.take()) == 1
    [job] = jobs.entries(task="webhooks")
    assert (job.state, job.result) == ("done", {"matched": 1, "sent": 1})
    wake()
    assert jobs.run_due() == 0


def test_a_restored_site_tells_nobody_unasked(world: World, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    endpoint, _ = world.endpoint()
    world.create("visit", subject="One")
    world.site.webhooks.matcher.match()
    save_backup(world.site, tmp_path / "a.backup")
    server = request.getfixturevalue("postgres_server") if world.site.database.dialect == "postgresql" else None
    url = server.create() if server is not None else None

    restore_backup(tmp_path / "a.backup", tmp_path / "again", database=url)

    with Site.open(tmp_path / "again", database_url=url) as again:
        again.outbound.allowance = Allowance(["127.0.0.1"])
        again.webhooks.dispatch()
        with again.database.read() as connection:
            found = again.webhooks.endpoints.get(connection, endpoint)
        assert (found.state, "restored from a backup" in str(found.reason)) == ("paused", True)
        again.webhooks.endpoints.resume(again.identity.principal(world.boss.id or ""), endpoint)
        again.webhooks.dispatch()
        with again.database.read() as connection:
            found = again.webhooks.endpoints.get(connection, endpoint)
        # The key of the site was not in the backup, so nothing can be signed.
        assert (found.state, world.receiver.take()) == ("paused", [])
    if server is not None:
        server.drop(url)
