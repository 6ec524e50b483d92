"""The `Model`: what all documents of one revision say together, checked, resolved and immutable.

Everything that runs (tables, queries, rules, screens) is derived from here and never asks a document.
`build.py` makes it. A Model is never changed and never cleared: a new revision is a new Model.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal, TypeVar

from engine.errors import NotFound, Problem
from engine.expression import Expr, FieldInfo, Type
from engine.fields import FieldType, StorageType
from engine.i18n import Message, Text

_T = TypeVar("_T")


class _Empty(Mapping[str, Any]):
    """The map with nothing in it: unlike a read-only view of a dict it may be the default of a dataclass."""

    __slots__ = ()

    def __getitem__(self, key: str) -> Any:
        raise KeyError(key)

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0

    def __hash__(self) -> int:
        return 0


EMPTY: Mapping[str, Any] = _Empty()


@dataclass(frozen=True, slots=True)
class Option:
    """One choice of a select or multiselect."""

    key: str
    label: Text
    color: str = ""
    hidden: bool = False


@dataclass(frozen=True, slots=True)
class Rollup:
    """A number that a record keeps about related rows: `items: {type: rollup, of: items, sum: amount}`."""

    relation: str
    """Key of the table field, or of the reverse relation, that is summed up."""
    entity: str
    """Entity of the related rows."""
    link: str
    """Field of the related rows that points back."""
    function: Literal["sum", "count", "min", "max", "avg", "first", "last"]
    field: str | None
    where: Expr | None


@dataclass(frozen=True, slots=True)
class Deprecation:
    """That programs shall stop using an entity or a field."""

    since: date
    until: date | None = None
    """The day from which it may be gone; None = nobody has said."""
    use: str | None = None
    """Key of another entity, or of another field of the same one, to use instead."""

    def json(self) -> dict[str, str | None]:
        """Return it as programs read it: `since` and `until` as days."""
        until = self.until.isoformat() if self.until is not None else None
        return {"since": self.since.isoformat(), "until": until, "use": self.use}


@dataclass(frozen=True, slots=True, eq=False)
class Field:
    """One field of one entity. Identity is (entity, key)."""

    key: str
    entity: str
    type: FieldType
    label: Text
    help: Text | None = None
    options: Mapping[str, Any] = EMPTY
    """Properties of the type (max_length, decimals, currency, accept ...), defaults filled in."""
    choices: Mapping[str, Option] = EMPTY
    """Options of a select or multiselect in their order."""
    layer: str = "site"
    order: int = 0
    system: bool = False
    required: bool = False
    read_only: bool = False
    hidden: bool = False
    secret: bool = False
    audit: bool = True
    pii: bool = False
    copy: bool = True
    unique: bool = False
    index: bool | str = False
    """True, or "contains" for text that is searched by part on PostgreSQL."""
    search: Literal["high", "normal", "low"] | None = None
    default: Any = None
    """A parsed value."""
    default_expr: Expr | None = None
    required_when: Expr | None = None
    visible_when: Expr | None = None
    read_only_when: Expr | None = None
    options_when: Mapping[str, Expr] = EMPTY
    """Option key -> condition under which it may be chosen."""
    expr: Expr | None = None
    """Of a formula; of a reference, the path as an expression."""
    stored: bool = True
    """False for what is computed in every read: a formula without `stored: true`, a reference."""
    value_type: Type = Type.TEXT
    scale: int | None = None
    target: str | None = None
    """Entity that a lookup, lookups, user or table field leads to."""
    targets: tuple[str, ...] = ()
    """Entities of an any_lookup."""
    link: str | None = None
    """Of a table field: the field of the child that points back (the implicit one, named after the parent)."""
    on_delete: Literal["restrict", "clear", "cascade"] = "restrict"
    where: Expr | None = None
    """Of a lookup: which records may be chosen."""
    share: Literal["read", "edit"] | None = None
    rollup: Rollup | None = None
    storage: StorageType | None = None
    """Column type, None when no column of the entity's own table holds it."""
    shows: tuple[str, str] | None = None
    """Of a reference: (entity, key) of the field whose values it shows."""
    renamed_from: str | None = None
    """Key that it had in an earlier revision."""
    deprecated: Deprecation | None = None
    blind_of: str = ""
    """Of a blind index: the secret field whose equal values it tells. Nobody sees it, the engine writes it."""

    @property
    def writable(self) -> bool:
        """Whether a person may ever give it a value."""
        engines = self.type.computed or bool(self.blind_of)
        return not (self.system and self.key not in {"external_id", "owner"}) and not engines

    @property
    def info(self) -> FieldInfo:
        """What an expression must know of it."""
        return FieldInfo(
            type=self.value_type,
            scale=self.scale,
            target=self.target,
            options=frozenset(self.choices) if self.choices else None,
        )


