"""History, the writing half: one `record_change` row for every version of every record.

Audit, undo, the change feed and the merge of concurrent edits all stand on it, so every entity has it, whether or not
its screens show it. Values are JSON as the API gives them; secret values leave a mark.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import orjson

from engine.data.batch import Draft
from engine.data.shape import Shape, is_audited
from engine.data.unit import Unit

_COLUMNS = "entity, record_id, version, action, changes, actor_id, via, at, change_set_id"


def insert_text(mark: str, *, source: str = "") -> str:
    """Return the statement that writes one row of history; for each row of `source`, where that is given."""
    marks = ", ".join([mark] * 9)
    rows = f"SELECT {marks} FROM {source}" if source else f"VALUES ({marks})"  # noqa: S608 - constants
    return f"INSERT INTO record_change ({_COLUMNS}) {rows}"


def write_history(unit: Unit, shape: Shape, action: str, drafts: Sequence[Draft]) -> None:
    """Write what has become of drafts; their versions are counted already."""
    unit.insert("record_change", _COLUMNS, history_rows(unit, shape, action, drafts))


def history_rows(unit: Unit, shape: Shape, action: str, drafts: Sequence[Draft]) -> list[tuple[Any, ...]]:
    """Return the rows of history of drafts, as `insert_text` takes them."""
    entity = shape.entity.key
    actor, via, at, change_set = unit.principal.id, unit.via, unit.at, unit.change_set.id
    dumps = orjson.dumps
    return [
        (entity, draft.id, draft.version, action, dumps(changes_of(shape, draft)).decode(), actor, via, at, change_set)
        for draft in drafts
    ]


def changes_of(shape: Shape, draft: Draft) -> dict[str, tuple[Any, Any]]:
    """Return {field: [before, after]} in JSON values, of fields whose history is kept."""
    old, new = draft.old, draft.new
    changes: dict[str, tuple[Any, Any]]
    if old is None:
        changes = {
            key: (None, value if write is None else write(value))
            for key, write in shape.audited
            if (value := new[key]) is not None
        }
    else:
        changed = draft.changed
        changes = {
            key: (_json(write, old[key]), _json(write, new[key])) for key, write in shape.audited if key in changed
        }
    if draft.links:
        for field in shape.link_fields:
            if field.key in draft.changed and is_audited(field):
                before = list(draft.old_links.get(field.key, ())) or None
                changes[field.key] = (before, list(draft.links[field.key]) or None)
    for key, (before_ids, after_ids) in draft.child_ids.items():
        changes[key] = (list(before_ids) or None, list(after_ids) or None)
    return changes


def _json(write: Callable[[Any], Any] | None, value: Any) -> Any:
    return value if write is None or value is None else write(value)


def changed_since(unit: Unit, entity: str, record_id: str, version: int) -> Mapping[str, Any]:
    """Return the fields that changed after a version of a record, with the JSON value that they had at it."""
    mark = unit.phrases.mark
    text = (
        f"SELECT changes FROM record_change WHERE record_id = {mark} AND entity = {mark} AND version > {mark} "  # noqa: S608
        "ORDER BY version"
    )
    before: dict[str, Any] = {}
    for (changes,) in unit.run(text, (record_id, entity, version)).fetchall():
        for key, (old, _) in loaded(changes).items():
            before.setdefault(key, old)
    return before


def last_author(unit: Unit, entity: str, record_id: str) -> str | None:
    """Return who made the newest version of a record; None for the system."""
    mark = unit.phrases.mark
    text = (
        f"SELECT actor_id FROM record_change WHERE record_id = {mark} AND entity = {mark} "  # noqa: S608 - constants
        "ORDER BY version DESC LIMIT 1"
    )
    row = unit.run(text, (record_id, entity)).fetchone()
    return row[0] if row is not None else None


def known_version(unit: Unit, entity: str, record_id: str, version: int) -> bool:
    """Say whether the history since a version is whole: it is not when older rows were purged."""
    mark = unit.phrases.mark
    text = f"SELECT 1 FROM record_change WHERE record_id = {mark} AND entity = {mark} AND version = {mark}"  # noqa: S608
    return unit.run(text, (record_id, entity, version)).fetchone() is not None


def loaded(changes: Any) -> dict[str, list[Any]]:
    """Return the changes of a row as the driver has them: text on SQLite, read already on PostgreSQL."""
    found: dict[str, list[Any]] = orjson.loads(changes) if isinstance(changes, (str, bytes)) else changes
    return found


def value_from_json(shape: Shape, key: str, value: Any) -> Any:
    """Return the Python value of a JSON value from history; None for one that no longer fits the field."""
    field = shape.fields.get(key)
    if field is None or value is None:
        return None
    return field.parse(value)
