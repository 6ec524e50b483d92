"""What a field type is: the meaning of one kind of value, from a form to the database and back.

A type is one small stateless class in one file of this folder, named in YAML by its `name`. Nothing
else in the product switches on a type's name: what differs between types is asked of the type.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from engine.i18n import Message

Options = Mapping[str, Any]
"""The properties of one field as its document gives them, defaults filled in."""

StorageKind = Literal["text", "integer", "decimal", "boolean", "date", "datetime", "time", "uuid", "json"]


@dataclass(frozen=True, slots=True)
class StorageType:
    """A neutral column type; `engine.storage` maps it to each database.

    A decimal of scale n is NUMERIC(18, n) on PostgreSQL and an integer scaled by 10**n on SQLite.
    """

    kind: StorageKind
    scale: int = 0


@dataclass(frozen=True, slots=True)
class Locale:
    """How a person reads values: language ("en", "zh"), IANA time zone, ISO currency of the site."""

    language: str = "en"
    timezone: str = "UTC"
    currency: str = "CNY"


class FieldType(ABC):
    """One kind of value.

    Python values, everywhere in the engine: text, select, links and ids are `str`; number, percent and
    money `Decimal` (quantised to the field's decimals); integer and duration (seconds) `int`; boolean
    `bool`; date, time `datetime.date`, `datetime.time`; datetime an aware UTC `datetime` to the
    millisecond; lists (multiselect, tags, lookups, files) `tuple[str, ...]`; address, geo, json plain JSON
    values. Nothing is `None`; the empty text and the empty list are nothing too.
    """

    name: ClassVar[str]
    """The word in YAML."""
    value_type: ClassVar[str]
    """Type in expressions: boolean number text date datetime time link list many json; see `engine.expression`."""
    properties: ClassVar[Mapping[str, Any]] = {}
    """JSON Schema of each property that this type adds to the common ones, with `x-layer` (free, tighten, widen,
    merge, locked) saying how a higher layer may change it."""
    required_properties: ClassVar[tuple[str, ...]] = ()
    searchable: ClassVar[bool] = False
    """Whether its values go into full-text search when the field says `search:`."""
    sortable: ClassVar[bool] = True
    computed: ClassVar[bool] = False
    """Whether the engine makes the value, so that nobody may write it."""
    links: ClassVar[Literal["", "one", "many", "children", "any"]] = ""
    """How it links to records: a column with an id, a link table, child rows, or a text `entity/id`."""

    def result(self, options: Options) -> FieldType:
        """Return the type of its values: itself, but for types such as formula that show another type's values."""
        return self

    def targets(self, options: Options) -> tuple[str, ...]:
        """Return keys of the entities that its values lead to."""
        return ()

    @abstractmethod
    def storage(self, options: Options) -> StorageType | None:
        """Return the column that holds a value; None when no column of the entity's table does."""

    @abstractmethod
    def parse(self, raw: Any, options: Options) -> Any:
        """Return the value that a form, a CSV cell or a JSON body means; None for nothing.

        Raises:
            BadValue: it is no such value; the message says what would be.
        """

    def parser(self, options: Options) -> Callable[[Any], Any]:
        """Return `parse` with the options bound; types on hot paths return a tighter closure."""
        parse = self.parse
        return lambda raw: parse(raw, options)

    def read(self, raw: Any, options: Options, locale: Locale) -> Any:
        """Return the value of what a person typed, as `parse` does, where the meaning depends on who typed it.

        Faces call it for forms and files; the value goes through `parse` again unchanged. Only times without a
        zone differ: for a person they are local, for `parse` they are UTC.
        """
        return self.parse(raw, options)

    @abstractmethod
    def format(self, value: Any, options: Options, locale: Locale) -> str:
        """Return text that `parse` reads back to the same value, as an input shows it; "" for None."""

    def display(self, value: Any, options: Options, locale: Locale) -> str:
        """Return what a person reads: with currency, labels, local time; "" for None."""
        return self.format(value, options, locale)

    def displayer(self, options: Options, locale: Locale) -> Callable[[Any], str]:
        """Return `display` with options and locale bound; types that fill lists return a tighter closure."""
        display = self.display
        return lambda value: display(value, options, locale)

    def search_text(self, value: Any, options: Options) -> str:
        """Return the words by which full-text search finds a value that is not None."""
        return str(value)

    def to_json(self, value: Any, options: Options) -> Any:
        """Return the JSON form; `parse(to_json(value)) == value`."""
        return value

    def json_schema(self, options: Options) -> Mapping[str, Any]:
        """Return the JSON Schema (2020-12) of `to_json`'s answers, without null."""
        return {"type": "string"}

    def input_schema(self, options: Options) -> Mapping[str, Any]:
        """Return the JSON Schema (2020-12) of what a program sends for it, without null.

        `parse` takes more than that: what people type, and what stands in files.
        """
        return self.json_schema(options)

    def scale(self, options: Options) -> int | None:
        """Return the decimals that a numeric value keeps; None when it is no number."""
        return None

    def filters(self) -> tuple[str, ...]:
        """Return names of the operators that a list offers for it, the usual one first.

        For a field, ask `type.result(options)`: a formula is filtered like the values that it has.
        """
        return ("==", "!=", "is None", "is not None")

    def check_options(self, options: Options) -> Iterable[tuple[str, Message]]:
        """Yield (property, what is wrong) for properties that are each well formed but do not fit together."""
        return ()


_types: dict[str, FieldType] = {}


def register(field_type: type[FieldType]) -> type[FieldType]:
    """Add a type to those that documents may name; a class decorator.

    Raises:
        ValueError: the name is taken by another class.
    """
    known = _types.get(field_type.name)
    if known is not None and type(known) is not field_type:
        raise ValueError(f"field type {field_type.name!r} is defined twice")
    _types[field_type.name] = field_type()
    return field_type


def field_types() -> Mapping[str, FieldType]:
    """Return every known type by name."""
    return _types
