"""Indexes of large tables are made beside running writers on PostgreSQL."""

import pytest

from engine.errors import PlanRefused
from engine.storage import apply
from tests.unit.publish.conftest import Bench

VISIT = """
entity: visit
title: subject
fields:
  subject: {type: text}
  code: {type: text}
"""
INDEXED = VISIT.replace("code: {type: text}", "code: {type: text, index: true}")
UNIQUE = VISIT.replace("code: {type: text}", "code: {type: text, unique: true}")


@pytest.fixture
def large(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """A table that counts as large from one row on."""
    monkeypatch.setattr(apply, "LARGE_ROWS", 1)
    bench.publish(VISIT)
    bench.insert("visit", [{"subject": f"s{n}", "code": f"c{n}"} for n in range(20)])
    bench.run("ANALYZE")
    return bench


def valid(bench: Bench, part: str) -> list[bool]:
    """Whether the indexes with a part in their name can be used."""
    if bench.database.dialect == "sqlite":
        return [
            True for (name,) in bench.run("SELECT name FROM sqlite_master WHERE type = 'index'") if part in str(name)
        ]
    found = bench.run(
        "SELECT c.relname, i.indisvalid FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid"
        " WHERE i.indrelid = 's_visit'::regclass"
    )
    return [ready for name, ready in found if part in name]


def test_an_index_is_made_while_others_write(large: Bench) -> None:
    def pause(point: str) -> None:
        if point == "copied":
            large.insert("visit", [{"code": "meanwhile"}])

    large.publish(INDEXED, pause=pause)

    assert valid(large, "_code_") == [True]
    assert large.publisher.drift() == []


def test_a_unique_rule_that_is_broken_leaves_no_half_index_behind(large: Bench) -> None:
    def pause(point: str) -> None:
        if point == "planned":
            large.insert("visit", [{"code": "twice"}, {"code": "twice"}])

    with pytest.raises(PlanRefused):
        large.publish(UNIQUE, pause=pause)

    assert valid(large, "_code_") == []
    assert large.publisher.current().number == 1


def test_a_half_made_index_of_a_dead_publication_is_made_anew(large: Bench) -> None:
    class Dead(BaseException):
        """Stands for the end of the process: nothing is cleaned up."""

    def die(point: str) -> None:
        if point in {"indexed", "expanded"}:
            raise Dead

    with pytest.raises(Dead):
        large.publish(INDEXED, pause=die)
    large.publish(INDEXED)

    assert valid(large, "_code_") == [True]
    assert large.run("SELECT id FROM meta_work") == []
