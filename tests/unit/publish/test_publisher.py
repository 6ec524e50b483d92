"""Publishing documents, on both databases: what changes, what is kept, what is refused."""

import pytest
from sqlalchemy import literal_column

from engine.errors import PlanRefused, PullFirst
from engine.expression.sql.inline import Folded
from engine.storage.database import run
from engine.storage.guard import ENTITY_ACCESS
from tests.unit.publish.conftest import Bench

VISIT = """
entity: visit
title: subject
features: [owned]
fields:
  subject: {type: text, search: high}
  fee: {type: money, currency: CNY}
  stage: {type: select, options: {booked: {}, seen: {}}}
"""


def test_the_first_publication_makes_the_tables(bench: Bench) -> None:
    revision = bench.publish(VISIT, comment="first")

    ids = bench.insert("visit", [{"subject": "one"}])
    assert revision.number == 1
    assert bench.table("visit") == "s_visit"
    assert bench.publisher.models.get(1).tables.table("visit").columns.keys()[:2] == ["id", "version"]
    assert bench.run('SELECT "id" FROM s_visit') == [(ids[0],)]


def test_publishing_the_same_again_changes_nothing(bench: Bench) -> None:
    bench.publish(VISIT)

    again = bench.publish(VISIT)

    assert again.number == 1
    assert bench.plan(VISIT).empty


def test_a_changed_label_is_a_new_revision_without_any_physical_change(bench: Bench) -> None:
    bench.publish(VISIT)

    plan = bench.plan(VISIT.replace("title: subject", "title: subject\nlabel: Appointment"))

    assert plan.changes == ()
    assert [(each.name, each.action) for each in plan.documents] == [("entity/visit", "changed")]


def test_a_new_field_is_a_new_column_and_its_rows_stay(bench: Bench) -> None:
    bench.publish(VISIT)
    bench.insert("visit", [{"subject": "one"}])

    bench.publish(VISIT + "  room: {type: integer}\n")

    assert bench.values("visit", "room") == [None]
    assert bench.values("visit", "subject") == ["one"]


def test_a_field_that_goes_leaves_its_values_and_comes_back_with_them(bench: Bench) -> None:
    bench.publish(VISIT)
    bench.insert("visit", [{"subject": "one", "stage": "seen"}])
    without = VISIT.replace("  stage: {type: select, options: {booked: {}, seen: {}}}\n", "")

    assert bench.kinds(without) == [("retire_column", "visit.stage")]
    bench.publish(without)
    bench.insert("visit", [{"subject": "two"}])
    assert bench.kinds(VISIT) == [("revive_column", "visit.stage")]
    bench.publish(VISIT)

    assert bench.values("visit", "stage") == ["seen", None]
    assert bench.publisher.current().storage.retired == ()


def test_a_renamed_field_keeps_its_column(bench: Bench) -> None:
    bench.publish(VISIT)
    bench.insert("visit", [{"subject": "one", "stage": "seen"}])
    renamed = VISIT.replace("  stage: {type: select,", "  state: {type: select, renamed_from: stage,")

    assert bench.kinds(renamed) == [("rename_field", "visit.state")]
    bench.publish(renamed)

    assert bench.values("visit", "state") == ["seen"]
    assert bench.column("visit", "state") == "stage"


def test_publishing_from_an_old_revision_is_refused(bench: Bench) -> None:
    bench.publish(VISIT)

    with pytest.raises(PullFirst):
        bench.publish(VISIT + "  room: {type: integer}\n", base=0)

    assert bench.publisher.current().number == 1


def test_a_retype_with_values_that_do_not_fit_is_refused_with_the_rows_and_goes_through_when_accepted(
    bench: Bench,
) -> None:
    bench.publish(VISIT + "  weight: {type: text}\n")
    ids = bench.insert("visit", [{"weight": value} for value in ("12", "about 3k", " 7 ", None)])
    typed = VISIT + "  weight: {type: integer}\n"

    with pytest.raises(PlanRefused) as refused:
        bench.publish(typed)
    samples = [sample for change in refused.value.plan.changes for sample in change.samples]
    assert [(sample.id, sample.value) for sample in samples] == [(ids[1], "about 3k")]
    assert bench.publisher.current().number == 1

    bench.publish(typed, accept={"visit.weight": 1})

    assert bench.values("visit", "weight") == [12, None, 7, None]


def test_more_losses_than_were_accepted_are_refused(bench: Bench) -> None:
    bench.publish(VISIT + "  weight: {type: text}\n")
    bench.insert("visit", [{"weight": "heavy"}, {"weight": "light"}])

    with pytest.raises(PlanRefused):
        bench.publish(VISIT + "  weight: {type: integer}\n", accept={"visit.weight": 1})


def test_rolling_back_a_retype_brings_back_the_values_and_keeps_what_was_changed_since(bench: Bench) -> None:
    bench.publish(VISIT + "  weight: {type: text}\n")
    ids = bench.insert("visit", [{"weight": value} for value in ("12", "about 3k", "007", "9")])
    bench.publish(VISIT + "  weight: {type: integer}\n", accept={"visit.weight": 1})
    column = bench.column("visit", "weight")
    bench.run(f'UPDATE s_visit SET "{column}" = 10 WHERE "id" = \'{ids[3]}\'')
    bench.insert("visit", [{"weight": 99}])

    bench.publisher.rollback(1)

    assert bench.values("visit", "weight") == ["12", "about 3k", "007", "10", "99"]
    assert bench.publisher.current().number == 3
    assert bench.column("visit", "weight") == "weight"


