"""Proposals: checked in full, written by a person or not at all, in parts or whole, and taken back in one go."""

import threading
from datetime import timedelta
from typing import Any

import pytest

from engine import SYSTEM, AccessDenied, GuanxiError, NotFound, Proposal, Wanted, clock
from engine.storage.database import run
from tests.functional.mcp.conftest import Clinic, changes, paths
from ui.mcp.answers import UNTRUSTED


def proposed(clinic: Clinic, tool: str, **arguments: Any) -> Proposal:
    """Let an agent propose something, and return the proposal as its person sees it."""
    by = arguments.pop("by", "proposes")
    told = clinic.call(tool, by, **arguments)
    assert told["state"] == "proposed"
    return clinic.site.proposals.get(clinic.person("nurse" if by == "nurse" else "doctor"), told["proposal"])


def state(clinic: Clinic, proposal: Proposal) -> str:
    """Return what the agent is told of its proposal."""
    return str(clinic.call("get_record", proposal=proposal.id)["state"])


# --- asking -----------------------------------------------------------------------------------------------------------


def test_nothing_changes_before_somebody_approves(stored_clinic: Clinic, anna: str) -> None:
    before = changes(stored_clinic)

    told = stored_clinic.call(
        "update_records", entity="patient", changes=[{"id": anna, "version": 1, "values": {"level": "a"}}], reason="New"
    )

    assert told["state"] == "proposed"
    assert told["review"].endswith(f"/admin/proposals/{told['proposal']}")
    [change] = told[UNTRUSTED]["changes"]
    assert (change["before"], change["after"], change["version"]) == ({"level": "b"}, {"level": "a"}, 1)
    assert changes(stored_clinic) == before
    assert stored_clinic.stored("patient", anna)["level"] == "b"
    [known] = stored_clinic.site.proposals.waiting(stored_clinic.person("doctor"))
    assert (known.reason, known.author.client, known.author.token_name) == ("New", "Tester 1.0", "proposes token")


def test_what_cannot_be_written_is_refused_with_every_problem(stored_clinic: Clinic, anna: str) -> None:
    error = stored_clinic.refused(
        "create_records",
        entity="visit",
        records=[
            {"subject": "Good"},
            {"fee": "-1", "colour": "red"},
            {"subject": "Dear", "fee": "2000000"},
            {"subject": "Rows", "items": [{"what": "X", "amount": "soon"}]},
        ],
    )

    assert paths(error) == [
        "records/1/colour", "records/1/fee", "records/1/subject", "records/2/fee", "records/3/items/0/amount",
    ]  # fmt: skip
    stale = stored_clinic.refused(
        "update_records", entity="patient", changes=[{"id": anna, "values": {"mobile": "1"}}, {"id": "x", "values": {}}]
    )
    assert paths(stale) == ["changes/0/values/mobile", "changes/1"]
    assert stored_clinic.site.proposals.waiting(stored_clinic.person("doctor")) == []


def test_operations_are_tried_out_one_after_the_other(stored_clinic: Clinic) -> None:
    [visit] = stored_clinic.make("visit", {"subject": "Check", "items": [{"what": "X", "amount": "3"}]})

    found = proposed(
        stored_clinic,
        "update_records",
        entity="visit",
        changes=[{"id": visit, "values": {"items": [{"what": "Y", "amount": "5"}, {"what": "Z", "amount": "6"}]}}],
    )

    assert (found.parts[0].before["total"], found.parts[0].after["total"]) == ("3.00", "11.00")
    refused = stored_clinic.refused("run_action", entity="visit", ids=[visit], action="see")
    assert paths(refused) == ["ids/0/fee"]


def test_secrets_are_not_taken(stored_clinic: Clinic, anna: str) -> None:
    card = "110101199003071234"
    for by in ("proposes", "writes"):
        error = stored_clinic.refused(
            "update_records", by, entity="patient", changes=[{"id": anna, "values": {"id_card": card}}]
        )
        assert paths(error) == ["changes/0/values/id_card"]
    with stored_clinic.site.database.read() as connection:
        kept = run(connection, "SELECT count(*) FROM proposal_part").fetchone()[0]
    assert kept == 0


