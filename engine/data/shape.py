"""What writing one entity needs, worked out once per Model: parsers, statements, encoders, rules and their reads.

At request time the steps run prepared texts and closures; nothing here is built twice, and nothing asks a document.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

from engine.data.alike.rules import Compared, compared
from engine.data.dependencies import RollupGroup, dependencies, inlined
from engine.data.phrases import Phrases
from engine.data.vault.holders import former_places
from engine.expression import Expr, compile_python, functions, paths, variables
from engine.expression.ast import AGGREGATES
from engine.fields import FieldType
from engine.fields.autonumber import Autonumber
from engine.fields.exactly import exactly, refusal
from engine.fields.file import File
from engine.fields.secret import Secret
from engine.i18n import Message
from engine.metadata.model import Check, Entity, Field, Model
from engine.metadata.scope import EntityScope
from engine.publish import Published
from engine.storage.codec import decoder, encoder
from engine.storage.search import SearchText

Evaluate = Callable[[Mapping[str, Any], Mapping[str, Any]], Any]

MOST_STATEMENTS = 200
"""Different sets of changed columns whose UPDATE text is kept per entity."""


@dataclass(frozen=True, slots=True, eq=False)
class Column:
    """One column of the entity's own table."""

    field: Field
    name: str
    """Quoted, as it stands in SQL."""
    encode: Callable[[Any], Any] | None
    decode: Callable[[Any], Any] | None
    to_json: Callable[[Any], Any] | None
    """What turns a Python value into its JSON form; None where it is that already."""
    cast: str
    """The type that an array of its values has on PostgreSQL."""
    sealed: bool
    """Whether it holds cipher text."""

    @property
    def key(self) -> str:
        """Return the key of its field."""
        return self.field.key


@dataclass(frozen=True, slots=True)
class Safe:
    """The place that the secret values of a field are sealed for: it stays the same when the field is renamed."""

    table: str
    column: str
    also: tuple[tuple[str, str], ...]
    """(entity, field) that older values were sealed for."""


@dataclass(frozen=True, slots=True, eq=False)
class Condition:
    """An expression of the entity, compiled, with what it reads."""

    expr: Expr
    """Formulas and references put in."""
    reads: frozenset[str]
    """Fields of the record itself that it reads, those that links in it start from and those of `old.` included."""
    far: tuple[tuple[str, ...], ...]
    """Paths that go along links."""
    olds: tuple[str, ...]
    """Fields whose value before the write it reads."""
    evaluate: Evaluate | None
    """None where related rows are read: the database answers then."""

    def listens(self, changed: Iterable[str]) -> bool:
        """Say whether a change of these fields could change its answer."""
        return not self.reads.isdisjoint(changed)


@dataclass(frozen=True, slots=True, eq=False)
class FieldShape:
    """What a given value of one field goes through."""

    field: Field
    parse: Callable[[Any], Any]
    column: Column | None
    required_when: Condition | None
    read_only_when: Condition | None
    options_when: Mapping[str, Condition]
    where: Expr | None
    links: str
    """How the field links: "" one many children any."""
    fits: Callable[[Any], bool]
    """Says whether a JSON value is one that a program may send for it."""

    def refusal(self, raw: Any) -> Message:
        """Return what is wrong with a JSON value that is none."""
        return refusal(self.field.type.input_schema(self.field.options), raw)


@dataclass(frozen=True, slots=True, eq=False)
class CheckShape:
    """A check with its condition."""

    check: Check
    condition: Condition
    late: bool
    """Whether it reads what is known only once child rows and rollups are written."""


@dataclass(frozen=True, slots=True, eq=False)
class UniqueShape:
    """Fields that together stand once, with the text that looks for a twin."""

    key: str
    columns: tuple[Column, ...]
    text: str
    """Selects id and the columns of live records that have one of the given values."""