@dataclass(frozen=True, slots=True)
class Transition:
    """A named change of the state field."""

    key: str
    label: Text
    sources: tuple[str, ...]
    """States that it may start from; empty = any."""
    to: str
    roles: tuple[str, ...] = ()
    """Roles that may make it; empty = whoever may update the record."""
    requires: tuple[str, ...] = ()
    when: Expr | None = None


@dataclass(frozen=True, slots=True)
class States:
    """The state machine of an entity."""

    field: str
    transitions: Mapping[str, Transition]


@dataclass(frozen=True, slots=True)
class Check:
    """A rule that a record must keep: refused (or warned of) when `fail_when` is true."""

    key: str
    fail_when: Expr
    message: Text
    at: str | None = None
    severity: Literal["error", "warning"] = "error"


@dataclass(frozen=True, slots=True)
class UniqueRule:
    """Fields whose values together stand once among the records that are not in the recycle bin."""

    key: str
    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Order:
    """One part of a sort order; the field may be a path."""

    path: tuple[str, ...]
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Relation:
    """The other end of a link: rows of `entity` whose `field` leads here."""

    key: str
    """Name in expressions and related lists: the table field's key, else the plural key of the entity
    (`contacts`), else `<entity>_by_<field>` when two fields compete."""
    entity: str
    field: str
    kind: Literal["children", "lookup", "lookups", "any"]
    """`any`: the field is an any_lookup, its column holds `entity/id`."""
    label: Text


@dataclass(frozen=True, slots=True, eq=False)
class Entity:
    """One kind of record, with its own table."""

    key: str
    label: Text
    plural: Text
    layer: str
    """`core`, a pack's name, a plugin's name, or `site`; the table's prefix follows from it."""
    table: str
    title: str
    """Field whose value names a record."""
    fields: Mapping[str, Field]
    """All fields, system fields first, then in display order."""
    help: Text | None = None
    icon: str = ""
    features: frozenset[str] = frozenset()
    parent: str | None = None
    """Entity whose child rows these are."""
    parent_field: str | None = None
    states: States | None = None
    checks: Mapping[str, Check] = EMPTY
    unique: Mapping[str, UniqueRule] = EMPTY
    indexes: Mapping[str, tuple[str, ...]] = EMPTY
    order: tuple[Order, ...] = ()
    relations: Mapping[str, Relation] = EMPTY
    formulas: tuple[str, ...] = ()
    """Stored formulas in order of dependency."""
    defaults: tuple[str, ...] = ()
    """Fields with `default_expr` in order of dependency."""
    renamed_from: str | None = None
    """Key that it had in an earlier revision."""
    deprecated: Deprecation | None = None

    @property
    def owned(self) -> bool:
        """Whether each record belongs to a user, in its field `owner`."""
        return "owned" in self.features

    @property
    def columns(self) -> Iterable[Field]:
        """Fields that have a column in the entity's table."""
        return (each for each in self.fields.values() if each.storage is not None and each.stored)

    @property
    def search_fields(self) -> Iterable[Field]:
        """Fields whose words full-text search finds."""
        return (each for each in self.fields.values() if each.search is not None)


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a view."""

    path: tuple[str, ...]
    widget: str = ""
    label: Text | None = None
    align: str = ""
    width: int | None = None
    hidden: bool = False
    wrap: bool = False
    """Whether a text that is too long for the column goes on below, and is not cut off."""
    options: Mapping[str, Any] = EMPTY


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """A way to look at the records of an entity."""

    key: str
    """`visit.today`; a derived one is `<entity>.all`."""
    entity: str
    title: Text
    where: Expr | None = None
    columns: Mapping[str, Column] = EMPTY
    """By dotted path, in order."""
    order: tuple[Order, ...] = ()
    group_by: tuple[str, ...] = ()
    filters: tuple[str, ...] = ()
    """Dotted paths that the list offers as quick filters."""
    kanban: Mapping[str, Any] | None = None
    calendar: Mapping[str, Any] | None = None
    timeline: Mapping[str, Any] | None = None
    tree: Mapping[str, Any] | None = None
    nearby: Mapping[str, Any] | None = None
    display: str = ""
    """How it is shown when somebody opens it: `kanban`, `calendar` ...; "" = as a table."""
    actions: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    """Roles that are offered it; empty = everybody who may read the entity."""
    when: Expr | None = None
    """Condition over the person: `user.*`, `today`, `now`."""
    derived: bool = False
    scene: str = ""
    """Which of the views it is that come by themselves: `mine`, `reports`, `starred`, `seen`; "" = none of them."""
    layer: str = "site"


@dataclass(frozen=True, slots=True)
class FormItem:
    """One field in a section of a form."""

    field: str
    row: int
    widget: str = ""
    options: Mapping[str, Any] = EMPTY


@dataclass(frozen=True, slots=True)
class Section:
    """A block of a form."""

    key: str
    label: Text | None
    columns: int
    items: tuple[FormItem, ...]
    visible_when: Expr | None = None


@dataclass(frozen=True, slots=True)
class Related:
    """A related list on a record page."""

    relation: str
    view: str | None = None


@dataclass(frozen=True, slots=True)
class Tab:
    """A tab of a form."""

    key: str
    label: Text
    sections: tuple[Section, ...] = ()
    related: tuple[Related, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Form:
    """How a record is shown and edited."""

    key: str
    entity: str
    tabs: tuple[Tab, ...]
    panels: Mapping[str, tuple[str, ...]] = EMPTY
    derived: bool = False
    layer: str = "site"
    highlights: tuple[str, ...] = ()
    """Fields that stand beside the name of a record; empty = those that fit."""
    around: tuple[str, ...] = ()
    """Relations whose records have their happenings told along with those of a record."""
    steps: bool = False
    """Whether it is filled in tab by tab, one after the other."""


Action = Literal["read", "create", "update", "delete", "export", "transfer", "import"]
ACTIONS: tuple[Action, ...] = ("read", "create", "update", "delete", "export", "transfer", "import")
Mask = Literal["hidden", "masked", "read", "write"]
"""What may be seen of a field, of all that somebody's roles say."""
GivenMask = Literal["hidden", "masked", "reveal", "read", "write"]
"""What a grant says of a field: `reveal` is shown masked, and its plain value may be asked for, one at a time."""


