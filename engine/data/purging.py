"""Gone for good: rows, links, words, shares, and the history with its values. That there was something stays known."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from engine.data.alike import remove_keys
from engine.data.batch import Batch, Draft
from engine.data.copies import forget_copies
from engine.data.drafts import new_batch, stored_draft
from engine.data.history import write_history
from engine.data.incoming import incoming
from engine.data.searching import unindex
from engine.data.shape import Shape
from engine.data.sharing import forget_principals
from engine.data.steps import authorise
from engine.data.steps.load import load
from engine.data.unit import CHUNK, Unit
from engine.errors import AccessDenied
from engine.i18n import Message
from engine.storage.storage_map import retired_link_rows, retired_links

_ABOUT = ("comment", "file")
"""Entities of the core whose rows are about another record, by `record_entity` and `record_id`."""


def purge(unit: Unit, shape: Shape, ids: Sequence[str], first_row: int) -> list[Batch]:
    """Delete records of the recycle bin for good, with their child rows, comments and files.

    Raises:
        AccessDenied: the principal lacks the permission `admin`.
    """
    entity = shape.entity
    authorise.require_action(unit, entity, "delete")
    if not unit.access.has("admin"):
        raise AccessDenied(Message("Only an administrator may delete for good"), entity=entity.key, action="delete")
    stored = load(unit, shape, ids, action="delete", lock="delete", trashed=True)
    batch = new_batch(unit, shape, "purge", [])
    seen: set[str] = set()
    for row, id_ in enumerate(ids, first_row):
        found = stored.get(id_)
        error = authorise.out_of_reach(entity, id_, found, "delete")
        if error is not None or found is None:
            batch.errors[row] = error or authorise.missing(entity, id_)
        elif id_ not in seen:
            seen.add(id_)
            batch.drafts.append(stored_draft(found, row))
    if unit.hooks.listens("before_delete", batch.entity):
        with unit.at_work():
            unit.hooks.call("before_delete", batch=batch)
        batch.collect = True
        batch.drop_failed()
    purge_rows(unit, shape, batch.drafts)
    return [batch]


_OF_RECORDS = (
    ("duplicate_pair", "a_id"),
    ("duplicate_pair", "b_id"),
    ("merged_record", "record_id"),
    ("merged_record", "survivor_id"),
    ("notice", "record_id"),
    ("person_star", "record_id"),
    ("person_visit", "record_id"),
    ("record_follow", "record_id"),
    ("record_pin", "record_id"),
    ("record_presence", "record_id"),
)
"""Tables of the engine, and their columns, that hold what is about any record."""
_OF_KIND = {
    "comment": (("comment_reaction", "comment_id"), ("record_pin", "comment_id")),
    "user": tuple(
        (table, "user_id")
        for table in (
            *("calendar_feed", "comment_reaction", "notice", "notice_setting", "person_dashboard", "person_report"),
            *("person_setting", "person_star", "person_visit", "record_follow", "record_presence", "user_draft"),
            "user_view",
        )
    ),
}
"""The same of what is about records of one entity alone."""


def _forget(unit: Unit, entity: str, ids: Sequence[str]) -> None:
    """Delete what people have of their own about records, or what a person had."""
    phrases = unit.phrases
    for table, column in (*_OF_RECORDS, *_OF_KIND.get(entity, ())):
        unit.run(f"DELETE FROM {table} WHERE {phrases.is_in(column)}", [unit.ids(ids)])  # noqa: S608 - constants
    # The key of a draft begins with the id of the record that somebody was typing about.
    drafted = phrases.is_in("substr(record_key, 1, 36)", "text")
    unit.run(f"DELETE FROM user_draft WHERE {drafted}", [unit.ids(ids)])  # noqa: S608 - constants
    if entity == "user":
        own = f"{phrases.is_in('owner_id')} AND {'NOT shared' if phrases.kind == 'postgresql' else 'shared = 0'}"
        unit.run(f"DELETE FROM saved_view WHERE {own}", [unit.ids(ids)])  # noqa: S608 - constants


def purge_rows(unit: Unit, shape: Shape, drafts: Sequence[Draft]) -> None:
    """Delete records for good, with all that belongs to them; nobody's rights are asked."""
    if not drafts:
        return
    ids = [draft.id for draft in drafts]
    for key, related in _belonging(unit, shape, ids):
        other = unit.shape(key)
        for start in range(0, len(related), CHUNK):
            found = load(unit, other, related[start : start + CHUNK], lock="delete", trashed=None)
            purge_rows(unit, other, [stored_draft(each) for each in found.values()])
    _let_go(unit, shape, ids)
    phrases = unit.phrases
    unindex(unit, shape, ids)
    remove_keys(unit, shape, drafts)
    forget_principals(unit, shape.entity.key, ids)
    condition = f"entity = {phrases.mark} AND {phrases.is_in('record_id')}"
    unit.run(f"DELETE FROM share WHERE {condition}", [shape.entity.key, unit.ids(ids)])  # noqa: S608
    _forget(unit, shape.entity.key, ids)
    # What was proposed about them says what they held; a proposal without parts says nothing of anybody.
    unit.run(f"DELETE FROM proposal_part WHERE {phrases.is_in('record_id')}", [unit.ids(ids)])  # noqa: S608 - constants
    for draft in drafts:
        draft.version += 1
        draft.old, draft.changed = draft.new, set()
    # First the new row, then the old ones go: a number that was given is never given again.
    write_history(unit, shape, "purge", drafts)
    unit.run(
        f"DELETE FROM record_change WHERE {condition} AND action <> 'purge'",  # noqa: S608
        [shape.entity.key, unit.ids(ids)],
    )
    forget_copies(unit, shape.entity.key, ids)
    identity = shape.by_key["id"].name
    unit.run(f"DELETE FROM {shape.table} WHERE {phrases.is_in(identity)}", [unit.ids(ids)])  # noqa: S608
    unit.change_set.note("purged", len(drafts))


