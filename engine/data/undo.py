"""Undo: a change set is taken back, except for what somebody has edited since.

What the set created goes into the recycle bin, what it deleted comes out of it, what it changed gets its old values
back, field by field. The undo is a change set itself, so it can be taken back in turn.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from engine.data import pipeline, restoring, trash
from engine.data.answers import answers
from engine.data.batch import SEALED, Change
from engine.data.history import loaded
from engine.data.probes import reached
from engine.data.sets import ChangeSet, write_set
from engine.data.shape import Shape
from engine.data.steps.unique import readable_titles
from engine.data.unit import CHUNK, Unit
from engine.errors import GuanxiError, NotFound, RecordInvalid
from engine.i18n import Message
from engine.ids import is_id

_TAKEN_BACK_APART: Mapping[str, Callable[[str], Message]] = {
    "handover": lambda name: Message(
        "This is the hand-over of {name}: take it back on their page, or with `guanxi user handover --undo`, so that"
        " what was shared with them comes back too",
        name=name,
    ),
}
"""Kinds of sets that did more than write records, and where each is taken back."""

ALSO: dict[str, Callable[[Unit, str], Collection[str]]] = {}
"""Kinds of sets of which more is taken back than records: (unit, set) -> records whose unique values go back first.

They were written with more than their maker's own rights over rows, so they are taken back with as much.
"""


@dataclass(frozen=True, slots=True)
class Kept:
    """A record, or some fields of it, that an undo left as they are."""

    entity: str
    id: str
    title: str
    why: Message
    fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class UndoReport:
    """What an undo did: the set that it is, how many records it took back, and what it kept."""

    change_set: str
    trashed: int
    reverted: int
    restored: int
    kept: tuple[Kept, ...]

    @property
    def undone(self) -> int:
        """Return how many records were taken back."""
        return self.trashed + self.reverted + self.restored


@dataclass(slots=True)
class _Touched:
    """What the set did to one record."""

    entity: str
    id: str
    first: str
    """The first action."""
    last: str
    version: int
    """The last version that the set made."""
    before: dict[str, Any] = field(default_factory=dict)
    """Field -> JSON value before the set."""


class Undo:
    """One undo at work; `of` names the kind of the set when what did more than write records takes it back itself."""

    def __init__(self, unit: Unit, change_set: str, *, of: str = "") -> None:
        self.unit = unit
        self.id = change_set
        self._of = of
        self.kept: list[Kept] = []
        self._unknown = False
        """Whether the set has no row."""
        self.done: dict[str, set[tuple[str, str]]] = {"trashed": set(), "reverted": set(), "restored": set()}

    def carry_out(self) -> UndoReport:
        """Take the set back and return what became of it.

        Raises:
            NotFound: there is no such set, or it is somebody else's and the principal is no administrator.
            GuanxiError: it was taken back before, or it is taken back elsewhere.
        """
        kind = self._claim()
        touched = self._touched()
        self._mark_edited(touched)
        asker = self.unit
        if kind in ALSO:
            first = ALSO[kind](asker, self.id)
            self.unit = asker.joined(replace(asker.principal, system=True, scopes=None), None, None)
            self._give_back_unique([each for each in touched if each.id in first])
        self._restore([each for each in touched if each.last == "delete" and each.first != "create"])
        self._revert([each for each in touched if each.before and each.first not in {"create", "purge"}])
        self._trash([each for each in touched if each.first == "restore" and each.last != "delete"])
        self._trash([each for each in touched if each.first == "create" and each.last != "delete"])
        for each in touched:
            if each.last == "purge":
                self._keep([each], Message("It was deleted for good"))
        self.unit = asker
        self._mark_undone()
        done = sum(len(each) for each in self.done.values())
        self.unit.note("undo", number=done, details={"change_set": self.id, "kept": len(self.kept)})
        return UndoReport(
            self.unit.change_set.id,
            len(self.done["trashed"]),
            len(self.done["reverted"] - self.done["restored"]),
            len(self.done["restored"]),
            tuple(self._titled()),
        )

    # --- what happened ----------------------------------------------------------------------------------------------

    def _claim(self) -> str:
        """Lock the set and return its kind."""
        unit, mark = self.unit, self.unit.phrases.mark
        if not is_id(self.id):
            raise NotFound(Message("There is no change set {id}", id=self.id))
        lock = " FOR UPDATE" if unit.phrases.kind == "postgresql" else ""
        row = unit.run(
            f"SELECT actor_id, undone_by, kind, title FROM change_set WHERE id = {mark}{lock}",  # noqa: S608 - constants
            (self.id,),
        ).fetchone()
        if row is None:
            # A call that wrote one record has no row of its own.
            text = f"SELECT actor_id, NULL, '', '' FROM record_change WHERE change_set_id = {mark} ORDER BY seq LIMIT 1"  # noqa: S608
            row = unit.run(text, (self.id,)).fetchone()
            self._unknown = True
        mine = row is not None and row[0] is not None and row[0] == unit.principal.id
        if row is None or not (mine or unit.access.has("admin")):
            raise NotFound(Message("There is no change set {id}", id=self.id))
        if row[1] is not None:
            raise GuanxiError(Message("This was taken back before"))
        if row[2] in _TAKEN_BACK_APART and row[2] != self._of:
            raise GuanxiError(_TAKEN_BACK_APART[row[2]](row[3] or self.id))
        return str(row[2])

    def _mark_undone(self) -> None:
        unit, mark = self.unit, self.unit.phrases.mark
        if self._unknown:
            known = ChangeSet(self.id, "call", counts={"records": 1})
            write_set(unit.run, unit.phrases, known, entity=None, actor=unit.principal.id, via=unit.via, at=unit.now)
        unit.run(
            f"UPDATE change_set SET undone_by = {mark} WHERE id = {mark}",  # noqa: S608 - constants
            (unit.change_set.id, self.id),
        )

    def _touched(self) -> list[_Touched]:
        """Return what the set did to each record, the newest first: what links stands before what it links to."""
        unit, mark = self.unit, self.unit.phrases.mark
        rows = unit.run(
            "SELECT entity, record_id, version, action, CASE WHEN action = 'create' THEN NULL ELSE changes END "  # noqa: S608
            f"FROM record_change WHERE change_set_id = {mark} ORDER BY seq",
            (self.id,),
        ).fetchall()
        found: dict[tuple[str, str], _Touched] = {}
        for entity, id_, version, action, changes in rows:
            if entity not in unit.published.model.entities:
                continue
            known = found.setdefault((entity, id_), _Touched(entity, id_, action, action, version))
            known.last, known.version = action, version
            for key, (old, _) in (loaded(changes) if changes is not None else {}).items():
                known.before.setdefault(key, old)
        return list(reversed(found.values()))

    def _mark_edited(self, touched: Sequence[_Touched]) -> None:
        """Take out of the list what somebody has edited since, and keep it."""
        unit = self.unit
        later: dict[tuple[str, str], dict[str, None]] = {}
        for entity, members in _by_entity(touched):
            versions = {each.id: each.version for each in members}
            fields = unit.published.model.entity(entity).fields
            for start in range(0, len(members), CHUNK):
                ids = [each.id for each in members[start : start + CHUNK]]
                text = (
                    f"SELECT record_id, version, action, changes FROM record_change WHERE entity = {unit.phrases.mark} "  # noqa: S608
                    f"AND {unit.phrases.is_in('record_id')}"
                )
                for id_, version, action, changes in unit.run(text, (entity, unit.ids(ids))).fetchall():
                    if version <= versions[id_] or action in {"delete", "restore", "purge"}:
                        continue
                    for key in loaded(changes):
                        if key in fields and not (fields[key].type.computed or fields[key].type.links == "children"):
                            later.setdefault((entity, id_), {})[key] = None
        for each in touched:
            edited = later.get((each.entity, each.id))
            if not edited:
                continue
            why = Message("It was edited since")
            if each.first in {"create", "restore"}:
                each.first = each.last = "edited"
                self._keep([each], why, tuple(edited))
                continue
            lost = tuple(key for key in edited if key in each.before)
            for key in lost:
                del each.before[key]
            if lost:
                self._keep([each], why, lost)

    # --- what is done -----------------------------------------------------------------------------------------------

    def _restore(self, touched: Sequence[_Touched]) -> None:
        for shape, ids in self._chunks(touched):
            due = self._in_state(shape, ids, trashed=True)
            batch = restoring.restore(self.unit, shape, due, 0)
            self._note(shape, due, answers(self.unit, shape, batch), "restored")
            self.done["restored"].update((shape.entity.key, id_) for id_ in ids if id_ not in due)

    def _trash(self, touched: Sequence[_Touched]) -> None:
        for shape, ids in self._chunks(touched):
            due = self._in_state(shape, ids, trashed=False)
            batch = trash.delete(self.unit, shape, due, 0)
            self._note(shape, due, answers(self.unit, shape, batch), "trashed")
            # What is gone already went along with its parent, or somebody has deleted it since.
            self.done["trashed"].update((shape.entity.key, id_) for id_ in ids if id_ not in due)

    def _revert(self, touched: Sequence[_Touched]) -> None:
        by_id = {(each.entity, each.id): each for each in touched}
        for shape, ids in self._chunks(touched):
            changes = []
            for id_ in self._in_state(shape, ids, trashed=False):
                values = self._old_values(shape, by_id[shape.entity.key, id_])
                if values:
                    changes.append(Change(id_, values))
            batch = pipeline.update(self.unit, shape, changes, 0, trusted=True)
            self._note(shape, [change.id for change in changes], answers(self.unit, shape, batch), "reverted")

    def _give_back_unique(self, touched: Sequence[_Touched]) -> None:
        """Let records give up unique values that others, which come back, had before."""
        for each in touched:
            shape = self.unit.shape(each.entity)
            keys = {column.key for rule in shape.unique for column in rule.columns}
            due = replace(each, before={key: each.before[key] for key in keys & each.before.keys()})
            if due.before:
                self._revert([due])
                self.done["reverted"].discard((each.entity, each.id))

    def _old_values(self, shape: Shape, each: _Touched) -> dict[str, Any]:
        values: dict[str, Any] = {}
        sealed = []
        for key, old in each.before.items():
            field_ = shape.entity.fields.get(key)
            if field_ is None or field_.type.computed or field_.type.links == "children" or not field_.writable:
                continue
            if old == SEALED and key in shape.sealed:
                sealed.append(key)
                continue
            values[key] = [] if old is None and field_.type.links == "many" else old
        if sealed:
            self._keep([each], Message("History does not know secret values"), tuple(sealed))
        return values

    def _chunks(self, touched: Sequence[_Touched]) -> Iterator[tuple[Shape, list[str]]]:
        """Yield records some hundred at a time, neighbours of one entity together, in the given order."""
        members: list[str] = []
        entity = ""
        for each in touched:
            if members and (each.entity != entity or len(members) == CHUNK):
                yield self.unit.shape(entity), members
                members = []
            entity = each.entity
            members.append(each.id)
        if members:
            yield self.unit.shape(entity), members

    def _in_state(self, shape: Shape, ids: Sequence[str], *, trashed: bool) -> list[str]:
        """Return those of the records that are, or are not, in the recycle bin."""
        phrases = self.unit.phrases
        identity, deleted = shape.by_key["id"].name, shape.by_key["deleted_at"].name
        text = (
            f"SELECT {identity} FROM {shape.table} WHERE {phrases.is_in(identity)} "  # noqa: S608 - names of the Model
            f"AND {deleted} IS {'NOT ' if trashed else ''}NULL"
        )
        found = {row[0] for row in self.unit.run(text, [self.unit.ids(ids)]).fetchall()}
        return [id_ for id_ in ids if id_ in found]

    # --- what is told -----------------------------------------------------------------------------------------------

    def _note(self, shape: Shape, ids: Sequence[str], found: Mapping[int, Any], outcome: str) -> None:
        for row, each in found.items():
            if isinstance(each, GuanxiError):
                why = each.problems[0].message if isinstance(each, RecordInvalid) and each.problems else each.message
                self.kept.append(Kept(shape.entity.key, ids[row], "", why))
            else:
                self.done[outcome].add((shape.entity.key, each.id))

    def _keep(self, touched: Iterable[_Touched], why: Message, fields: tuple[str, ...] = ()) -> None:
        self.kept += [Kept(each.entity, each.id, "", why, fields) for each in touched]

    def _titled(self) -> Iterator[Kept]:
        """Yield what was kept with its title, where the principal may read it."""
        titles: dict[tuple[str, str], str] = {}
        for entity in dict.fromkeys(each.entity for each in self.kept):
            shape = self.unit.shape(entity)
            ids = [each.id for each in self.kept if each.entity == entity]
            known = reached(self.unit, entity, "read", ids)
            for id_, title in readable_titles(self.unit, shape, sorted(known)).items():
                titles[entity, id_] = title
        for each in self.kept:
            yield Kept(each.entity, each.id, titles.get((each.entity, each.id), each.id), each.why, each.fields)


def _by_entity(touched: Sequence[_Touched]) -> Iterator[tuple[str, list[_Touched]]]:
    groups: dict[str, list[_Touched]] = {}
    for each in touched:
        groups.setdefault(each.entity, []).append(each)
    yield from groups.items()
