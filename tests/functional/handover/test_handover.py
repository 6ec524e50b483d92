"""A person leaves: who gets what, what ends, what stays, and the way back."""

import threading
import time
from collections import Counter
from typing import Any

import pytest

from engine import SYSTEM, Assignment, Principal
from engine.data.batch import Change
from engine.errors import AccessDenied, ExpressionInvalid, GuanxiError, RecordInvalid, SignInNeeded
from engine.handover import handovers as module
from engine.storage.database import run
from tests.functional.handover.conftest import Office


def all_to(office: Office, admin: Principal, leaver: Principal, *to: Principal) -> list[Assignment]:
    """Everything to some people; where the leaver is one of several, they are taken out."""
    plan = office.handovers.plan(admin, leaver.id or "")
    ids = tuple(each.id or "" for each in to)
    return [Assignment(part.key, ids if part.belonging.hold != "list" else ()) for part in plan.parts]


def hand_over(office: Office, admin: Principal, leaver: Principal, *to: Principal, **options: Any) -> Any:
    assignments = all_to(office, admin, leaver, *to)
    return office.handovers.carry_out(admin, leaver.id or "", assignments, **options)


def test_everything_goes_to_a_successor_and_comes_back(office: Office, admin: Principal) -> None:
    tom, eve = office.person("seller", name="Tom"), office.person("seller", name="Eve")
    clients, deals = office.make("client", 3, tom), office.make("deal", 4, tom, helper=admin.id)
    [helped] = office.make("deal", 1, admin, helper=tom.id, watchers=[tom.id, eve.id])

    done = hand_over(office, admin, tom, eve)

    assert (done.state, done.disabled, done.moved) == ("done", True, 9)
    assert {*office.owners("client", clients), *office.owners("deal", deals)} == {eve.id}
    assert office.value("deal", helped, "helper") == eve.id
    assert office.value("deal", helped, "watchers") == (eve.id,)
    assert office.handovers.remaining(admin, tom.id or "") == []

    report = office.handovers.undo(admin, done.id)

    assert report.kept == ()
    assert {*office.owners("client", clients), *office.owners("deal", deals)} == {tom.id}
    assert office.value("deal", helped, "helper") == tom.id
    assert set(office.value("deal", helped, "watchers")) == {tom.id, eve.id}
    assert office.handovers.of(admin, tom.id or "")[0].state == "undone"
    assert office.site.principal(tom.id or "").name == "Tom"
    with pytest.raises(GuanxiError, match="taken back before"):
        office.handovers.undo(admin, done.id)


def test_a_hand_over_is_not_taken_back_without_what_was_shared(office: Office, admin: Principal) -> None:
    tom, eve = office.person("seller", name="Tom Sharer"), office.person("seller")
    clients = office.make("client", 1, tom)
    [helped] = office.make("client", 1, eve)
    office.records.share(SYSTEM, "client", helped, "user", tom.id or "")
    done = hand_over(office, admin, tom, eve)

    with pytest.raises(GuanxiError, match="hand-over of Tom Sharer"):
        office.records.undo(admin, done.id)

    assert office.owners("client", clients) == [eve.id]
    office.handovers.undo(admin, done.id)
    with office.site.reading(office.site.principal(tom.id or "")) as reader:
        assert reader.record("client", helped).id == helped


def test_the_account_is_closed_everywhere_and_the_name_stays_in_the_history(office: Office, admin: Principal) -> None:
    identity = office.site.identity
    tom, eve = office.person("seller", name="Tom Reader"), office.person("seller")
    [client] = office.make("client", 1, eve)
    [own] = [each.id for each in office.records.create(tom, "client", [{"name": "By Tom"}])]
    identity.set_password(tom.id or "", "correct horse battery")
    signed_in = identity.sign_in(tom.email or "", "correct horse battery")
    _, token = identity.add_token(tom.id or "", "script")
    with office.site.database.write() as connection:
        mark = "?" if office.site.database.dialect == "sqlite" else "%s"
        run(
            connection,
            "INSERT INTO share (entity, record_id, principal_id, level, cause)"
            f" VALUES ('client', {mark}, {mark}, 'read', 'own')",
            (client, tom.id),
        )
        office.site.database.raise_access_epoch(connection)

    done = hand_over(office, admin, tom, eve)

    assert done.ended == {"sign_ins": 1, "tokens": 1, "shares": 1}
    with pytest.raises(SignInNeeded):
        identity.principal_of_session(signed_in.secret)
    with pytest.raises(SignInNeeded):
        identity.principal_of_token(token)
    with office.site.reading(admin) as reader:
        assert reader.titles("user", [tom.id or ""]) == {tom.id: "Tom Reader"}
        [change, made] = reader.history("client", own).entries
    assert (made.action, made.actor_id) == ("create", tom.id)
    assert (change.actor_id, change.change_set) == (admin.id, done.id)

    office.handovers.undo(admin, done.id)

    with office.site.reading(office.site.principal(tom.id or "")) as reader:
        assert reader.record("client", client, ("name",)).id == client
    with pytest.raises(SignInNeeded):
        identity.principal_of_session(signed_in.secret)


