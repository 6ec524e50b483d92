"""Revisions, drafts, packs and other processes."""

import pytest

from engine.errors import DocumentsInvalid, NotFound, PullFirst, StaleModel
from engine.metadata.document import read_text
from engine.metadata.layers import Layer
from engine.publish import ProcessOutdated, Publisher
from engine.storage.plan_text import plan_to_json, plan_to_text
from tests.unit.publish.conftest import CORE, Bench, documents

HEAD = """
entity: visit
title: subject
fields:
  subject: {type: text}
"""


def test_history_tells_who_published_what_and_why(bench: Bench) -> None:
    author = "01890a5d-ac96-774b-bcce-b302099a8057"
    bench.publish(HEAD, comment="first")
    bench.publish(f"{HEAD}  room: {{type: text}}\n", comment="rooms", author=author)

    newest, oldest = bench.publisher.history()

    assert (newest.number, newest.comment, newest.author_id) == (2, "rooms", author)
    assert [change["target"] for change in newest.changes] == ["visit.room"]
    assert (oldest.number, oldest.comment) == (1, "first")
    assert newest.published_at >= oldest.published_at


def test_wrong_documents_change_nothing(bench: Bench) -> None:
    with pytest.raises(DocumentsInvalid):
        bench.publish(HEAD.replace("type: text", "type: txet"))

    assert bench.publisher.current().number == 0


def test_there_is_no_way_back_to_a_revision_that_never_was(bench: Bench) -> None:
    with pytest.raises(NotFound):
        bench.publisher.rollback(7)


def test_a_draft_is_published_with_the_rest_and_forgotten(bench: Bench) -> None:
    bench.publish(HEAD)
    (edited,) = documents(f"{HEAD}  room: {{type: text}}\n")
    bench.publisher.save_draft("entity", "visit", edited.body)

    drafted, base = bench.publisher.drafted()
    bench.publisher.publish(drafted, base=base)

    assert bench.publisher.drafts() == []
    assert "room" in bench.publisher.models.get(2).model.entities["visit"].fields


def test_drafts_of_other_documents_outlive_a_publication(bench: Bench) -> None:
    bench.publish(HEAD)
    (edited,) = documents(f"{HEAD}  room: {{type: text}}\n")
    bench.publisher.save_draft("entity", "visit", edited.body)

    bench.publish(f"{HEAD}---\nentity: room\ntitle: name\nfields: {{name: {{type: text}}}}\n")

    assert [draft.name for draft in bench.publisher.drafts()] == ["visit"]


def test_a_draft_can_take_a_document_away(bench: Bench) -> None:
    bench.publish(f"{HEAD}---\nentity: room\ntitle: name\nfields: {{name: {{type: text}}}}\n")
    bench.publisher.save_draft("entity", "room", None)

    drafted, _ = bench.publisher.drafted()

    assert [document.id for document in drafted] == ["entity/visit"]


def test_a_draft_of_a_document_that_somebody_else_published_meanwhile_is_not_published_over_it(bench: Bench) -> None:
    bench.publish(HEAD)
    (edited,) = documents(f"{HEAD}  room: {{type: text}}\n")
    bench.publisher.save_draft("entity", "visit", edited.body)
    other = Publisher(bench.database, lambda: bench.layers)
    other.publish(documents(f"{HEAD}  floor: {{type: text}}\n"))
    bench.publisher.save_draft("entity", "visit", edited.body)

    bench.run("UPDATE meta_draft SET base_revision = 1")
    with pytest.raises(PullFirst):
        bench.publisher.drafted()


def newer(bench: Bench) -> list[Layer]:
    core, _ = read_text(
        CORE.replace("email: {type: email}", "email: {type: email}\n  phone: {type: phone}"), "c", "core"
    )
    return [Layer("core", "core", tuple(core), "core_")]


def test_a_process_with_other_packs_reads_what_it_has_and_writes_nothing(bench: Bench) -> None:
    bench.publish(HEAD)
    pinned = bench.publisher.models.get(1)
    upgraded = Publisher(bench.database, lambda: newer(bench))
    upgraded.publish(documents(HEAD))

    with pytest.raises(ProcessOutdated, match="core"):
        bench.publisher.models.get(2)
    with pytest.raises(StaleModel), bench.database.write(pinned.revision):
        pass

    assert bench.publisher.models.latest() is pinned


def test_newly_installed_packs_take_effect_by_publishing(bench: Bench) -> None:
    bench.publish(HEAD)
    upgraded = Publisher(bench.database, lambda: newer(bench))

    with pytest.raises(ProcessOutdated):
        upgraded.models.get(1)
    plan = upgraded.plan(documents(HEAD))

    assert [(each.name, each.action) for each in plan.documents] == [("pack core", "changed")]
    assert [each.target for each in plan.changes if each.kind == "add_column"] == ["user.phone"]


def test_the_last_two_models_are_kept(bench: Bench) -> None:
    for number in range(3):
        bench.publish(f"{HEAD}  f{number}: {{type: text}}\n")

    kept = bench.publisher.models.get(2)

    assert bench.publisher.models.get(2) is kept
    assert bench.publisher.models.get(3) is bench.publisher.models.latest()


def test_a_plan_is_read_in_both_languages(bench: Bench) -> None:
    bench.publish(f"{HEAD}  weight: {{type: text}}\n  fax: {{type: text}}\n")
    bench.insert("visit", [{"weight": "about 3k", "fax": "1"}, {"weight": "5"}])

    plan = bench.plan(f"{HEAD}  weight: {{type: integer}}\n  room: {{type: text}}\n")
    english, chinese = plan_to_text(plan), plan_to_text(plan, "zh")

    assert "  + visit.room" in english
    assert "  ! visit.weight" in english
    assert "needs --accept visit.weight=1" in english
    assert "about 3k" in english
    assert "values kept: 1" in english
    assert "about 3k" in chinese
    assert "--accept visit.weight=1" in chinese
    assert not any(word in chinese for word in ("needs", "kept", "column", "safe", "lossy"))


def test_a_plan_is_told_to_programs(bench: Bench) -> None:
    data = plan_to_json(bench.plan(HEAD))

    assert data["base_revision"] == 0
    assert {"kind", "target", "what", "risk", "sql"} <= set(data["changes"][0])
    assert data["documents"] == [{"name": "pack core", "action": "added"}, {"name": "entity/visit", "action": "added"}]


def test_nothing_to_do_is_said_so(bench: Bench) -> None:
    bench.publish(HEAD)

    assert plan_to_text(bench.plan(HEAD)) == "Nothing to do: everything is published.\n"
