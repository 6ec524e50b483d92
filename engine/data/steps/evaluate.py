"""Expressions over the drafts of a batch: what they read beyond the record is fetched for all of them at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from engine.data.batch import Batch, Draft
from engine.data.linked import linked_values
from engine.data.probes import evaluated
from engine.data.shape import Condition, Shape
from engine.data.unit import Unit
from engine.expression import FieldInfo, Type
from engine.metadata.model import Field


class Evaluation:
    """Evaluates conditions over drafts of one batch, remembering what it fetched of linked records."""

    __slots__ = ("_far", "_parents", "batch", "shape", "unit")

    def __init__(self, unit: Unit, shape: Shape, batch: Batch, parents: Mapping[str, Draft] | None = None) -> None:
        self.unit = unit
        self.shape = shape
        self.batch = batch
        self._parents = parents or {}
        """Drafts of the parents of child rows, by their id: what is being written counts, not what is stored."""
        self._far: dict[tuple[str, ...], dict[str, Any]] = {}
        """Path -> id of the record that its first link leads to -> value."""

    def values(
        self, condition: Condition, drafts: Sequence[Draft], field: Field | None = None
    ) -> Iterator[tuple[Draft, Any]]:
        """Yield the value of an expression for each draft; `field` is the formula that it is, None for a condition.

        An expression over related rows is answered by the database, from what is stored when it is asked.
        """
        if not drafts:
            return
        evaluate = condition.evaluate
        if evaluate is None:
            yield from self._by_database(condition, drafts, field)
            return
        env = self.unit.env
        if not condition.far and not condition.olds:
            linked = bool(self.shape.links_read)
            for draft in drafts:
                yield draft, evaluate({**draft.new, **draft.old_links, **draft.links} if linked else draft.new, env)
            return
        self._fetch(condition.far, drafts)
        for draft in drafts:
            row = {**draft.new, **draft.old_links, **draft.links}
            for path in condition.far:
                row[".".join(path)] = self._far[path].get(row.get(path[0]) or "")
            yield draft, evaluate(row, self._with_old(condition, draft, env))

    def true(self, condition: Condition, drafts: Sequence[Draft]) -> list[Draft]:
        """Return the drafts for which a condition holds."""
        return [draft for draft, value in self.values(condition, drafts) if value]

    def before(self, condition: Condition, drafts: Sequence[Draft]) -> Iterator[tuple[Draft, Any]]:
        """Yield the value that an expression had for each draft before the write."""
        if condition.evaluate is None:
            yield from self._by_database(condition, drafts, None)
            return
        for draft in drafts:
            row = {**(draft.old or {}), **draft.old_links}
            for path in condition.far:
                link, target = row.get(path[0]), self.shape.entity.fields[path[0]].target
                if link is not None and target is not None:
                    row[".".join(path)] = linked_values(self.unit, target, path[1:], [link]).get(link)
            yield draft, condition.evaluate(row, self._with_old(condition, draft, self.unit.env))

    def _with_old(self, condition: Condition, draft: Draft, env: Mapping[str, Any]) -> Mapping[str, Any]:
        if not condition.olds:
            return env
        old = draft.old or {}
        return {**env, **{f"old.{key}": old.get(key, draft.old_links.get(key)) for key in condition.olds}}

    def _fetch(self, paths: Iterable[tuple[str, ...]], drafts: Sequence[Draft]) -> None:
        """Fetch what paths along links lead to, for all records at once."""
        by_link: dict[str, list[tuple[str, ...]]] = {}
        for path in paths:
            by_link.setdefault(path[0], []).append(path)
        for link, group in by_link.items():
            target = self.shape.entity.fields[link].target
            if target is None:
                for path in group:
                    self._far.setdefault(path, {})
                continue
            ids = {value for draft in drafts if (value := draft.new.get(link)) is not None}
            for path in group:
                known = self._far.setdefault(path, {})
                wanted = ids - known.keys()
                if link == self.shape.entity.parent_field:
                    for each in wanted & self._parents.keys():
                        known[each] = self._from_parent(target, self._parents[each], path[1:])
                    wanted -= self._parents.keys()
                if wanted:
                    found = linked_values(self.unit, target, path[1:], wanted)
                    known.update({each: found.get(each) for each in wanted})

    def _from_parent(self, entity: str, parent: Draft, path: tuple[str, ...]) -> Any:
        value = parent.new.get(path[0])
        if len(path) == 1 or value is None:
            return value
        target = self.shape.model.entity(entity).fields[path[0]].target
        return linked_values(self.unit, target, path[1:], [value]).get(value) if target is not None else None

    def _by_database(
        self, condition: Condition, drafts: Sequence[Draft], field: Field | None
    ) -> Iterator[tuple[Draft, Any]]:
        unit, shape = self.unit, self.shape
        params = {f"old.{key}": shape.scope.field(key) or FieldInfo(Type.TEXT) for key in condition.olds}
        # Without old values all rows are one question; with them each row is asked with its own.
        groups = [[draft] for draft in drafts] if params else [list(drafts)]
        for group in groups:
            env = self._with_old(condition, group[0], {})
            found = evaluated(
                unit, shape, condition.expr, [draft.id for draft in group], env=env, params=params, field=field
            )
            for draft in group:
                yield draft, found.get(draft.id)