@dataclass(frozen=True, slots=True)
class Grant:
    """What a role may do with one entity."""

    entity: str
    actions: Mapping[str, tuple[str | Expr, ...]]
    """Action -> named rows ("own", "team" ...) or conditions, any of which is enough; absent = nobody."""
    fields: Mapping[str, GivenMask] = EMPTY


@dataclass(frozen=True, slots=True, eq=False)
class Role:
    """A set of grants that people hold."""

    key: str
    label: Text
    grants: Mapping[str, Grant]
    """By entity; the key `*` is for every entity without a grant of its own."""
    restrict: Mapping[str, Mapping[str, Expr]] = EMPTY
    """Entity -> name -> condition that every row must keep for every holder, whatever grants say."""
    permissions: frozenset[str] = frozenset()
    """What is not about rows: `admin`, `developer`, a plugin's own."""
    second_factor: bool = False
    """Whether its holders sign in with a second factor."""
    export_rows: int | None = None
    """Records that its holders may export at a time; None = as many as the site allows."""
    export_reason: bool = False
    """Whether its holders say why they export."""
    layer: str = "site"


@dataclass(frozen=True, slots=True)
class MenuItem:
    """One entry of the navigation."""

    key: str
    label: Text | None
    entity: str | None = None
    view: str | None = None
    url: str | None = None
    icon: str = ""
    roles: tuple[str, ...] = ()
    items: tuple[MenuItem, ...] = ()
    when: Expr | None = None
    """Condition over the person: `user.*`, `today`, `now`."""


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """All documents of one revision, composed."""

    revision: int
    checksum: str
    """SHA-256 over the composed documents: equal for equal configurations."""
    entities: Mapping[str, Entity]
    views: Mapping[str, View]
    forms: Mapping[str, Form]
    roles: Mapping[str, Role]
    menus: Mapping[str, tuple[MenuItem, ...]]
    documents: Mapping[str, Mapping[str, Any]]
    """Every composed document by `kind/name`: "entity/lead", "workflow/lead_pool"; plain JSON values."""
    provenance: Mapping[str, str]
    """`entity/lead#/fields/company/required` -> layer that says so, for each value a higher layer changed or added."""
    warnings: tuple[Problem, ...] = ()
    languages: tuple[str, ...] = ("en", "zh")
    currency: str = "CNY"
    timezone: str = "Asia/Shanghai"
    memory: dict[Any, Any] = field(default_factory=dict, repr=False)
    """What other layers derive from this Model once (statements, templates, rules), by key of their own."""

    def derive(self, key: Any, make: Callable[[], _T]) -> _T:
        """Return what `make` makes, made once per Model: the only cache, valid as long as the Model is."""
        try:
            return self.memory[key]  # type: ignore[no-any-return]
        except KeyError:
            # Two threads may both make it; they make the same, and the first one kept is used by all.
            return self.memory.setdefault(key, make())  # type: ignore[no-any-return]

    def entity(self, key: str) -> Entity:
        """Return an entity.

        Raises:
            NotFound: there is none of that key.
        """
        found = self.entities.get(key)
        if found is None:
            raise NotFound(Message("There is no {key}", key=key))
        return found

    def default_view(self, entity: str) -> View:
        """Return the view that `/entity` shows: the first declared one, else the derived one."""
        return self.derive(("default view", entity), lambda: self._default_view(entity))

    def _default_view(self, entity: str) -> View:
        own = [view for view in self.views.values() if view.entity == entity]
        return next((view for view in own if view.key == f"{entity}.default"), own[0])

    def form(self, entity: str) -> Form:
        """Return the form of an entity, `<entity>.default` (derived when no document gives it)."""
        return self.forms[f"{entity}.default"]
