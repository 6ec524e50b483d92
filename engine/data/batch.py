"""What is on its way into the database: a batch of drafts of one entity, and what callers get back.

A `Batch` is what every step of a write works on and what plugins see in their hooks. It never hands out a connection.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from engine.data.marks import MARK
from engine.errors import FieldProblem, GuanxiError, RecordInvalid
from engine.i18n import Message
from engine.metadata.model import Entity, Model

if TYPE_CHECKING:
    from engine.data.principal import Principal

Verb = Literal["create", "update", "delete", "restore", "purge", "transition"]
Outcome = Literal["created", "updated", "unchanged", "deleted", "restored", "purged"]

SEALED = MARK
"""What stands for a secret value wherever a value is shown, compared or kept in history."""


@dataclass(frozen=True, slots=True)
class Change:
    """What somebody wants changed in one record.

    `version` is the version that they had read; None changes the record whatever its version.
    """

    id: str
    values: Mapping[str, Any]
    version: int | None = None


@dataclass(frozen=True, slots=True)
class Written:
    """One record as it stands after a call.

    `values` holds Python values by field key, child rows as a tuple of mappings; fields that the caller may not see
    are left out. `changed` has the fields whose stored value differs from before, computed ones included.
    """

    id: str
    version: int
    values: Mapping[str, Any]
    changed: frozenset[str]
    action: Outcome
    warnings: tuple[FieldProblem, ...] = ()
    settled: bool = field(default=False, compare=False)
    """Whether nothing else of the same transaction can have changed the record since."""


@dataclass(frozen=True, slots=True)
class BulkResult:
    """What `update_where` did: `path` is "set" for two statements over all rows, "rows" for one row after the other.

    `why` says what kept it from the fast path, or nothing. With `explain=True` nothing was written and `count` is 0.
    """

    path: Literal["set", "rows"]
    count: int
    why: tuple[Message, ...] = ()
    change_set: str | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one operation of a bulk call: a record, a number of records, or the error that kept it out."""

    written: Written | None = None
    error: GuanxiError | None = None
    count: int = 1
    """How many records an operation on several ids has changed; then `written` is None."""

    @property
    def ok(self) -> bool:
        """Say whether the operation went through."""
        return self.error is None