def test_a_call_that_is_sent_twice_makes_one_proposal(stored_clinic: Clinic) -> None:
    given: dict[str, Any] = {"entity": "patient", "records": [{"name": "Bo"}], "request": "call-1"}

    first, again = (stored_clinic.call("create_records", **given) for _ in range(2))

    assert first["proposal"] == again["proposal"]
    other = stored_clinic.refused("create_records", entity="patient", records=[{"name": "Cy"}], request="call-1")
    assert other["code"] == "idempotency-key-reused"
    assert len(stored_clinic.site.proposals.waiting(stored_clinic.person("doctor"))) == 1


def test_so_many_may_wait_and_no_more(clinic: Clinic, monkeypatch: pytest.MonkeyPatch) -> None:
    from engine.proposals import proposals

    monkeypatch.setattr(proposals, "MOST_OPEN", 2)
    for each in range(2):
        clinic.call("create_records", entity="patient", records=[{"name": f"P{each}"}])

    error = clinic.refused("create_records", entity="patient", records=[{"name": "P2"}])

    assert "decide" in error["message"]


# --- deciding ---------------------------------------------------------------------------------------------------------


def test_five_are_proposed_four_approved_and_the_log_names_agent_and_person(stored_clinic: Clinic) -> None:
    ids = stored_clinic.make("patient", *({"name": f"P{each}", "level": "b"} for each in range(5)))
    doctor, site = stored_clinic.person("doctor"), stored_clinic.site
    found = proposed(
        stored_clinic,
        "update_records",
        entity="patient",
        changes=[{"id": id_, "version": 1, "values": {"level": "a"}} for id_ in ids],
    )

    decision = site.proposals.approve(doctor, found.id, dict.fromkeys((0, 1, 3, 4)))

    assert [stored_clinic.stored("patient", id_)["level"] for id_ in ids] == ["a", "a", "b", "a", "a"]
    assert (len(decision.written), decision.failed, state(stored_clinic, found)) == (4, (), "open")
    site.proposals.reject(doctor, found.id, "Not this one")
    assert state(stored_clinic, found) == "done"
    with site.database.read() as connection:
        rejected, approved, made = site.trail.entries(connection, Wanted(kinds=("proposal",)), 10)
    assert [each.details["step"] for each in (made, approved, rejected)] == ["made", "approved", "rejected"]
    assert (approved.actor_id, approved.number, made.number) == (doctor.id, 4, 5)
    assert {each.details["client"] for each in (made, approved, rejected)} == {"Tester 1.0"}
    assert {each.details["called"] for each in (made, approved, rejected)} == {"proposes token"}
    with site.reading(doctor) as reader:
        entry = reader.history("patient", ids[0])[0]
    assert (entry.actor_id, entry.via, entry.change_set) == (
        doctor.id,
        f"proposal:{found.id}",
        decision.proposal.change_set,
    )

    report = site.records.undo(doctor, decision.proposal.change_set or "")
    assert report.undone == 4
    assert [stored_clinic.stored("patient", id_)["level"] for id_ in ids] == ["b"] * 5


def test_every_kind_of_change_is_written_as_proposed(stored_clinic: Clinic, anna: str) -> None:
    one, two = stored_clinic.make("visit", {"subject": "One", "fee": "5"}, {"subject": "Two"})
    doctor, site = stored_clinic.person("doctor"), stored_clinic.site
    made = [
        proposed(stored_clinic, "create_records", entity="patient", records=[{"name": "Bo", "mobile": "13900139000"}]),
        proposed(stored_clinic, "run_action", entity="visit", ids=[one], action="see"),
        proposed(stored_clinic, "delete_records", by="deletes", entity="visit", ids=[two]),
        proposed(stored_clinic, "update_records", entity="patient", changes=[{"id": anna, "values": {"mobile": None}}]),
    ]

    for each in made:
        assert site.proposals.approve(doctor, each.id, {0: None}).failed == ()

    told = stored_clinic.call("get_record", proposal=made[0].id)
    new = stored_clinic.stored("patient", told[UNTRUSTED]["parts"][0]["id"])
    assert (new["name"], new["mobile"], new["owner"]) == ("Bo", "+8613900139000", doctor.id)
    assert stored_clinic.stored("visit", one)["stage"] == "seen"
    with pytest.raises(NotFound):
        stored_clinic.stored("visit", two)
    assert stored_clinic.stored("patient", anna)["mobile"] is None