class Shape:
    """Everything that writing one entity needs."""

    def __init__(self, published: Published, entity: Entity, phrases: Phrases) -> None:
        self.entity = entity
        self.model: Model = published.model
        self.published = published
        self.phrases = phrases
        self.scope = EntityScope(self.model, entity.key)
        self.table = phrases.name(published.tables.name(entity.key))
        self.columns: tuple[Column, ...] = tuple(self._column(field) for field in entity.columns)
        self.by_key: Mapping[str, Column] = {column.key: column for column in self.columns}
        self.place: Mapping[str, int] = {column.key: place for place, column in enumerate(self.columns)}
        self.blank: dict[str, Any] = {column.key: None for column in self.columns}
        self.blank.update(rollup_blanks(entity))
        self.told: tuple[str, ...] = tuple(
            column.key for column in self.columns if not column.field.system or column.key in {"owner", "external_id"}
        )
        """Columns whose change is worth telling: not the id and the stamps."""
        self.encoders = tuple(
            (place, column.encode) for place, column in enumerate(self.columns) if column.encode is not None
        )
        self.decoders = tuple(
            (place, column.decode) for place, column in enumerate(self.columns) if column.decode is not None
        )
        self.sealed = tuple(column.key for column in self.columns if column.sealed)
        storage = published.tables.storage
        self.blind: Mapping[str, str] = {field.blind_of: field.key for field in entity.columns if field.blind_of}
        """Secret field -> its blind index."""
        self.safes: Mapping[str, Safe] = {
            key: Safe(
                published.tables.name(entity.key),
                published.tables.column_name(entity.key, key),
                former_places(entity.key, key, storage),
            )
            for key in self.sealed
        }
        self.audited = tuple((column.key, column.to_json) for column in self.columns if is_audited(column.field))
        self.select_columns = ", ".join(column.name for column in self.columns)
        marks = ", ".join([phrases.mark] * len(self.columns))
        self.insert_text = f"INSERT INTO {self.table} ({self.select_columns}) VALUES ({marks}) ON CONFLICT DO NOTHING"  # noqa: S608
        """Inserts one row, or nothing where a unique index has its values already."""
        self._updates: dict[tuple[str, ...], str] = {}
        self.fields: Mapping[str, FieldShape] = {field.key: self._field(field) for field in entity.fields.values()}
        self._take_fields()
        self._take_rules()
        self._take_relations()

    def _take_fields(self) -> None:
        """Sort the fields by what the steps do with them."""
        entity = self.entity
        self.link_shapes: tuple[tuple[str, FieldShape], ...] = tuple(
            (key, each)
            for key, each in self.fields.items()
            if each.links in {"one", "many", "any"}
            and key not in {"created_by", "updated_by"}
            and not isinstance(each.field.type, File)
        )
        self.defaults: tuple[tuple[str, Any], ...] = tuple(
            (field.key, field.default) for field in entity.fields.values() if field.default is not None
        )
        self.default_exprs: tuple[tuple[Field, Condition], ...] = tuple(
            (entity.fields[key], self.condition(expr))
            for key in entity.defaults
            if (expr := entity.fields[key].default_expr) is not None
        )
        self.numbers: tuple[Field, ...] = tuple(
            field for field in entity.fields.values() if isinstance(field.type, Autonumber)
        )
        self.required: tuple[Field, ...] = tuple(
            field for field in entity.fields.values() if field.required and not field.system and not field.type.computed
        )
        self.link_fields: tuple[Field, ...] = tuple(f for f in entity.fields.values() if f.type.links == "many")
        self.tables: tuple[Field, ...] = tuple(f for f in entity.fields.values() if f.type.links == "children")
        self.file_fields: tuple[Field, ...] = tuple(c.field for c in self.columns if isinstance(c.field.type, File))
        self.words = SearchText(entity)
        self.compared: Compared | None = compared(self.model).get(entity.key)
        """What its duplicates are told by; None when no document looks for them."""
        self.searched: frozenset[str] = frozenset(self.words.fields)

    def _take_rules(self) -> None:
        """Compile what records of the entity must keep."""
        entity = self.entity
        self.formulas: tuple[tuple[Field, Condition], ...] = tuple(
            (entity.fields[key], self.condition(expr))
            for key in entity.formulas
            if (expr := entity.fields[key].expr) is not None
        )
        self.required_when = tuple(each for each in self.fields.values() if each.required_when is not None)
        self.read_only_when = tuple(each for each in self.fields.values() if each.read_only_when is not None)
        self.settled_late = self._settled_late()
        self.checks: tuple[CheckShape, ...] = tuple(map(self._check, entity.checks.values()))
        self.transitions: Mapping[str, Condition | None] = {
            key: self.condition(transition.when) if transition.when is not None else None
            for key, transition in (entity.states.transitions.items() if entity.states else ())
        }
        self.late_transitions = any(each is not None and self._is_late(each) for each in self.transitions.values())
        self.unique: tuple[UniqueShape, ...] = tuple(self._unique())
        self.links_read: frozenset[str] = frozenset(f.key for f in self.link_fields) & self._reads_of_all()

    def _take_relations(self) -> None:
        """Note which other records a change of these concerns."""
        entity = self.entity
        self.child_rollups: tuple[RollupGroup, ...] = tuple(
            group
            for groups in dependencies(self.model).rollups.values()
            for group in groups
            if group.entity == entity.key and group.relation.kind == "children"
        )
        self.followed = any(trigger[0] == entity.key for trigger in dependencies(self.model).followers)
        """Whether stored formulas of any entity read fields of this one."""
        self.links_rolled_up: tuple[str, ...] = tuple(
            group.relation.field
            for group in dependencies(self.model).rollups.get(entity.key, ())
            if group.relation.kind == "lookups"
        )

    # --- parts ----------------------------------------------------------------------------------------------------

    def _column(self, field: Field) -> Column:
        dialect = self.phrases.kind
        sealed = is_sealed(field)
        return Column(
            field=field,
            name=self.phrases.name(self.published.tables.column_name(self.entity.key, field.key)),
            encode=None if sealed else encoder(field, dialect),
            decode=None if sealed else decoder(field, dialect),
            to_json=None if sealed else to_json(field),
            cast=_cast(field),
            sealed=sealed,
        )

    def _field(self, field: Field) -> FieldShape:
        return FieldShape(
            field=field,
            parse=field.type.parser(field.options),
            column=self.by_key.get(field.key),
            required_when=self.condition(field.required_when) if field.required_when is not None else None,
            read_only_when=self.condition(field.read_only_when) if field.read_only_when is not None else None,
            options_when={key: self.condition(expr) for key, expr in field.options_when.items()},
            where=field.where,
            links=field.type.links,
            fits=exactly(field.type.input_schema(field.options)),
        )

    def condition(self, expr: Expr) -> Condition:
        """Return an expression of this entity as the steps use it."""
        whole = inlined(self.model, self.entity, expr)
        read = paths(whole)
        olds = tuple(sorted(name.removeprefix("old.") for name in variables(whole) if name.startswith("old.")))
        related = not functions(whole).isdisjoint(AGGREGATES | {"in_subtree"})
        return Condition(
            expr=whole,
            reads=frozenset(path[0] for path in read) | {name.split(".")[0] for name in olds},
            far=tuple(sorted(path for path in read if len(path) > 1)),
            olds=olds,
            evaluate=None if related else compile_python(whole, self.scope),
        )

    def _settled_late(self) -> frozenset[str]:
        """Return the fields that get their value only after child rows are written: rollups and what reads them."""
        late = {field.key for field in self.entity.fields.values() if field.rollup is not None}
        late |= {field.key for field, condition in self.formulas if condition.evaluate is None}
        for field, condition in self.formulas:
            if condition.listens(late):
                late.add(field.key)
        return frozenset(late)

    def _check(self, check: Check) -> CheckShape:
        condition = self.condition(check.fail_when)
        return CheckShape(check, condition, self._is_late(condition))

    def _is_late(self, condition: Condition) -> bool:
        """Say whether a condition reads what is known only once child rows and rollups are written."""
        tables = {field.key for field in self.entity.fields.values() if field.type.links == "children"}
        return condition.evaluate is None or condition.listens(self.settled_late | tables)

    def _unique(self) -> Iterable[UniqueShape]:
        rules: dict[tuple[str, ...], str] = {rule.fields: rule.key for rule in self.entity.unique.values()}
        for field in self.entity.fields.values():
            if (field.unique or field.key == "external_id") and field.key in self.by_key:
                rules.setdefault((field.key,), field.blind_of or field.key)
        for fields, key in rules.items():
            columns = tuple(self.by_key[each] for each in fields)
            names = [column.name for column in columns]
            if len(columns) == 1:
                condition = self.phrases.is_in(names[0], columns[0].cast)
            else:
                condition = self.phrases.tuples_in(names, [column.cast for column in columns])
            deleted = self.by_key["deleted_at"].name
            yield UniqueShape(
                key,
                columns,
                f"SELECT {self.by_key['id'].name}, {', '.join(names)} FROM {self.table} "  # noqa: S608 - names of the Model
                f"WHERE {deleted} IS NULL AND {condition}",
            )

    def _reads_of_all(self) -> frozenset[str]:
        conditions: list[Condition] = [each.condition for each in self.checks]
        conditions += [condition for _, condition in (*self.formulas, *self.default_exprs)]
        for each in self.fields.values():
            conditions += [one for one in (each.required_when, each.read_only_when) if one is not None]
            conditions += each.options_when.values()
        return frozenset[str]().union(*(each.reads for each in conditions))

    # --- statements -----------------------------------------------------------------------------------------------

    def update_text(self, keys: tuple[str, ...]) -> str:
        """Return the UPDATE of some columns of one record, whose last two parameters are its id and old version."""
        text = self._updates.get(keys)
        if text is None:
            mark = self.phrases.mark
            sets = ", ".join(f"{self.by_key[key].name} = {mark}" for key in keys)
            where = f"{self.by_key['id'].name} = {mark} AND {self.by_key['version'].name} = {mark}"
            text = f"UPDATE {self.table} SET {sets} WHERE {where}"  # noqa: S608 - names of the Model
            if len(self._updates) < MOST_STATEMENTS:
                self._updates[keys] = text
        return text

    def decoded(self, row: Sequence[Any]) -> dict[str, Any]:
        """Return the Python values of a row of the driver, whose columns are `select_columns`."""
        cells = list(row)
        for place, decode in self.decoders:
            if cells[place] is not None:
                cells[place] = decode(cells[place])
        return dict(zip(self.blank, cells, strict=True))


