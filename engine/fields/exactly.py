"""Values that programs send as JSON: what a field's `input_schema` does not name is refused.

Forms and files may say the same in many ways. Only what a type's `parse` would let through is looked at here: the kind
of JSON, the form of a text, the options, the parts of lists and objects. Limits of numbers are left to `parse`, which
says more about them.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from engine.fields.cleaning import shown
from engine.i18n import Message

Test = Callable[[Any], bool]
"""Says whether a JSON value is what a schema names."""
_FORMS = {
    "date": re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII),
    "date-time": re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})", re.ASCII),
    "uuid": re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"),
}
"""Texts of a format (RFC 3339, RFC 4122). The other formats are those that `parse` refuses by itself."""
_MOST_OPTIONS = 5
"""Options that a message names."""
_NUMBERS = frozenset({int, float, Decimal})


def exactly(schema: Mapping[str, Any]) -> Test:
    """Return what says whether a JSON value is one that a schema names; null is none."""
    return _test(schema)


def refusal(schema: Mapping[str, Any], raw: Any) -> Message:
    """Return what is wrong with a value that is none."""
    return Message("In JSON this is {wanted}, not {sent}", wanted=_words(schema), sent=_sent(raw))


def _test(schema: Mapping[str, Any]) -> Test:
    if "anyOf" in schema:
        ways = tuple(_test(each) for each in schema["anyOf"])
        return lambda raw: any(way(raw) for way in ways)
    kinds = schema.get("type")
    if kinds is None:
        return _among(schema["enum"]) if "enum" in schema else lambda _raw: True
    if isinstance(kinds, str):
        return _TESTS[kinds](schema)
    tests = tuple(_TESTS[kind](schema) for kind in kinds)
    return lambda raw: any(test(raw) for test in tests)


def _among(choices: list[Any]) -> Test:
    known = frozenset(choices)
    return lambda raw: raw.__class__ is str and raw in known


def _text(schema: Mapping[str, Any]) -> Test:
    if "enum" in schema:
        return _among(schema["enum"])
    least, most = schema.get("minLength", 0), schema.get("maxLength")
    form = _FORMS.get(schema.get("format", ""))
    matches: Callable[[str], Any] | None = form.fullmatch if form is not None else None
    if matches is None and "pattern" in schema:
        # `$` of a schema is the end; Python's also stands before a last line end.
        matches = re.compile(re.sub(r"\$$", r"\\Z", schema["pattern"])).search

    if matches is None and not least:
        longest = most if most is not None else sys.maxsize
        return lambda raw: raw.__class__ is str and len(raw) <= longest

    def test(raw: Any) -> bool:
        return (
            raw.__class__ is str
            and (most is None or len(raw) <= most)
            and len(raw) >= least
            and (matches is None or matches(raw) is not None)
        )

    return test


def _list(schema: Mapping[str, Any]) -> Test:
    each = _test(schema["items"]) if "items" in schema else None
    least = schema.get("minItems", 0)
    return lambda raw: (
        isinstance(raw, list) and len(raw) >= least and (each is None or all(each(entry) for entry in raw))
    )


def _object(schema: Mapping[str, Any]) -> Test:
    known = {name: _test(each) for name, each in schema.get("properties", {}).items()}
    required, closed = frozenset(schema.get("required", ())), schema.get("additionalProperties") is False

    def test(raw: Any) -> bool:
        if not isinstance(raw, dict) or not required <= raw.keys() or (closed and not raw.keys() <= known.keys()):
            return False
        return all(test_of(raw[name]) for name, test_of in known.items() if name in raw)

    return test


def _is_whole(raw: Any) -> bool:
    # In JSON Schema 1.0 is a whole number too.
    return raw.__class__ is int or (isinstance(raw, (float, Decimal)) and raw == raw // 1)


_TESTS: Mapping[str, Callable[[Mapping[str, Any]], Test]] = {
    "string": _text,
    "array": _list,
    "object": _object,
    "boolean": lambda _schema: lambda raw: raw.__class__ is bool,
    "integer": lambda _schema: _is_whole,
    "number": lambda _schema: lambda raw: raw.__class__ in _NUMBERS,
    "null": lambda _schema: lambda raw: raw is None,
}


def _words(schema: Mapping[str, Any]) -> str:
    """Return what a schema takes, in the words of JSON: `string (date)`, `string (old, new) / null`."""
    if "anyOf" in schema:
        return " / ".join(dict.fromkeys(map(_words, schema["anyOf"])))
    kinds = schema.get("type", "string" if "enum" in schema else "")
    kind = kinds if isinstance(kinds, str) else " / ".join(kinds)
    if "enum" in schema:
        named = [str(each) for each in schema["enum"][:_MOST_OPTIONS]]
        return f"{kind} ({', '.join(named)}{' …' if len(schema['enum']) > _MOST_OPTIONS else ''})"
    if kind == "array" and "items" in schema:
        return f"array ({_words(schema['items'])})"
    if kind == "object" and schema.get("properties"):
        return f"object ({', '.join(schema['properties'])})"
    about = schema.get("format") or schema.get("pattern")
    if about is None and "maxLength" in schema:
        about = f"≤ {schema['maxLength']}"
    return f"{kind} ({about})" if about else kind


def _sent(raw: Any) -> str:
    """Return what somebody sent: a text itself, of anything else its kind."""
    if isinstance(raw, str):
        return f"“{shown(raw)}”"
    if isinstance(raw, bool):
        return "boolean"
    if raw.__class__ in _NUMBERS:
        return "number"
    return "object" if isinstance(raw, Mapping) else "array"