def test_the_first_segment_that_fits_decides(office: Office, admin: Principal) -> None:
    tom, eve, ann, bob = (office.person("seller") for _ in range(4))
    fresh = office.make("deal", 3, tom, helper=admin.id)
    won = office.make("deal", 2, tom, helper=admin.id, stage="won")
    lost = office.make("deal", 2, tom, helper=admin.id, stage="lost")
    kept = office.make("note", 2, tom)
    [part] = [each for each in office.handovers.plan(admin, tom.id or "").parts if each.key == "deal"]
    segments = {each.key: (each.where, each.number) for each in part.segments}
    assert segments["state.won"] == ("stage == 'won'", 2)
    # "Mine" are those of the one who leaves, whoever looks.
    assert segments["view.deal.mine"] == ("owner == user.id and stage == 'fresh'", 3)
    assignments = [
        Assignment("deal", (eve.id or "",), segments["view.deal.mine"][0]),
        Assignment("deal", (ann.id or "",), "stage in ['fresh', 'won']"),
        Assignment("deal", (bob.id or "",)),
        Assignment("note", keep=True),
    ]

    told = [each.number for each in office.handovers.preview(admin, tom.id or "", assignments)]
    office.handovers.carry_out(admin, tom.id or "", assignments)

    assert told == [3, 2, 2, 2]
    assert set(office.owners("deal", fresh)) == {eve.id}
    assert set(office.owners("deal", won)) == {ann.id}
    assert set(office.owners("deal", lost)) == {bob.id}
    assert set(office.owners("note", kept)) == {tom.id}
    [left] = office.handovers.remaining(admin, tom.id or "")
    assert (left.entity.key, left.number, str(left.why)) == ("note", 2, "Nobody was named for them")


def test_conditions_about_other_records_are_looked_at_while_those_are_still_theirs(
    office: Office, admin: Principal
) -> None:
    tom, eve, ann = (office.person("seller") for _ in range(3))
    [client] = office.make("client", 1, tom)
    mine = office.make("deal", 2, tom, helper=admin.id, client=client)
    other = office.make("deal", 2, tom, helper=admin.id)

    office.handovers.carry_out(
        admin,
        tom.id or "",
        [
            Assignment("client", (eve.id or "",)),
            Assignment("deal", (ann.id or "",), "client.owner == user.id"),
            Assignment("deal", (eve.id or "",)),
        ],
    )

    assert set(office.owners("deal", mine)) == {ann.id}
    assert set(office.owners("deal", other)) == {eve.id}