def test_what_others_changed_since_is_not_written_over(stored_clinic: Clinic, anna: str) -> None:
    doctor, site = stored_clinic.person("doctor"), stored_clinic.site
    found = proposed(
        stored_clinic, "update_records", entity="patient",
        changes=[{"id": anna, "version": 1, "values": {"level": "a"}}],
    )  # fmt: skip
    site.records.update(stored_clinic.person("other"), "patient", [{"id": anna, "level": "c"}])

    decision = site.proposals.approve(doctor, found.id, {0: None})

    assert decision.written == ()
    assert [each["code"] for each in decision.failed[0].problems] == ["conflict"]
    assert stored_clinic.stored("patient", anna)["level"] == "c"
    assert (state(stored_clinic, found), decision.proposal.change_set) == ("open", None)

    seen = site.proposals.approve(doctor, found.id, {0: 2})
    assert (len(seen.written), stored_clinic.stored("patient", anna)["level"]) == (1, "a")


def test_what_others_changed_in_other_fields_stays(stored_clinic: Clinic, anna: str) -> None:
    found = proposed(
        stored_clinic, "update_records", entity="patient",
        changes=[{"id": anna, "version": 1, "values": {"level": "a"}}],
    )  # fmt: skip
    stored_clinic.site.records.update(stored_clinic.person("other"), "patient", [{"id": anna, "notes": "Called"}])

    stored_clinic.site.proposals.approve(stored_clinic.person("doctor"), found.id, {0: None})

    kept = stored_clinic.stored("patient", anna)
    assert (kept["level"], kept["notes"]) == ("a", "Called")


def test_a_record_that_was_changed_is_not_deleted_unseen(stored_clinic: Clinic, anna: str) -> None:
    doctor, site = stored_clinic.person("doctor"), stored_clinic.site
    found = proposed(stored_clinic, "delete_records", by="deletes", entity="patient", ids=[anna])
    site.records.update(stored_clinic.person("other"), "patient", [{"id": anna, "notes": "Do not delete"}])

    assert [each["code"] for each in site.proposals.approve(doctor, found.id, {0: None}).failed[0].problems] == [
        "conflict"
    ]
    assert site.proposals.approve(doctor, found.id, {0: 2}).failed == ()


def test_nothing_is_decided_twice(stored_clinic: Clinic, anna: str) -> None:
    doctor, site = stored_clinic.person("doctor"), stored_clinic.site
    found = proposed(stored_clinic, "create_records", entity="patient", records=[{"name": "Bo"}, {"name": "Cy"}])
    site.proposals.approve(doctor, found.id, {0: None})
    before = changes(stored_clinic)

    with pytest.raises(GuanxiError, match="decided meanwhile"):
        site.proposals.approve(doctor, found.id, {0: None, 1: None})
    with pytest.raises(GuanxiError, match="decided meanwhile"):
        site.proposals.approve(doctor, found.id, {7: None})
    site.proposals.approve(doctor, found.id, {1: None})
    with pytest.raises(GuanxiError, match="waits no longer"):
        site.proposals.approve(doctor, found.id, {1: None})
    with pytest.raises(GuanxiError, match="waits no longer"):
        site.proposals.reject(doctor, found.id)

    assert changes(stored_clinic) == before + 1


def test_of_two_who_decide_at_once_one_is_told_so(stored_clinic: Clinic) -> None:
    found = proposed(stored_clinic, "create_records", entity="patient", records=[{"name": "Bo"}])
    before, told = changes(stored_clinic), list[str]()
    ready = threading.Barrier(2)

    def decide(who: str) -> None:
        person = stored_clinic.person(who)
        ready.wait()
        try:
            stored_clinic.site.proposals.approve(person, found.id, {0: None})
            told.append("written")
        except GuanxiError as error:
            told.append(type(error).__name__)

    threads = [threading.Thread(target=decide, args=(who,)) for who in ("doctor", "other")]
    for each in threads:
        each.start()
    for each in threads:
        each.join()

    assert sorted(told) == ["GuanxiError", "written"]
    assert changes(stored_clinic) == before + 1