def shape_of(published: Published, entity: str, phrases: Phrases) -> Shape:
    """Return the shape of an entity, made once per Model.

    Raises:
        NotFound: there is no such entity.
    """
    model = published.model
    return model.derive(("shape", entity, phrases.kind), lambda: Shape(published, model.entity(entity), phrases))


def is_sealed(field: Field) -> bool:
    """Say whether the field's column holds cipher text."""
    secret = field.secret or isinstance(field.type, Secret)
    return secret and field.storage is not None and field.storage.kind == "text"


def is_audited(field: Field) -> bool:
    """Say whether history keeps the values of a field."""
    return field.audit and (not field.system or field.key in {"owner", "external_id"})


def to_json(field: Field) -> Callable[[Any], Any] | None:
    """Return what turns a Python value of a field into its JSON form; None where it is that already."""
    if type(field.type).to_json is FieldType.to_json:
        return None
    write, options = field.type.to_json, field.options
    return lambda value: write(value, options)


def rollup_blanks(entity: Entity) -> Mapping[str, Any]:
    """Return what rollups over no rows are: sums and counts are 0, everything else is nothing."""
    return {
        field.key: settle(field, Decimal(0))
        for field in entity.fields.values()
        if field.rollup is not None and field.rollup.function in {"sum", "count"}
    }


def settle(field: Field, value: Any) -> Any:
    """Return what an expression gave as a Python value of the field: numbers with its decimals, nothing as None."""
    if value is None or value in ("", ()):
        return None
    if field.storage is not None and isinstance(value, (int, Decimal)) and not isinstance(value, bool):
        if field.storage.kind == "integer":
            return int(Decimal(value).to_integral_value(ROUND_HALF_EVEN))
        if field.storage.kind == "decimal":
            return Decimal(value).quantize(Decimal(1).scaleb(-field.storage.scale), ROUND_HALF_EVEN)
    return value


_CASTS: Mapping[str, str] = {
    "text": "text",
    "integer": "bigint",
    "decimal": "numeric",
    "boolean": "boolean",
    "date": "date",
    "datetime": "timestamptz",
    "time": "time",
    "uuid": "uuid",
    "json": "jsonb",
}


def _cast(field: Field) -> str:
    return _CASTS[field.storage.kind] if field.storage is not None else "text"