def _belonging(unit: Unit, shape: Shape, ids: Sequence[str]) -> Iterable[tuple[str, list[str]]]:
    """Yield (entity, records) of what belongs to records and goes with them: child rows, comments, files."""
    phrases, model = unit.phrases, unit.published.model
    for link in incoming(model, shape.entity.key):
        other = model.entities[link.field.entity]
        if other.parent == shape.entity.key and other.parent_field == link.field.key:
            there = unit.shape(other.key)
            column = there.by_key[link.field.key].name
            text = f"SELECT {there.by_key['id'].name} FROM {there.table} WHERE {phrases.is_in(column)}"  # noqa: S608
            yield other.key, [row[0] for row in unit.run(text, [unit.ids(ids)]).fetchall()]
    for key in _ABOUT:
        if key in model.entities and {"record_entity", "record_id"} <= model.entities[key].fields.keys():
            there = unit.shape(key)
            kind, about = there.by_key["record_entity"].name, there.by_key["record_id"].name
            text = (
                f"SELECT {there.by_key['id'].name} FROM {there.table} WHERE {kind} = {phrases.mark} "  # noqa: S608
                f"AND {phrases.is_in(about, there.by_key['record_id'].cast)}"
            )
            yield key, [row[0] for row in unit.run(text, [shape.entity.key, unit.ids(ids)]).fetchall()]


def _let_go(unit: Unit, shape: Shape, ids: Sequence[str]) -> None:
    """Empty every link that still leads to records, also of other deleted records and in retired columns."""
    phrases, tables = unit.phrases, unit.published.tables
    entity = shape.entity.key
    for link in incoming(unit.published.model, entity):
        if link.many:
            table = phrases.name(tables.link_name(link.field.entity, link.field.key))
            unit.run(f"DELETE FROM {table} WHERE {phrases.is_in('target_id')}", [unit.ids(ids)])  # noqa: S608
            continue
        there = unit.shape(link.field.entity)
        column = there.by_key[link.field.key].name
        if link.field.type.links == "any":
            values = phrases.values(f"{entity}/{id_}" for id_ in ids)
            condition = phrases.is_in(column, "text")
        else:
            values, condition = unit.ids(ids), phrases.is_in(column)
        if there.entity.parent != entity or there.entity.parent_field != link.field.key:
            unit.run(f"UPDATE {there.table} SET {column} = NULL WHERE {condition}", [values])  # noqa: S608
    for field in shape.link_fields:
        table = phrases.name(tables.link_name(entity, field.key))
        unit.run(f"DELETE FROM {table} WHERE {phrases.is_in('record_id')}", [unit.ids(ids)])  # noqa: S608
    for name, column in retired_links(unit.published.storage.retired, tables.name(entity)):
        table, old = phrases.name(name), phrases.name(column)
        unit.run(f"UPDATE {table} SET {old} = NULL WHERE {phrases.is_in(old)}", [unit.ids(ids)])  # noqa: S608
    for name, end in retired_link_rows(unit.published.storage.retired, tables.name(entity)):
        table = phrases.name(name)
        unit.run(f"DELETE FROM {table} WHERE {phrases.is_in(end)}", [unit.ids(ids)])  # noqa: S608
