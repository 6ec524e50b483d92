"""What a plan consists of: changes, each with its risk, its SQL and what it would lose."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from engine.errors import Problem
from engine.i18n import Message
from engine.metadata.model import Field, Model
from engine.storage.indexes import Index
from engine.storage.storage_map import StorageMap, StoredColumn

Kind = Literal[
    "create_table",
    "create_link",
    "add_column",
    "retype_column",
    "reread_column",
    "fill_column",
    "rename_field",
    "rename_entity",
    "revive_column",
    "revive_link",
    "revive_table",
    "add_index",
    "add_unique",
    "drop_index",
    "retire_column",
    "retire_link",
    "retire_table",
    "index_search",
]
Risk = Literal["safe", "slow", "lossy", "refused"]


@dataclass(frozen=True, slots=True)
class Sample:
    """A row that stands in the way: its id, and its value as people read it."""

    id: str
    value: str


@dataclass(frozen=True, slots=True)
class Change:
    """One physical change."""

    kind: Kind
    target: str
    """`lead.amount`, or `lead`; what `accept` names."""
    what: Message
    """What happens, in a few words."""
    risk: Risk = "safe"
    sql: tuple[str, ...] = ()
    """Statements for this database that come before the switch; copying rows is not among them."""
    guard: str | None = None
    """SQL that must return no row."""
    rows: int | None = None
    """Rows copied, kept or indexed; None when nobody counted."""
    losses: int = 0
    """Values that would be lost, which somebody must accept."""
    samples: tuple[Sample, ...] = ()
    entity: str = ""
    field: str = ""
    table: str = ""
    column: StoredColumn | None = None
    """The column that is made, filled or retired."""
    source: StoredColumn | None = None
    """Of a retype: the column that values come from; None when they come from a link table."""
    source_link: str = ""
    """Of a retype: the link table that values come from."""
    link: str = ""
    """The link table that is made, filled or retired."""
    restores: bool = False
    """Of a retype: an earlier one retired this column, which still has the values of rows not changed since."""
    former: str = ""
    """Of a retype: the key that the field has in the revision that runs, when that is another."""
    until: str = ""
    """Of what is retired: the day from which it may be purged."""
    index: Index | None = None
    accepted: bool = False

    def field_before(self, previous: Model | None) -> Field | None:
        """Return the field of a retype as the running Model has it; None when that is not known."""
        entity = previous.entities.get(self.entity) if previous is not None else None
        return entity.fields.get(self.former or self.field) if entity is not None else None

    @property
    def copies(self) -> bool:
        """Whether rows are copied before the switch, while others write."""
        return self.kind in {"retype_column", "fill_column"}


@dataclass(frozen=True, slots=True)
class DocumentChange:
    """One document of the site, or one pack, that differs from the running revision."""

    name: str
    """`entity/lead`, or `pack crm`."""
    action: Literal["added", "changed", "removed"]


@dataclass(frozen=True, slots=True)
class Plan:
    """All that publishing would change."""

    base_revision: int
    checksum: str
    """Of the Model that was planned."""
    changes: tuple[Change, ...]
    storage: StorageMap
    """The storage map after it."""
    documents: tuple[DocumentChange, ...] = ()
    problems: tuple[Problem, ...] = ()
    """What stands in the way, whatever is accepted: drift, duplicates under a new unique rule."""
    warnings: tuple[Problem, ...] = ()

    @property
    def empty(self) -> bool:
        """Whether publishing would change nothing at all."""
        return not (self.changes or self.documents)

    @property
    def losses(self) -> Mapping[str, int]:
        """Return what somebody must accept: `lead.amount` -> values lost."""
        return {change.target: change.losses for change in self.changes if change.losses and not change.accepted}