def test_several_get_as_many_each_across_portions(
    office: Office, admin: Principal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PORTION", 7)
    tom, *heirs = (office.person("seller") for _ in range(4))
    ids = office.make("client", 31, tom)
    seen: list[int] = []

    done = hand_over(office, admin, tom, *heirs, progress=lambda known: seen.append(known.moved))

    shares = Counter(office.owners("client", ids))
    assert sorted(shares.values()) == [10, 10, 11]
    assert set(shares) == {each.id for each in heirs}
    assert seen[:3] == [7, 14, 21]
    assert done.moved == 31


def test_who_reported_to_them_and_what_they_led(office: Office, admin: Principal) -> None:
    boss, heir = office.person("chief", name="Boss"), office.person("chief")
    ann, bob = (office.person("seller", manager=boss.id) for _ in range(2))
    [team] = office.records.create(
        SYSTEM, "team", [{"name": f"Team {boss.id}", "leader": boss.id, "members": [boss.id, ann.id]}]
    )
    [department] = office.records.create(SYSTEM, "department", [{"name": "North", "head": boss.id}])
    deals = office.make("deal", 1, ann, helper=ann.id)

    done = hand_over(office, admin, boss, heir)

    people = {each.id: each for each in office.site.identity.people()}
    assert (people[ann.id or ""].manager, people[bob.id or ""].manager) == (heir.id, heir.id)
    assert office.value("team", team.id, "leader") == heir.id
    assert office.value("team", team.id, "members") == (ann.id,)
    assert office.value("department", department.id, "head") == heir.id
    with office.site.reading(office.site.principal(heir.id or "")) as reader:
        assert reader.record("deal", deals[0], ("name",)).id == deals[0]
    office.handovers.undo(admin, done.id)
    assert office.site.identity.find(ann.id or "").manager == boss.id
    assert set(office.value("team", team.id, "members")) == {boss.id, ann.id}


def test_what_was_given_on_since_stays_and_is_told(office: Office, admin: Principal) -> None:
    tom, eve, ann = (office.person("seller") for _ in range(3))
    ids = office.make("client", 3, tom)
    done = hand_over(office, admin, tom, eve)
    office.records.update(SYSTEM, "client", [Change(ids[0], {"owner": ann.id}), Change(ids[1], {"name": "Other"})])

    report = office.handovers.undo(admin, done.id)

    assert office.owners("client", ids) == [ann.id, tom.id, tom.id]
    assert office.value("client", ids[1], "name") == "Other"
    assert [(each.id, each.fields) for each in report.kept] == [(ids[0], ("owner",))]


def test_what_comes_in_meanwhile_is_caught(office: Office, admin: Principal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PORTION", 5)
    tom, eve = office.person("seller"), office.person("seller")
    office.make("client", 12, tom)
    late: list[str] = []

    def somebody_else_works(known: Any) -> None:
        if len(late) < 2:
            # Ids count upwards with time; one from another machine whose clock is behind comes in before the others.
            late.extend(office.make("client", 1, tom, id=f"00000000-0000-7000-8000-{known.moved:012d}"))

    done = hand_over(office, admin, tom, eve, progress=somebody_else_works)

    assert len(late) == 2
    assert set(office.owners("client", late)) == {eve.id}
    assert done.moved == 14


def test_what_somebody_is_in_the_middle_of_writing_is_waited_for(office: Office, admin: Principal) -> None:
    tom, eve = office.person("seller"), office.person("seller")
    office.make("client", 2, tom)
    written, late = threading.Event(), []

    def slow() -> None:
        with office.records.begin() as connection:
            rows = [{"name": "Slow", "owner": tom.id}]
            late.append(office.records.create(SYSTEM, "client", rows, connection=connection)[0].id)
            written.set()
            time.sleep(0.5)

    other = threading.Thread(target=slow)
    other.start()
    assert written.wait(10)
    done = hand_over(office, admin, tom, eve)
    other.join()

    assert office.owners("client", late) == [eve.id]
    assert done.moved == 3


@pytest.mark.usefixtures("refusing")
def test_a_record_that_a_plugin_holds_back_stays_and_the_others_go(office: Office, admin: Principal) -> None:
    tom, eve = office.person("seller"), office.person("seller")
    [stubborn] = office.make("client", 1, tom, name="Stubborn")
    others = office.make("client", 4, tom)

    done = hand_over(office, admin, tom, eve)

    assert set(office.owners("client", others)) == {eve.id}
    assert office.owners("client", [stubborn]) == [tom.id]
    assert (done.state, done.progress.left_count) == ("done", 1)
    [(entity, id_, why)] = office.handovers.of(admin, tom.id or "")[0].progress.left
    assert (entity, id_, str(why)) == ("client", stubborn, "Stubborn stays")


def test_old_records_that_break_todays_rules_go_too(office: Office, admin: Principal) -> None:
    tom, eve = office.person("seller"), office.person("seller")
    [deal] = office.make("deal", 1, tom, helper=admin.id, name="Lost")
    office.records.update(SYSTEM, "deal", [Change(deal, {"name": "Found"})])
    office.records.transition(SYSTEM, "deal", [deal], "lose")
    with office.site.database.write() as connection:
        # As if the check had come later than the record.
        table = office.site.published.tables.name("deal")
        from engine.storage.guard import ENTITY_ACCESS

        run(connection, f"UPDATE \"{table}\" SET name = 'Lost'", access=ENTITY_ACCESS)

    hand_over(office, admin, tom, eve)

    assert office.owners("deal", [deal]) == [eve.id]


def test_what_must_be_somebodys_is_not_emptied(office: Office, admin: Principal) -> None:
    tom, eve = office.person("seller"), office.person("seller")
    [deal] = office.make("deal", 1, eve, helper=tom.id)

    done = office.handovers.carry_out(admin, tom.id or "", [Assignment("deal.helper")])

    assert office.value("deal", deal, "helper") == tom.id
    assert [str(why) for _, _, why in done.progress.left] == ["Helper is required: say who gets it"]


def test_what_lies_in_the_bin_and_what_tells_the_past_stays_and_is_listed(office: Office, admin: Principal) -> None:
    tom, eve = office.person("seller"), office.person("seller")
    [gone] = office.make("client", 1, tom)
    office.records.delete(SYSTEM, "client", [gone])
    office.make("client", 1, eve, opened_by=tom.id)

    hand_over(office, admin, tom, eve)

    left = {(each.entity.key, str(each.why)): each.number for each in office.handovers.remaining(admin, tom.id or "")}
    assert left == {("client", "They are in the recycle bin"): 1, ("client", "It tells what was, and stays"): 1}


# --- who may ----------------------------------------------------------------------------------------------------------


def test_who_looks_after_people_needs_no_right_to_see_the_records(office: Office) -> None:
    helga, tom, eve = office.person("people"), office.person("seller"), office.person("seller")
    ids = office.make("client", 2, tom)

    done = hand_over(office, helga, tom, eve)

    assert set(office.owners("client", ids)) == {eve.id}
    assert done.elevated
    office.handovers.undo(helga, done.id)
    assert set(office.owners("client", ids)) == {tom.id}


def test_who_looks_after_people_reaches_nobody_above_them_and_takes_nothing(office: Office, admin: Principal) -> None:
    helga, tom = office.person("people"), office.person("seller")
    ids = office.make("client", 1, tom)
    office.make("client", 1, admin)

    with pytest.raises(AccessDenied, match="may do more than you"):
        office.handovers.plan(helga, admin.id or "")
    with pytest.raises(AccessDenied, match="may do more than you"):
        office.handovers.begin(helga, admin.id or "", [Assignment("client", (tom.id or "",))])
    for attempt in (office.handovers.preview, office.handovers.begin):
        with pytest.raises(RecordInvalid, match="may not see"):
            attempt(helga, tom.id or "", [Assignment("client", (helga.id or "",))])
    assert office.owners("client", ids) == [tom.id]
    assert office.site.principal(tom.id or "").id == tom.id


def test_a_superior_gives_away_what_they_may_and_nothing_else(office: Office) -> None:
    boss = office.person("chief")
    tom, eve = office.person("seller", manager=boss.id), office.person("seller")
    clients, deals, notes = (
        office.make("client", 2, tom),
        office.make("deal", 2, tom, helper=tom.id),
        office.make("note", 1, tom),
    )

    plan = office.handovers.plan(boss, tom.id or "")
    assert [(part.key, part.number) for part in plan.parts] == [("client", 2), ("deal.helper", 2)]
    done = office.handovers.carry_out(
        boss, tom.id or "", [Assignment(part.key, (eve.id or "",)) for part in plan.parts]
    )

    assert (done.disabled, done.ended) == (False, {})
    assert set(office.owners("client", clients)) == {eve.id}
    assert set(office.owners("deal", deals)) == {tom.id}
    assert office.site.principal(tom.id or "").id == tom.id
    left = {(each.entity.key, str(each.why)): each.number for each in office.handovers.remaining(boss, tom.id or "")}
    assert left == {("deal", "They are out of your reach"): 2, ("note", "They are out of your reach"): 1}
    assert set(office.owners("note", notes)) == {tom.id}
    office.handovers.undo(boss, done.id)
    assert set(office.owners("client", clients)) == {tom.id}


def test_nobody_else_may(office: Office, admin: Principal) -> None:
    boss, other = office.person("chief"), office.person("chief")
    tom, eve = office.person("seller", manager=boss.id), office.person("seller")
    ids = office.make("client", 1, tom)
    begun = office.handovers.begin(admin, tom.id or "", [Assignment("client", (eve.id or "",))])

    for who in (eve, other, tom, office.person("blind")):
        with pytest.raises(AccessDenied):
            office.handovers.plan(who, tom.id or "")
        with pytest.raises(AccessDenied):
            office.handovers.begin(who, tom.id or "", [Assignment("client", (eve.id or "",))], keep_enabled=True)
        with pytest.raises(AccessDenied):
            office.handovers.carry_on(who, begun.id)
        with pytest.raises(AccessDenied):
            office.handovers.undo(who, begun.id)
    # Even a superior does not carry on what reaches farther than they do.
    with pytest.raises(AccessDenied, match="looks after people"):
        office.handovers.carry_on(boss, begun.id)
    with pytest.raises(AccessDenied, match="looks after people"):
        office.handovers.undo(boss, begun.id)
    assert office.owners("client", ids) == [tom.id]


def test_successors_have_to_be_there(office: Office, admin: Principal) -> None:
    tom, gone = office.person("seller"), office.person("seller", name="Gone")
    office.site.identity.disable(gone.id or "")
    office.make("client", 1, tom)

    for to, said in ((gone.id, "no longer active"), (tom.id, "who leaves"), ("nobody", "no user"), (None, "Say who")):
        with pytest.raises(RecordInvalid, match=said):
            office.handovers.carry_out(admin, tom.id or "", [Assignment("client", (to,) if to else ())])
    with pytest.raises(RecordInvalid, match="no nonsense to hand over"):
        office.handovers.carry_out(admin, tom.id or "", [Assignment("nonsense", (admin.id or "",))])
    for wrong in ("stage ==", "nonsense == 1"):
        with pytest.raises((ExpressionInvalid, RecordInvalid)):
            office.handovers.carry_out(admin, tom.id or "", [Assignment("client", (admin.id or "",), wrong)])
    assert office.site.principal(tom.id or "").id == tom.id
    assert office.handovers.of(admin, tom.id or "") == []
    blind = office.person("blind", name="Blind")
    [told] = office.handovers.preview(admin, tom.id or "", [Assignment("client", (blind.id or "",))])
    assert [str(each) for each in told.warnings] == ["Blind may not see Clients"]


def test_the_last_administrator_stays(office: Office, admin: Principal) -> None:
    for each in office.site.identity.people():
        if "admin" in each.roles and each.active and each.id != admin.id:
            office.site.identity.disable(each.id)
    eve = office.person("seller")
    ids = office.make("client", 1, admin)

    with pytest.raises(RecordInvalid, match="Somebody must remain"):
        hand_over(office, SYSTEM, admin, eve)

    assert office.owners("client", ids) == [admin.id]
    with pytest.raises(GuanxiError, match="Nobody closes their own account"):
        hand_over(office, admin, admin, eve)


def test_it_is_done_once_at_a_time_and_noted(office: Office, admin: Principal) -> None:
    tom, eve = office.person("seller"), office.person("seller")
    office.make("client", 3, tom)
    begun = office.handovers.begin(admin, tom.id or "", [Assignment("client", (eve.id or "",))])

    with pytest.raises(GuanxiError, match="not finished"):
        office.handovers.begin(admin, tom.id or "", [Assignment("client", (eve.id or "",))])
    office.handovers.finish(admin, begun)
    again = office.handovers.carry_on(admin, begun.id)
    assert (again.state, again.moved) == ("done", 3)

    mark = "?" if office.site.database.dialect == "sqlite" else "%s"
    with office.site.database.read() as connection:
        rows = run(
            connection,
            f"SELECT number, actor_id FROM audit_event WHERE kind = 'handover' AND record_id = {mark} ORDER BY seq",
            (tom.id,),
        ).fetchall()
        [(title, kind)] = run(
            connection, f"SELECT title, kind FROM change_set WHERE id = {mark}", (begun.id,)
        ).fetchall()
    assert [(row[0], str(row[1])) for row in rows] == [(3, admin.id), (3, admin.id)]
    assert (title, kind) == (tom.name, "handover")


def test_both_ways_of_giving_leave_the_same_behind(office: Office, admin: Principal) -> None:
    tom, eve = office.person("seller"), office.person("seller")
    quick, slow = office.make("client", 2, tom), office.make("client", 2, tom)
    hand_over(office, admin, tom, eve)
    office.records.update(SYSTEM, "client", [Change(id_, {"owner": tom.id}) for id_ in slow])
    office.records.update(admin, "client", [Change(id_, {"owner": eve.id}) for id_ in slow])

    with office.site.reading(admin) as reader:
        one = reader.history("client", quick[0]).entries[0]
        other = reader.history("client", slow[0]).entries[0]
    assert (one.action, one.actor_id, one.changes) == (
        other.action,
        other.actor_id,
        other.changes,
    )