@dataclass(slots=True, eq=False)
class Draft:
    """One record of a batch, before, while and after it is written."""

    id: str
    row: int
    """Its place in the caller's list, from 0."""
    given: Mapping[str, Any]
    """Raw values as the caller gave them."""
    new: dict[str, Any]
    """Every column's Python value after the write, in the order of the columns."""
    old: Mapping[str, Any] | None = None
    """Every column's Python value before the write; None for a record that is made now."""
    version: int = 0
    """The stored version, 0 for none; it counts on when the row is written."""
    old_version: int = 0
    base: int | None = None
    """The version that the caller had read."""
    changed: set[str] = field(default_factory=set)
    """Fields whose value differs from before; child tables and links included."""
    links: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Targets of the `lookups` fields that were given."""
    old_links: dict[str, tuple[str, ...]] = field(default_factory=dict)
    children: dict[str, list[Mapping[str, Any]]] = field(default_factory=dict)
    """Raw child rows of the table fields that were given."""
    written_children: dict[str, tuple[Mapping[str, Any], ...]] = field(default_factory=dict)
    child_ids: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = field(default_factory=dict)
    """Ids of child rows before and after, per table field that changed."""
    secrets: dict[str, str | None] = field(default_factory=dict)
    """Plain text of secret fields that were given; `new` holds SEALED for them."""
    sealed: dict[str, str] = field(default_factory=dict)
    """Stored cipher text of the secret fields."""
    prefix: str = ""
    """What paths of problems begin with: "items/0/" for a child row."""
    alike: tuple[object, frozenset[int]] | None = None
    """Keys by which records that look alike find it, behind what they were made of."""
    unsaved: set[str] = field(default_factory=set)
    """Computed columns whose value in `new` is not the one that stands in the row yet."""
    bad: set[str] = field(default_factory=set)
    """Fields with a problem."""
    failed: bool = False
    touch: bool = False
    """Whether it gets a new version although none of its own columns changed: its child rows did."""

    @property
    def writes(self) -> bool:
        """Say whether anything is to be written."""
        return self.old is None or self.touch or bool(self.changed)


class Batch:
    """Records of one entity that one call writes together.

    Hooks see `entity`, `action`, `actor`, `rows` and `old`, change values by `set` and refuse rows by `reject`; the
    rest is for the steps of the write path.
    """

    __slots__ = (
        "_by_id",
        "action",
        "actor",
        "change_set",
        "collect",
        "computed",
        "depth",
        "drafts",
        "errors",
        "kind",
        "model",
        "problems",
        "put",
        "recorded",
        "strict",
        "transition",
        "trusted",
        "via",
        "warnings",
    )

    def __init__(
        self,
        model: Model,
        kind: Entity,
        action: Verb,
        actor: Principal,
        drafts: list[Draft],
        *,
        via: str = "",
        change_set: str = "",
        depth: int = 0,
    ) -> None:
        self.model = model
        self.kind = kind
        """The entity as the Model has it."""
        self.action: Verb = action
        self.actor = actor
        self.drafts = drafts
        self.via = via
        self.change_set = change_set
        self.depth = depth
        self.problems: list[FieldProblem] = []
        self.warnings: list[FieldProblem] = []
        self.errors: dict[int, GuanxiError] = {}
        """Row -> the error that kept it out, where it is another one than a list of problems."""
        self.recorded = False
        """True: history and words were written together with the rows."""
        self.collect = False
        """True: rows with problems are left out, and the others are written."""
        self.computed = False
        """True for what the engine works out by itself: nobody's rights are asked, nothing is parsed."""
        self.trusted = False
        """True when an older state is put back: rules about how a record may move do not hold."""
        self.strict = False
        """True: a record that is no longer at the version that was read is not changed at all."""
        self.transition: str | None = None
        """The transition that was asked for by name."""
        self.put: Callable[[Draft, str, Any], None] | None = None
        """What `set` does; there while `before_save` runs."""
        self._by_id: dict[str, Draft] | None = None

    def __len__(self) -> int:
        return len(self.drafts)

    @property
    def entity(self) -> str:
        """Return the key of the entity."""
        return self.kind.key

    @property
    def ids(self) -> list[str]:
        """Return the ids of the rows in their order."""
        return [draft.id for draft in self.drafts]

    @property
    def rows(self) -> Sequence[Mapping[str, Any]]:
        """Return all values of each record as they are, or are about to be, stored; secrets as a mark."""
        return [{**draft.new, **draft.links} if draft.links else draft.new for draft in self.drafts]

    @property
    def old(self) -> Sequence[Mapping[str, Any] | None]:
        """Return what was stored before, in the order of `rows`; None for a record that is made now."""
        return [
            draft.old if draft.old is None or not draft.old_links else {**draft.old, **draft.old_links}
            for draft in self.drafts
        ]

    @property
    def changed(self) -> Sequence[frozenset[str]]:
        """Return the keys of the fields that this write changes, in the order of `rows`."""
        return [frozenset(draft.changed) for draft in self.drafts]

    def draft(self, id_: str) -> Draft:
        """Return the draft of a record of this batch.

        Raises:
            KeyError: it is not in here.
        """
        if self._by_id is None or len(self._by_id) != len(self.drafts):
            self._by_id = {draft.id: draft for draft in self.drafts}
        return self._by_id[id_]

    def set(self, id: str, field: str, value: Any) -> None:  # noqa: A002 - the name of the system field
        """Give a field of a record another value; only in `before_save`. The value is raw, as a form would give it.

        Raises:
            RuntimeError: the batch is not in `before_save`.
            KeyError: the batch has no such record, or the entity no such field that can be given a value.
            BadValue: the field takes no such value.
        """
        if self.put is None:
            raise RuntimeError("values can be set in before_save only")
        self.put(self.draft(id), field, value)

    def reject(self, id: str, field: str, message: Message | str) -> None:  # noqa: A002 - as above
        """Refuse a record, with a message beside a field, or "" for the record as a whole."""
        words = message if isinstance(message, Message) else Message("{text}", text=message)
        self.refuse(self.draft(id), field, words, "refused")

    def refuse(self, draft: Draft, path: str, message: Message, code: str = "invalid") -> None:
        """Note what is wrong with a row."""
        draft.failed = True
        draft.bad.add(path)
        self.problems.append(_problem(draft, path, message, code))

    def fail(self, draft: Draft, error: GuanxiError) -> None:
        """Keep a row out by another error than a list of problems."""
        draft.failed = True
        self.errors[draft.row] = error

    def warn(self, draft: Draft, path: str, message: Message, code: str) -> None:
        """Note what the person should look at; the row is written all the same."""
        self.warnings.append(_problem(draft, path, message, code))

    def drop_failed(self) -> None:
        """Leave out the rows with problems, or refuse the batch when rows stand or fall together.

        Raises:
            RecordInvalid: there are problems, all of which it has.
        """
        if not any(draft.failed for draft in self.drafts):
            return
        if not self.collect:
            raise RecordInvalid(self.problems)
        self.drafts = [draft for draft in self.drafts if not draft.failed]
        self._by_id = None


def _problem(draft: Draft, path: str, message: Message, code: str) -> FieldProblem:
    whole = draft.prefix + path if path else draft.prefix.removesuffix("/")
    return FieldProblem(whole, message, code, draft.row)


def by_row(problems: Iterable[FieldProblem]) -> Mapping[int, tuple[FieldProblem, ...]]:
    """Return problems by the place of their row."""
    found: dict[int, list[FieldProblem]] = {}
    for problem in problems:
        found.setdefault(problem.row, []).append(problem)
    return {row: tuple(each) for row, each in found.items()}


def changes_of(rows: Sequence[Mapping[str, Any] | Change]) -> list[Change]:
    """Return changes; a mapping names its record by `id` and may give the `version` that was read."""
    changes = []
    for row in rows:
        if isinstance(row, Change):
            changes.append(row)
            continue
        values = dict(row)
        changes.append(Change(str(values.pop("id", "")), values, values.pop("version", None)))
    return changes
