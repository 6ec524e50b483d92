# ruff: noqa: S608
# Names in statements come from the storage map; values are bound.
"""One entity as the Model wants it, against its table as the storage map has it. Pure: asks no database."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cached_property

from engine.i18n import Message
from engine.metadata.model import Entity, Field, Model
from engine.storage import ddl, indexes
from engine.storage.catalog import TRIGRAMS
from engine.storage.changes import Change
from engine.storage.columns import declared
from engine.storage.fills import made_of
from engine.storage.naming import fitted, free
from engine.storage.search import SearchText
from engine.storage.storage_map import SYSTEM_NOT_NULL, Retired, StoredColumn, StoredEntity

NO_FOREIGN_KEY = frozenset({"created_by", "updated_by"})
"""Written by the engine alone. Without an index on them, deleting a user would look through every table."""


class Comparison:
    """What one entity needs. `stored` is the result; `changes` how to get there.

    Args:
        model: what shall run.
        entity: the entity.
        known: its table now; None when it has none.
        tables: the table of every entity after the plan.
        retired: what may be brought back.
        until: the day until which what is retired now is kept.
        dialect: of the database.
        parts: whether it can index parts of text.
    """

    def __init__(
        self,
        model: Model,
        entity: Entity,
        known: StoredEntity | None,
        tables: Mapping[str, str],
        retired: tuple[Retired, ...],
        until: str,
        dialect: str,
        *,
        parts: bool = False,
    ) -> None:
        self.model, self.entity, self.known = model, entity, known
        self.until, self.dialect = until, dialect
        self._tables = tables
        self.table = tables[entity.key]
        self._candidates = [each for each in retired if each.table == self.table]
        self.revived: list[Retired] = []
        self.retired: list[Retired] = []
        self._columns: dict[str, StoredColumn] = {}
        self._links: dict[str, str] = {}
        self._former: dict[str, tuple[str, ...]] = dict(known.former) if known is not None else {}
        self._made: list[Change] = []
        self._after: list[Change] = []
        self._compare()
        targets = {key: self._link_target(entity.fields[key]) for key in self._links}
        stored = StoredEntity(self.table, self._columns, self._links, targets)
        self._wanted = {
            each.name(dialect): each for each in indexes.wanted(model, entity, stored, dialect, parts=parts)
        }
        marks = SearchText(entity).marks
        former = {key: self._former[key] for key in sorted(self._former) if key == "" or key in entity.fields}
        self.stored = replace(stored, indexes=tuple(sorted(self._wanted)), search=marks, former=former)
        self._compare_search(marks)

    @property
    def changes(self) -> list[Change]:
        """Return the changes, in the order in which they are made."""
        return [*self._made, *self._index_changes(), *self._after]

    # -- fields

    @cached_property
    def _body(self) -> Mapping[str, object]:
        body = self.model.documents.get(f"entity/{self.entity.key}", {})
        fields = body.get("fields")
        return fields if isinstance(fields, Mapping) else {}

    def _former_key(self, field: Field) -> str | None:
        """Return the key that a field had before, when the table still has it under that."""
        body = self._body.get(field.key)
        former = body.get("renamed_from") if isinstance(body, Mapping) else None
        if former is None and field.key == self.entity.parent_field and self.entity.parent:
            # The link of a child row is named after its parent, and so is renamed with it.
            parent = self.model.documents.get(f"entity/{self.entity.parent}", {})
            former = parent.get("renamed_from")
        if former and former not in self.entity.fields and self._has(str(former)):
            return str(former)
        # A rollback takes a name back: no document of the older revision tells of the newer one.
        return next((key for key in self._former if key not in self.entity.fields and self._had(key, field.key)), None)

    def _has(self, key: str) -> bool:
        return self.known is not None and (key in self.known.columns or key in self.known.links)

    def _had(self, key: str, former: str) -> bool:
        return self._has(key) and former in self._former.get(key, ())

    def _compare(self) -> None:
        known = self.known
        if known is None:
            self._create()
            return
        used: set[str] = set()
        for field in self.entity.fields.values():
            kind = self._kind(field)
            if kind is None:
                continue
            key = field.key
            if key not in known.columns and key not in known.links:
                former = self._former_key(field)
                if former is not None:
                    key = former
                    self._remember(field.key, (*self._former.pop(former, ()), former))
                    what = Message("was {old}; its values stay", old=former)
                    self._made.append(self._change("rename_field", field, what))
            used.add(key)
            if kind == "link":
                self._place_link(field, known.columns.get(key), known.links.get(key))
            else:
                self._place_column(field, key)
        for key, column in known.columns.items():
            if key not in used:
                self._retire(key, column=column)
        for key, link in known.links.items():
            if key not in used:
                self._retire(key, link=link)

    def _create(self) -> None:
        for field in self.entity.fields.values():
            kind = self._kind(field)
            if kind == "column":
                self._columns[field.key] = self._column(field, fitted(field.key))
            elif kind == "link":
                self._links[field.key] = fitted(f"{self.table}__{field.key}")
        sql = (ddl.create_table(self.table, self._columns, self.dialect),)
        count = len(self._columns)
        what = Message("new table {table} of {count} columns", table=self.table, count=count)
        self._made.append(
            Change("create_table", self.entity.key, what, sql=sql, entity=self.entity.key, table=self.table)
        )
        for key in self._links:
            self._made.append(self._create_link(self.entity.fields[key]))

    @staticmethod
    def _kind(field: Field) -> str | None:
        """Return where a field's values are: "column", "link", or None for elsewhere or nowhere."""
        if field.type.links == "many":
            return "link"
        return "column" if field.storage is not None and field.stored else None

    def _target_table(self, field: Field) -> str | None:
        if field.type.links != "one" or field.key in NO_FOREIGN_KEY:
            return None
        targets = field.type.targets(field.options)
        target = field.target or (targets[0] if len(targets) == 1 else None)
        return self._tables.get(target) if target else None

    def _column(self, field: Field, name: str) -> StoredColumn:
        storage = field.storage
        assert storage is not None  # noqa: S101 - asked only of fields with a column
        target = self._target_table(field)
        # Any text may be a secret one; whether it lies open is what tells its column from others.
        kind = "secret" if field.secret and storage.kind == "text" else field.type.name
        return StoredColumn(name, storage.kind, storage.scale, target, kind, made_of(self.entity, field))

    def _place_column(self, field: Field, key: str) -> None:
        """Give a field its column; `key` is the one under which the table has it now, if it does."""
        assert self.known is not None  # noqa: S101 - asked only where there is a table
        old, link = self.known.columns.get(key), self.known.links.get(key)
        new = self._column(field, "")
        if new.made_of and (link is not None or (old is not None and not (old.made_of and _fits(old, new)))):
            # What people gave is not overwritten by what is computed: it is retired, and nothing of it is copied.
            self._retire(field.key, column=old, link=link)
            old = link = None
        elif old is not None and old.made_of and self._retired_column(field.key, new) is not None:
            # What people gave before it was computed comes back.
            self._retire(field.key, column=old)
            old = None
        elif old is not None and (old.type == "secret") != (new.type == "secret"):
            # What lies open is not sealed by a change of words, and what is sealed does not open by one.
            self._retire(field.key, column=old)
            old = None
        if old is not None and _fits(old, new):
            self._keep(field, old, new)
            return
        back = self._retired_column(field.key, new)
        if back is not None and back.column is not None:
            new = replace(new, name=back.column.name)
            self._revive(field, back)
        else:
            new = replace(new, name=free(field.key, self._taken()))
        self._columns[field.key] = new
        if old is None and link is None:
            self._add(field, new, back)
            return
        source = _words(old) if old is not None else "links"
        sql = () if back is not None else ddl.add_column(self.table, new, self.dialect)
        what = Message(
            "{old} to {new}: values are copied to column {column}", old=source, new=_words(new), column=new.name
        )
        change = self._change("retype_column", field, what, sql=sql, column=new, source=old, source_link=link or "")
        former = key if key != field.key else ""
        self._made.append(replace(change, restores=back is not None, former=former))
        self._retire(field.key, column=old, link=link, shown=False)

    def _keep(self, field: Field, old: StoredColumn, new: StoredColumn) -> None:
        self._columns[field.key] = replace(new, name=old.name)
        if old.type != new.type:
            what = Message("{old} is read as {new}; values stay as they are", old=old.type, new=new.type)
            self._made.append(self._change("reread_column", field, what, column=self._columns[field.key], source=old))
        elif old.made_of != new.made_of:
            self._fill(field, self._columns[field.key])

    def _add(self, field: Field, column: StoredColumn, back: Retired | None) -> None:
        if back is not None:
            what = Message("column {column} comes back with its values", column=column.name)
            self._made.append(self._change("revive_column", field, what, column=column))
        else:
            kind = declared(column.kind, column.scale, self.dialect).removesuffix(' COLLATE "C"')
            what = Message("add column {type}", type=kind)
            sql = ddl.add_column(self.table, column, self.dialect)
            self._made.append(self._change("add_column", field, what, sql=sql, column=column))
        if column.made_of:
            self._fill(field, column)

    def _fill(self, field: Field, column: StoredColumn) -> None:
        what = Message("computed for every record")
        self._made.append(self._change("fill_column", field, what, column=column))

    # -- links

    def _place_link(self, field: Field, old: StoredColumn | None, link: str | None) -> None:
        if link is not None:
            self._links[field.key] = link
            return
        back = next((each for each in self._candidates if each.kind == "link" and self._held(each, field.key)), None)
        if back is not None and old is None:
            self._revive(field, back)
            self._links[field.key] = back.link
            what = Message("links come back")
            self._made.append(self._change("revive_link", field, what, link=back.link))
            return
        taken = {each.link for each in self._candidates if each.kind == "link"}
        self._links[field.key] = free(f"{self.table}__{field.key}", taken)
        self._made.append(self._create_link(field))
        if old is not None:
            what = Message("{old} to links: values are copied", old=_words(old))
            change = self._change("retype_column", field, what, source=old, link=self._links[field.key])
            self._made.append(change)
            self._retire(field.key, column=old, shown=False)

    def _create_link(self, field: Field) -> Change:
        name = self._links[field.key]
        sql = ddl.create_link_table(name, self.table, self._link_target(field), self.dialect)
        return self._change("create_link", field, Message("new table {table} of links", table=name), sql=sql, link=name)

    def _link_target(self, field: Field) -> str:
        targets = field.type.targets(field.options)
        return self._tables[field.target or targets[0]]

    def foreign_keys(self) -> list[str]:
        """Return what makes the foreign keys of tables made here, once all tables are there."""
        statements: list[str] = []
        for change in self._made:
            if change.kind == "create_table":
                for column in self._columns.values():
                    statements += ddl.foreign_key(self.table, column, self.dialect, fresh=True)
            elif change.kind == "create_link":
                target = self._link_target(self.entity.fields[change.field])
                statements += ddl.link_foreign_keys(change.link, self.table, target, self.dialect)
        return statements

    # -- what was

    def _taken(self) -> set[str]:
        known = self.known.columns.values() if self.known is not None else ()
        names = {column.name for column in (*known, *self._columns.values())}
        names |= {each.column.name for each in self._candidates if each.column is not None}
        return names

    def _retired_column(self, key: str, new: StoredColumn) -> Retired | None:
        """Return the column that the field had last in the kind that it shall have again, with what people gave."""
        if new.made_of:
            return None
        found = [
            each
            for each in self._candidates
            if each.kind == "column" and self._held(each, key) and each.column is not None and _gave(each.column, new)
        ]
        return max(found, key=lambda each: each.since) if found else None

    def _revive(self, field: Field, back: Retired) -> None:
        self.revived.append(back)
        self._remember(field.key, (*back.former, back.field))

    def _remember(self, key: str, former: Iterable[str]) -> None:
        keys = dict.fromkeys((*self._former.get(key, ()), *former))
        keys.pop(key, None)
        if keys:
            self._former[key] = tuple(keys)

    def _held(self, retired: Retired, key: str) -> bool:
        """Say whether something retired has values of a field, under any key that the field had."""
        if retired in self.revived:
            return False
        own = {key, *self._former.get(key, ())}
        return retired.field == key or (
            retired.field not in self.entity.fields and not own.isdisjoint({retired.field, *retired.former})
        )

    def _retire(
        self, key: str, *, column: StoredColumn | None = None, link: str | None = None, shown: bool = True
    ) -> None:
        kind = "column" if column is not None else "link"
        self.retired.append(
            Retired(
                kind="column" if column is not None else "link",
                entity=self.entity.key,
                field=key,
                table=self.table,
                column=column,
                since=self.model.revision,
                until=self.until,
                link=link or "",
                target=self.known.link_targets.get(key, "") if link and self.known is not None else "",
                former=self._former.get(key, ()),
            )
        )
        if shown:
            what = Message("retired, kept until {day}", day=self.until)
            target = f"{self.entity.key}.{key}"
            self._after.append(
                Change(
                    "retire_column" if kind == "column" else "retire_link",
                    target,
                    what,
                    entity=self.entity.key,
                    field=key,
                    table=self.table,
                    column=column,
                    link=link or "",
                    until=self.until,
                )
            )

    # -- search

    def _compare_search(self, marks: tuple[str, ...]) -> None:
        if self.known is None or set(marks) == set(self.known.search):
            return
        fresh = {change.field for change in self._made if change.kind == "add_column"}
        different = {mark.partition(":")[0] for mark in set(marks) ^ set(self.known.search)}
        if different <= fresh:
            return  # Fields without a value yet; records get their words as they are written.
        what = Message("search rows are written anew")
        entity = self.entity.key
        self._after.append(Change("index_search", entity, what, entity=entity, table=self.table))

    # -- indexes

    def _index_changes(self) -> list[Change]:
        before = set(self.known.indexes) if self.known is not None else set()
        changes = [self._add_index(each) for name, each in self._wanted.items() if name not in before]
        for name in sorted(before - set(self._wanted)):
            what = Message("index {name} is not needed any more", name=name)
            target = self.entity.key
            # It is dropped after the switch: until then the running revision still reads by it.
            self._after.append(
                Change("drop_index", target, what, sql=(ddl.drop_index(name),), entity=target, table=self.table)
            )
        return changes

    def _add_index(self, index: indexes.Index) -> Change:
        fields = ", ".join(index.fields)
        target = f"{self.entity.key}.{index.fields[0]}" if len(index.fields) == 1 else self.entity.key
        if index.unique:
            what = Message("{fields} must be unique", fields=fields)
        else:
            what = Message("index on {fields} for {reason}", fields=fields, reason=index.reason)
        guard = _duplicates(index) if index.unique else None
        return Change(
            "add_unique" if index.unique else "add_index",
            target,
            what,
            sql=(TRIGRAMS, index.sql(self.dialect)) if index.contains else (index.sql(self.dialect),),
            guard=guard,
            entity=self.entity.key,
            table=self.table,
            index=index,
        )

    def _change(
        self,
        kind: str,
        field: Field,
        what: Message,
        *,
        sql: tuple[str, ...] = (),
        column: StoredColumn | None = None,
        source: StoredColumn | None = None,
        source_link: str = "",
        link: str = "",
    ) -> Change:
        return Change(
            kind=kind,  # type: ignore[arg-type]
            target=f"{self.entity.key}.{field.key}",
            what=what,
            sql=sql,
            entity=self.entity.key,
            field=field.key,
            table=self.table,
            column=column,
            source=source,
            source_link=source_link,
            link=link,
        )


def _fits(old: StoredColumn, new: StoredColumn) -> bool:
    return (old.kind, old.scale, old.target) == (new.kind, new.scale, new.target)


def _gave(old: StoredColumn, new: StoredColumn) -> bool:
    return _fits(old, new) and not old.made_of


def _words(column: StoredColumn) -> str:
    return column.type or column.kind


def _duplicates(index: indexes.Index) -> str:
    """Return SQL that finds values of a unique rule that stand more than once."""
    columns = ", ".join(f'"{part.column}"' for part in index.parts)
    where = " AND ".join([index.where, *(f'"{part.column}" IS NOT NULL' for part in index.parts)])
    return (
        f'SELECT {columns}, count(*), min(CAST("id" AS TEXT)) FROM "{index.table}" WHERE {where}'
        f" GROUP BY {columns} HAVING count(*) > 1"
    )


__all__ = ["NO_FOREIGN_KEY", "SYSTEM_NOT_NULL", "Comparison"]
