"""`Shape`: a JSON Schema of a document, compiled to check values fast and to say faults in people's words.

It understands the part of JSON Schema that our schemas use; a test holds it to the answers of `jsonschema`.
The same object tells `compose` how a higher layer may change each part.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.i18n import Message
from engine.metadata.unreadable import kind_of

_PYTHON: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list, tuple),
    "object": (dict,),
    "null": (type(None),),
}
_TYPE_NAMES: dict[str, Message] = {
    "string": Message("text"),
    "integer": Message("a whole number"),
    "number": Message("a number"),
    "boolean": Message("true or false"),
    "array": Message("a list"),
    "object": Message("a map"),
    "null": Message("nothing"),
}
_MANY_NAMES = 12


@dataclass(slots=True)
class Fault:
    """One thing that is wrong in a value. `path` is kept backwards: the innermost key first."""

    path: list[str | int]
    message: Message
    advice: Message | None = None
    code: str = "shape"
    key: bool = False
    """Whether the key is wrong, not its value."""


@dataclass(slots=True, eq=False)
class Shape:
    """One node of a compiled schema."""

    types: tuple[str, ...] = ()
    python: tuple[type, ...] = ()
    enum: tuple[Any, ...] | None = None
    properties: dict[str, Shape] = field(default_factory=dict)
    required: tuple[str, ...] = ()
    extra: Shape | None = None
    """Shape of the values under keys that `properties` does not name."""
    closed: bool = False
    names: Callable[[str], Fault | None] | None = None
    least_entries: int = 0
    items: Shape | None = None
    least_items: int = 0
    most_items: int | None = None
    distinct: bool = False
    least_length: int = 0
    most_length: int | None = None
    pattern: re.Pattern[str] | None = None
    minimum: float | None = None
    maximum: float | None = None
    by: str = ""
    """Key whose word decides which of `cases` holds."""
    cases: dict[Any, Shape] = field(default_factory=dict)
    policy: str = "free"
    removable: bool = False
    prefix: bool = False
    text: bool = False
    null: bool = False
    holds: str = ""
    default: Any = None
    leaf: bool = False
    """Whether the type alone decides, so that checking is one comparison."""

    def part(self, key: str, value: Any = None) -> Shape | None:
        """Return the shape of what stands under a key; `value` is the map itself, for maps told apart by a word."""
        if self.cases and isinstance(value, dict):
            word = value.get(self.by)
            case = self.cases.get(word) if isinstance(word, str) else None
            if case is not None:
                return case.part(key, value)
        return self.properties.get(key) or self.extra

    def check(self, value: Any) -> list[Fault] | None:
        """Return everything that is wrong with a value; None when nothing is."""
        kind = type(value)
        if self.python and kind not in self.python:
            return [self._wrong_type(value)]
        if self.leaf:
            return None
        if self.enum is not None and not any(value == each and kind is type(each) for each in self.enum):
            return [self._not_one_of(value)]
        if kind is dict:
            return self._check_map(value)
        if kind is str:
            return self._check_text(value)
        if kind is list:
            return self._check_list(value)
        if (kind is int or kind is float) and (self.minimum is not None or self.maximum is not None):
            return self._check_number(value)
        return None

    def _check_map(self, value: dict[str, Any]) -> list[Fault] | None:
        if self.cases:
            return self._check_case(value)
        faults: list[Fault] = []
        properties, extra, names = self.properties, self.extra, self.names
        for key, each in value.items():
            shape = properties.get(key)
            if shape is None:
                if self.closed:
                    faults.append(self._unknown(key))
                    continue
                if names is not None and (fault := names(key)) is not None:
                    faults.append(fault)
                shape = extra
            if shape is None or (shape.leaf and type(each) in shape.python):
                continue
            found = shape.check(each)
            if found:
                for fault in found:
                    fault.path.append(key)
                faults += found
        for key in self.required:
            if key not in value:
                faults.append(Fault([], Message("{key} is missing", key=repr(key)), code="missing"))
        if len(value) < self.least_entries:
            faults.append(Fault([], Message("it is empty"), code="empty"))
        return faults or None

    def _check_case(self, value: dict[str, Any]) -> list[Fault] | None:
        word = value.get(self.by)
        case = self.cases.get(word) if isinstance(word, str) else None
        if case is not None:
            return case._check_map(value)  # noqa: SLF001 - its own class
        if word is None:
            known = ", ".join(self.cases)
            message = Message("{key} is missing", key=repr(self.by))
            advice = Message("one of {names}", names=known) if len(self.cases) <= _MANY_NAMES else None
            return [Fault([], message, advice, "missing")]
        shape = self.properties.get(self.by)
        faults = shape.check(word) if shape is not None else None
        for fault in faults or ():
            if self.by == "type" and isinstance(word, str):
                fault.message = Message("unknown field type {word}", word=repr(word))
                fault.code = "unknown_type"
            fault.path.append(self.by)
        return faults

    def _check_text(self, value: str) -> list[Fault] | None:
        if self.pattern is not None and not self.pattern.search(value):
            return [bad_key(value, self.pattern.pattern)]
        if len(value) < self.least_length:
            return [Fault([], Message("the text is empty"), code="empty")]
        if self.most_length is not None and len(value) > self.most_length:
            message = Message("{value} is longer than {limit} characters", value=repr(value), limit=self.most_length)
            return [Fault([], message, code="too_long")]
        return None

    def _check_list(self, value: list[Any]) -> list[Fault] | None:
        faults: list[Fault] = []
        if self.items is not None:
            for number, each in enumerate(value):
                found = self.items.check(each)
                if found:
                    for fault in found:
                        fault.path.append(number)
                    faults += found
        if len(value) < self.least_items:
            faults.append(Fault([], Message("the list is empty"), code="empty"))
        if self.most_items is not None and len(value) > self.most_items:
            faults.append(Fault([], Message("the list has more than {limit} entries", limit=self.most_items)))
        if self.distinct:
            seen: list[Any] = []
            for number, each in enumerate(value):
                if each in seen:
                    faults.append(Fault([number], Message("{value} stands in the list twice", value=repr(each))))
                seen.append(each)
        return faults or None

    def _check_number(self, value: float) -> list[Fault] | None:
        if self.minimum is not None and value < self.minimum:
            return [Fault([], Message("{value} is less than {limit}", value=value, limit=self.minimum))]
        if self.maximum is not None and value > self.maximum:
            return [Fault([], Message("{value} is more than {limit}", value=value, limit=self.maximum))]
        return None

    # ------------------------------------------------------------------------------------------- saying

    def _wrong_type(self, value: Any) -> Fault:
        wanted = [_TYPE_NAMES[each] for each in self.types if each != "null"]
        expected = wanted[0]
        for other in wanted[1:]:
            expected = Message("{one} or {other}", one=expected, other=other)
        message = Message("this must be {expected}, not {what}", expected=expected, what=kind_of(value))
        return Fault([], message, self._type_advice(value), "wrong_type")

    def _type_advice(self, value: Any) -> Message | None:
        if "string" in self.types and isinstance(value, (bool, int, float)):
            return Message("put it in quotes")
        if "boolean" in self.types and isinstance(value, str):
            word = {"on": "true", "yes": "true", "y": "true", "off": "false", "no": "false", "n": "false"}.get(
                value.lower()
            )
            return Message("write {word}", word=word) if word is not None else None
        if "object" in self.types and isinstance(value, list) and (names := _entry_names(value)):
            return Message("write {example}", example="{" + ", ".join(f"{each}: {{}}" for each in names[:3]) + "}")
        if ("integer" in self.types or "number" in self.types) and isinstance(value, str):
            return Message("write it without quotes") if re.fullmatch(r"-?\d+(\.\d+)?", value) else None
        if "array" in self.types and isinstance(value, str):
            return Message("write {example}", example=f"[{value}]")
        return None

    def _not_one_of(self, value: Any) -> Fault:
        known = [each for each in self.enum or () if each is not None]
        if len(known) == 1:
            return Fault([], Message("this must be {value}", value=_shown(known[0])), code="not_one_of")
        message = Message("{value} is none of the words that may stand here", value=repr(_shown(value)))
        return Fault([], message, suggest(value, [_shown(each) for each in known], bare=True), "not_one_of")

    def _unknown(self, key: str) -> Fault:
        message = Message("unknown property {key}", key=repr(key))
        return Fault([key], message, suggest(key, self.properties), "unknown_property", key=True)


def suggest(word: Any, known: Iterable[str], *, bare: bool = False, gone: Iterable[str] = ()) -> Message | None:
    """Return advice that names what a misspelt word may have meant, or all words when they are few.

    `gone` are names that were taken out for a fault of their own: they may be meant, and are not offered.
    """
    known = sorted(known) if isinstance(known, (set, frozenset)) else list(known)
    close = difflib.get_close_matches(word, [*known, *sorted(gone)], 1, 0.6) if isinstance(word, str) else []
    if close:
        return Message("did you mean {name}?", name=repr(close[0]))
    if known and (len(known) <= _MANY_NAMES or bare):
        return Message("one of {names}", names=", ".join(known[: 4 * _MANY_NAMES]))
    return None


def bad_key(value: str, pattern: str) -> Fault:
    """Say that a text does not look as it must, with what it could be when it is a key."""
    if not pattern.startswith("^[a-z][a-z0-9_]*"):
        return Fault(
            [], Message("{value} is not written as it must be", value=repr(value)), _example(pattern), "pattern"
        )
    message = Message(
        "{value} is no key: a key has the letters a-z, 0-9 and _ and begins with a letter", value=repr(value)
    )
    better = re.sub(r"[^a-z0-9_.]+", "_", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", value).lower()).strip("_.")
    fits = better and better != value and re.search(pattern, better)
    return Fault([], message, Message("write {word}", word=better) if fits else None, "bad_key")


def _example(pattern: str) -> Message | None:
    if "(s|m|h|d|w)$" in pattern:
        return Message("write {word}", word="30m, 2h, 3d or 1w")
    if "[01][0-9]" in pattern:
        return Message("write {word}", word="09:00")
    return None


def _entry_names(value: list[Any]) -> list[str]:
    """Return the keys that people meant who wrote a list where a map belongs."""
    names = []
    for each in value:
        if isinstance(each, str):
            names.append(each)
        elif isinstance(each, Mapping) and each:
            first = next(iter(each))
            name = each.get("key", each.get("name", first if len(each) == 1 else None))
            names.append(str(name)) if name is not None else None
    return names


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


# ------------------------------------------------------------------------------------------- compiling


class Compiler:
    """Compiles the schemas of one kind; a reference is compiled once."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        self._root = schema
        self._known: dict[str, Shape] = {}

    def compile(self, schema: Any) -> Shape:
        """Return the shape of a schema."""
        reference = schema.get("$ref") if isinstance(schema, Mapping) else None
        if reference is not None:
            found = self._known.get(reference)
            if found is None:
                found = self._known[reference] = Shape()
                target: Any = self._root
                for part in reference.removeprefix("#/").split("/"):
                    target = target[part]
                self._fill(found, target)
            return found
        made = Shape()
        if isinstance(schema, Mapping):
            self._fill(made, schema)
        return made

    def _fill(self, made: Shape, schema: Mapping[str, Any]) -> None:
        kinds = schema.get("type", ())
        made.types = (kinds,) if isinstance(kinds, str) else tuple(kinds)
        if "const" in schema:
            made.enum = (schema["const"],)
        elif "enum" in schema:
            made.enum = tuple(schema["enum"])
        python = {each for name in made.types for each in _PYTHON[name]}
        made.python = tuple(python - {tuple})
        made.properties = {key: self.compile(each) for key, each in schema.get("properties", {}).items()}
        made.required = tuple(schema.get("required", ()))
        extra = schema.get("additionalProperties", True)
        made.closed = extra is False
        made.extra = self.compile(extra) if isinstance(extra, Mapping) else None
        made.names = _names_check(schema.get("propertyNames"))
        made.least_entries = schema.get("minProperties", 0)
        items = schema.get("items")
        made.items = self.compile(items) if isinstance(items, Mapping) else None
        made.least_items, made.most_items = schema.get("minItems", 0), schema.get("maxItems")
        made.distinct = schema.get("uniqueItems", False)
        made.least_length, made.most_length = schema.get("minLength", 0), schema.get("maxLength")
        made.pattern = re.compile(schema["pattern"]) if "pattern" in schema else None
        made.minimum, made.maximum = schema.get("minimum"), schema.get("maximum")
        for case in schema.get("allOf", ()):
            ((made.by, condition),) = case["if"]["properties"].items()
            made.cases[condition["const"]] = self.compile(case["then"])
        made.policy = schema.get("x-layer", "merge" if "properties" in schema else "free")
        made.removable, made.prefix = schema.get("x-removable", False), schema.get("x-prefix", False)
        made.text = schema.get("x-text", set(made.types) == {"string", "object"})
        made.null = schema.get("x-null", False)
        made.holds, made.default = schema.get("x-holds", ""), schema.get("default")
        made.leaf = bool(made.python) and not (
            made.properties or made.required or made.closed or made.extra or made.names or made.least_entries
            or made.items or made.least_items or made.most_items or made.distinct or made.least_length
            or made.most_length is not None or made.pattern or made.minimum is not None or made.maximum is not None
            or made.cases or made.enum is not None
        )  # fmt: skip


def _names_check(schema: Mapping[str, Any] | None) -> Callable[[str], Fault | None] | None:
    if schema is None:
        return None
    if "enum" in schema:
        known = frozenset(schema["enum"])
        return lambda key: (
            None
            if key in known
            else Fault([key], Message("unknown key {key}", key=repr(key)), suggest(key, schema["enum"]), key=True)
        )
    matches = re.compile(schema.get("pattern", "")).search
    least, most = schema.get("minLength", 0), schema.get("maxLength", 10_000)

    def check(key: str) -> Fault | None:
        if matches(key) and least <= len(key) <= most:
            return None
        if len(key) > most:
            fault = Fault([], Message("the key {key} is longer than {limit} characters", key=repr(key), limit=most))
        elif not key:
            fault = Fault([], Message("a key is empty"))
        else:
            fault = bad_key(key, schema["pattern"])
        fault.path, fault.key = [key], True
        return fault

    return check
