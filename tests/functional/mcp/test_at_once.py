"""Changes that nobody is asked about, and what is kept of those that somebody is."""

import json

import pytest

from engine import SYSTEM, AccessDenied, GuanxiError, Operation, OperationsRefused
from engine.storage.database import run
from tests.functional.mcp.conftest import Clinic, changes
from ui.mcp.answers import UNTRUSTED


def test_a_token_for_it_writes_at_once_all_or_nothing(stored_clinic: Clinic, anna: str) -> None:
    doctor = stored_clinic.person("doctor")
    before = changes(stored_clinic)
    stored_clinic.refused("create_records", "writes", entity="patient", records=[{"name": "Bo"}, {"name": ""}])
    assert changes(stored_clinic) == before

    told = stored_clinic.call(
        "create_records", "writes", entity="patient", records=[{"name": "Bo"}, {"name": "Cy"}], request="r1"
    )
    again = stored_clinic.call(
        "create_records", "writes", entity="patient", records=[{"name": "Bo"}, {"name": "Cy"}], request="r1"
    )

    assert told["state"] == again["state"] == "written"
    assert changes(stored_clinic) == before + 2
    ids = [each["id"] for each in told[UNTRUSTED]["changes"]]
    with stored_clinic.site.reading(doctor) as reader:
        entry = reader.history("patient", ids[0])[0]
    assert (entry.actor_id, entry.via) == (doctor.id, "mcp")
    assert stored_clinic.site.records.undo(doctor, told["change_set"]).trashed == 2
    stored_clinic.site.records.update(stored_clinic.person("other"), "patient", [{"id": anna, "level": "c"}])
    stale = stored_clinic.refused(
        "update_records", "writes", entity="patient", changes=[{"id": anna, "version": 1, "values": {"level": "a"}}]
    )
    assert [each["code"] for each in stale["problems"]] == ["conflict"]


def test_what_is_deleted_for_good_takes_along_what_was_proposed(stored_clinic: Clinic, anna: str) -> None:
    site = stored_clinic.site
    stored_clinic.call("update_records", entity="patient", changes=[{"id": anna, "values": {"notes": "Rash"}}])
    site.records.delete(SYSTEM, "patient", [anna])

    site.records.purge(SYSTEM, "patient", [anna])

    with site.database.read() as connection:
        kept = run(connection, "SELECT body FROM proposal_part").fetchall()
    assert "Rash" not in json.dumps([row[0] for row in kept])


def test_operations_of_nobody_or_too_many_are_refused(clinic: Clinic) -> None:
    with pytest.raises(AccessDenied):
        clinic.site.proposals.propose(SYSTEM, [Operation("create", "patient", {"name": "Bo"})])
    for operations in ([], [Operation("create", "patient", {"name": "Bo"})] * 51):
        with pytest.raises(GuanxiError, match="1 to 50"):
            clinic.site.proposals.propose(clinic.caller("proposes").principal, operations)
    with pytest.raises(OperationsRefused):
        clinic.site.proposals.propose(clinic.caller("proposes").principal, [Operation("create", "nothing", {})])