def test_duplicates_under_a_new_unique_rule_are_refused_and_named(bench: Bench) -> None:
    bench.publish(VISIT)
    ids = bench.insert("visit", [{"subject": "twice"}, {"subject": "twice"}, {"subject": "once"}])

    with pytest.raises(PlanRefused, match="twice"):
        bench.publish(VISIT + "unique: {subject_once: {fields: [subject]}}\n", accept={"visit.subject": 9})

    bench.run(f"UPDATE s_visit SET subject = 'other' WHERE \"id\" = '{ids[1]}'")
    bench.publish(VISIT + "unique: {subject_once: {fields: [subject]}}\n")
    with pytest.raises(Exception, match=r"(?i)unique"):
        bench.insert("visit", [{"subject": "once"}])


def test_drift_is_refused_with_advice(bench: Bench) -> None:
    bench.publish(VISIT)
    bench.run(
        'ALTER TABLE s_visit DROP COLUMN "subject"'
        if bench.database.dialect == "postgresql"
        else "ALTER TABLE s_visit RENAME COLUMN subject TO topic"
    )

    with pytest.raises(PlanRefused, match=r"s_visit\.subject"):
        bench.publish(VISIT + "  room: {type: integer}\n")


def test_a_column_that_somebody_made_is_not_taken_over(bench: Bench) -> None:
    bench.publish(VISIT)
    bench.run("ALTER TABLE s_visit ADD COLUMN room INTEGER")

    with pytest.raises(PlanRefused, match="did not make"):
        bench.publish(VISIT + "  room: {type: integer}\n")


def test_a_missing_index_is_found_and_made_again(bench: Bench) -> None:
    bench.publish(VISIT)
    name = bench.publisher.current().storage.entities["visit"].indexes[0]
    bench.run(f'DROP INDEX "{name}"')

    assert [problem.severity for problem in bench.publisher.drift()] == ["warning"]
    assert bench.publisher.repair() == [name]

    assert bench.publisher.drift() == []


def test_parts_of_text_are_found_by_an_index_on_postgres(bench: Bench) -> None:
    bench.publish(VISIT.replace("search: high", "index: contains"))
    names = bench.publisher.current().storage.entities["visit"].indexes
    if bench.database.dialect == "sqlite":
        assert not any("subject" in name for name in names)
        return

    bench.insert("visit", [{"subject": f"visit number {n}"} for n in range(300)])
    bench.run("ANALYZE s_visit")
    with bench.database.read() as connection:
        run(connection, "SET LOCAL enable_seqscan = off")
        compared = Folded(literal_column('"subject"')).compile(dialect=connection.dialect)
        sql = f"EXPLAIN SELECT * FROM s_visit WHERE {compared} LIKE '%number 29%'"
        steps = run(connection, sql, access=ENTITY_ACCESS).fetchall()

    assert any("ix_s_visit_subject" in step[0] for step in steps)


def test_values_that_are_written_meanwhile_and_would_be_lost_stop_the_publication(bench: Bench) -> None:
    bench.publish(VISIT + "  weight: {type: text}\n")
    bench.insert("visit", [{"weight": "1"}])
    typed = VISIT + "  weight: {type: integer}\n"

    def pause(point: str) -> None:
        if point == "copied":
            bench.insert("visit", [{"weight": "heavy"}])

    with pytest.raises(PlanRefused, match=r"visit\.weight=1"):
        bench.publish(typed, pause=pause)

    assert bench.publisher.current().number == 1
    assert bench.values("visit", "weight") == ["1", "heavy"]
    assert bench.run("SELECT id FROM meta_work") == []
    bench.publish(typed, accept={"visit.weight": 1})
    assert bench.values("visit", "weight") == [1, None]


def test_values_that_become_equal_by_a_new_type_are_refused_where_they_must_be_unique(bench: Bench) -> None:
    bench.publish(VISIT + "  code: {type: text, unique: true}\n")
    bench.insert("visit", [{"code": "7"}, {"code": "007"}])

    with pytest.raises(PlanRefused, match="code"):
        bench.publish(VISIT + "  code: {type: integer, unique: true}\n")

    assert bench.publisher.current().number == 1
    assert bench.values("visit", "code") == ["7", "007"]
    assert bench.run("SELECT id FROM meta_work") == []


def test_records_that_break_a_new_unique_rule_meanwhile_stop_the_publication(bench: Bench) -> None:
    bench.publish(VISIT)
    bench.insert("visit", [{"subject": "once"}])
    rule = "unique: {subject_once: {fields: [subject]}}\n"

    def pause(point: str) -> None:
        if point == "planned":
            bench.insert("visit", [{"subject": "once"}])

    with pytest.raises(PlanRefused):
        bench.publish(VISIT + rule, pause=pause)

    assert bench.publisher.current().number == 1


def test_open_text_is_never_taken_for_a_sealed_secret_nor_the_other_way_round(bench: Bench) -> None:
    bench.publish(VISIT + "  card: {type: text}\n")
    bench.insert("visit", [{"card": "310101"}])

    bench.publish(VISIT + "  card: {type: secret}\n")

    assert bench.column("visit", "card") == "card__2"
    assert bench.values("visit", "card") == [None]
    bench.publisher.rollback(1)
    assert bench.values("visit", "card") == ["310101"]


def test_what_people_gave_is_kept_when_the_field_becomes_computed(bench: Bench) -> None:
    bench.publish(VISIT + "  weight: {type: integer}\n  total: {type: integer}\n")
    bench.insert("visit", [{"weight": 3, "total": 5}])
    computed = (
        "  weight: {type: integer}\n  total: {type: formula, result: integer, stored: true, expr: 'weight * 2'}\n"
    )

    bench.publish(VISIT + computed)

    assert bench.column("visit", "total") == "total__2"
    bench.publisher.rollback(1)
    assert bench.values("visit", "total") == [5]
