"""What is wrong with the plan of a statement: it reads whole tables, or sorts what may be many."""

from collections.abc import Iterator
from typing import Any

from engine import Reader
from engine.storage.database import run
from engine.storage.guard import ENTITY_ACCESS


def faults_of(reader: Reader, text: str, values: Any) -> list[str]:
    """Return the steps of a plan that read all rows of the table listed, or sort what they found.

    Rows may be sorted that are few for certain: those that a limit has left, and those that come by their ids.
    """
    if reader.connection.dialect.name == "sqlite":
        return _faults_of_sqlite(run(reader.connection, "EXPLAIN QUERY PLAN " + text, values, access=ENTITY_ACCESS))
    [(plan,)] = run(reader.connection, "EXPLAIN (FORMAT JSON) " + text, values, access=ENTITY_ACCESS).fetchall()
    return list(_faults_of_postgres(plan[0]["Plan"], above=None))


def _faults_of_sqlite(rows: Any) -> list[str]:
    steps: dict[int, list[str]] = {}
    for _, parent, _, step in rows:
        steps.setdefault(parent, []).append(step)
    found = [step for beside in steps.values() for step in beside if step == "SCAN t0"]
    for beside in steps.values():
        if any("TEMP B-TREE FOR ORDER BY" in step for step in beside):
            found += [step for step in beside if step.startswith(("SCAN", "SEARCH")) and not _few(step)]
    return found


def _few(step: str) -> bool:
    return step == "SCAN best" or step.endswith("(id=?)")


def _faults_of_postgres(node: dict[str, Any], above: str | None) -> Iterator[str]:
    kind = node["Node Type"]
    above = kind if kind in {"Sort", "Incremental Sort"} else None if kind == "Limit" else above
    if kind == "Seq Scan" and node["Alias"] == "t0":
        yield "Seq Scan on t0"
    if above is not None and "Relation Name" in node and not node.get("Index Cond", "").startswith("(id = "):
        yield f"{above} of {node['Relation Name']}"
    for inner in node.get("Plans", ()):
        yield from _faults_of_postgres(inner, above)
