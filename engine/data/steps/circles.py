"""Trees: a link from a record to the one that it stands below never leads round in a circle, whoever writes it.

A tree is a link of an entity to itself that is called `parent`, or that a view draws its tree by. Other links to the
same entity, such as "married to", may well lead round.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from engine.data.batch import Batch, Change, Draft
from engine.data.shape import Shape
from engine.data.steps.unique import readable_titles
from engine.data.unit import Unit
from engine.i18n import Message
from engine.metadata.model import Entity, Model

_LOCK = 44
"""Advisory lock of PostgreSQL, with the entity's own number: who moves branches of one tree does so one after the
other, for two moves that are fine by themselves may make a circle together."""


def tree_links(model: Model, entity: Entity) -> frozenset[str]:
    """Return the links by which records of an entity stand below one another."""
    return _trees(model).get(entity.key, frozenset())


def _trees(model: Model) -> Mapping[str, frozenset[str]]:
    def make() -> Mapping[str, frozenset[str]]:
        drawn = {(view.entity, str(view.tree["parent"])) for view in model.views.values() if view.tree}
        return {
            entity.key: frozenset(
                each.key
                for each in entity.fields.values()
                if each.target == entity.key
                and each.type.links == "one"
                and each.storage is not None
                and (each.key == "parent" or (entity.key, each.key) in drawn)
            )
            for entity in model.entities.values()
        }

    found: Mapping[str, frozenset[str]] = model.derive("trees", make)
    return found


def take_turns(unit: Unit, shape: Shape, changes: Sequence[Change]) -> None:
    """Wait, before any record is locked, until nobody else moves branches of the trees that are about to change."""
    links = tree_links(unit.published.model, shape.entity)
    if any(each.values.get(key) for each in changes for key in links):
        _lock(unit, shape)


def _lock(unit: Unit, shape: Shape) -> None:
    if unit.phrases.kind == "postgresql":
        unit.run("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", (_LOCK, shape.entity.key))


def check_circles(unit: Unit, shape: Shape, batch: Batch) -> None:
    """Refuse records that would stand below themselves, by what is stored and by what else the batch changes.

    Nothing links to a record that is only being made, so those need no look.
    """
    for key in tree_links(unit.published.model, shape.entity):
        due = [each for each in batch.drafts if each.old is not None and key in each.changed and not each.failed]
        moved = {draft.id: draft.new.get(key) for draft in due}
        if not any(moved.values()):
            continue
        above = {**_above(unit, shape, key, [each for each in moved.values() if each is not None]), **moved}
        circling = [draft for draft in due if _comes_back(draft.id, above)]
        titles = readable_titles(unit, shape, [str(moved[draft.id]) for draft in circling]) if circling else {}
        for draft in circling:
            _refuse(batch, draft, shape, key, titles.get(str(moved[draft.id]), ""))


def _above(unit: Unit, shape: Shape, key: str, ids: list[str]) -> dict[str, str | None]:
    """Return what records stand below: each of `ids`, and all that are above them."""
    phrases = unit.phrases
    _lock(unit, shape)  # A hook may have moved a branch that the call itself does not.
    id_, link = shape.by_key["id"].name, shape.by_key[key].name
    # UNION, not UNION ALL: a circle that stands there already ends by itself.
    text = (
        f"WITH RECURSIVE line(id, above) AS (SELECT {id_}, {link} FROM {shape.table} WHERE {phrases.is_in(id_)}"  # noqa: S608 - names of the Model
        f" UNION SELECT each.{id_}, each.{link} FROM line JOIN {shape.table} AS each ON each.{id_} = line.above)"
        " SELECT id, above FROM line"
    )
    return {str(row[0]): None if row[1] is None else str(row[1]) for row in unit.run(text, [unit.ids(ids)]).fetchall()}


def _comes_back(start: str, above: Mapping[str, str | None]) -> bool:
    seen: set[str] = set()
    at = above.get(start)
    while at is not None and at not in seen:
        if at == start:
            return True
        seen.add(at)
        at = above.get(at)
    return False


def _refuse(batch: Batch, draft: Draft, shape: Shape, key: str, title: str) -> None:
    label = shape.entity.fields[key].label
    if draft.new.get(key) == draft.id:
        message = Message("{label}: a record cannot stand below itself", label=label)
    elif title:
        message = Message("{label}: “{title}” stands below this record itself", label=label, title=title)
    else:
        message = Message("{label}: that one stands below this record itself", label=label)
    batch.refuse(draft, key, message, "circle")