def test_what_nobody_decides_about_is_over_after_its_time(stored_clinic: Clinic) -> None:
    doctor, site = stored_clinic.person("doctor"), stored_clinic.site
    found = proposed(stored_clinic, "create_records", entity="patient", records=[{"name": "Bo"}])

    with clock.set_to(found.expires_at + timedelta(seconds=1)):
        assert site.proposals.waiting(doctor) == []
        with pytest.raises(GuanxiError, match="its time is over"):
            site.proposals.approve(doctor, found.id, {0: None})
        assert state(stored_clinic, found) == "expired"
        assert [each.standing for each in site.proposals.decided(doctor)] == ["expired"]
    with clock.set_to(found.created_at + timedelta(days=91)):
        [swept] = [each for each in site.clean_up() if each.step == "proposals"]
    assert swept.count == 1
    with site.database.read() as connection:
        assert run(connection, "SELECT count(*) FROM proposal_part").fetchone()[0] == 0


def test_a_rejection_says_why(stored_clinic: Clinic) -> None:
    found = proposed(stored_clinic, "create_records", entity="patient", records=[{"name": "Bo"}])

    stored_clinic.site.proposals.reject(stored_clinic.person("doctor"), found.id, "Bo is known already")

    told = stored_clinic.call("get_record", proposal=found.id)
    assert (told["state"], told[UNTRUSTED]["note"]) == ("rejected", "Bo is known already")
    assert [each["state"] for each in told[UNTRUSTED]["parts"]] == ["rejected"]


# --- who decides ------------------------------------------------------------------------------------------------------


def test_who_may_write_the_records_may_decide_and_nobody_else(stored_clinic: Clinic, anna: str) -> None:
    site = stored_clinic.site
    found = proposed(
        stored_clinic, "update_records", entity="patient", changes=[{"id": anna, "values": {"level": "a"}}]
    )
    assert [each.id for each in site.proposals.waiting(stored_clinic.person("other"))] == [found.id]
    for who in ("nurse", "visitor"):
        assert site.proposals.waiting(stored_clinic.person(who)) == []
        for attempt in (
            lambda one: site.proposals.get(one, found.id),
            lambda one: site.proposals.approve(one, found.id, {0: None}),
            lambda one: site.proposals.reject(one, found.id),
        ):
            with pytest.raises(NotFound):
                attempt(stored_clinic.person(who))

    decision = site.proposals.approve(stored_clinic.person("other"), found.id, {0: None})

    assert decision.proposal.decided_by == stored_clinic.ids["other"]
    with site.reading(SYSTEM) as reader:
        assert reader.history("patient", anna)[0].actor_id == stored_clinic.ids["other"]


def test_an_agent_decides_about_nothing(stored_clinic: Clinic) -> None:
    found = proposed(stored_clinic, "create_records", entity="patient", records=[{"name": "Bo"}])

    for by in ("proposes", "writes"):
        agent = stored_clinic.caller(by).principal
        with pytest.raises(AccessDenied):
            stored_clinic.site.proposals.approve(agent, found.id, {0: None})
        with pytest.raises(AccessDenied):
            stored_clinic.site.proposals.reject(agent, found.id)


def test_a_right_that_was_lost_since_is_not_used(stored_clinic: Clinic) -> None:
    [visit] = stored_clinic.make("visit", {"subject": "Mine"}, by="nurse")
    found = proposed(
        stored_clinic, "update_records", by="nurse", entity="visit",
        changes=[{"id": visit, "values": {"subject": "Changed"}}],
    )  # fmt: skip
    stored_clinic.site.records.update(SYSTEM, "visit", [{"id": visit, "owner": stored_clinic.ids["doctor"]}])

    decision = stored_clinic.site.proposals.approve(stored_clinic.person("nurse"), found.id, {0: None})

    assert decision.written == ()
    assert stored_clinic.stored("visit", visit)["subject"] == "Mine"
