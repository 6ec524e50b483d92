"""What breaks clients between two documents of the API: what they could ask for, send or rely on, and no longer can.

Programs that were made from the older document are asked about, not people: a new label breaks nothing, a new field
that must be given breaks whoever does not know it. What is sent and what is read are judged from opposite ends: a value
that may newly be empty breaks who reads it, one that may no longer be empty breaks who sends it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from engine import Message

Direction = Literal["sent", "read"]
_METHODS = ("get", "post", "put", "patch", "delete")
_REF = "#/components/"
_UPPER = ("maximum", "exclusiveMaximum", "maxLength", "maxItems")
_LOWER = ("minimum", "exclusiveMinimum", "minLength", "minItems")
_DEEPEST = 12


@dataclass(frozen=True, slots=True)
class Break:
    """One thing that breaks clients."""

    place: str
    """Where: `POST /lead · sent · amount`."""
    message: Message

    def in_(self, language: str) -> str:
        """Return it as a line for people."""
        return f"{self.place}: {self.message.in_(language)}"


def breaking(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Break]:
    """Return what in the newer document breaks clients of the older one, each thing once."""
    return list(dict.fromkeys(_Comparison(old, new).run()))


class _Comparison:
    def __init__(self, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
        self._old, self._new = old, new
        self._done: set[tuple[str, str, Direction]] = set()

    def run(self) -> Iterator[Break]:
        for path, item in self._old.get("paths", {}).items():
            there = self._new.get("paths", {}).get(path)
            if there is None:
                yield Break(path, Message("the address is gone"))
                continue
            for method in _METHODS:
                if method not in item:
                    continue
                place = f"{method.upper()} {path}"
                if method not in there:
                    yield Break(place, Message("the method is gone"))
                    continue
                yield from self._operation(place, (item, item[method]), (there, there[method]))

    def _operation(self, place: str, old: tuple[Any, Any], new: tuple[Any, Any]) -> Iterator[Break]:
        yield from self._parameters(place, self._named(self._old, *old), self._named(self._new, *new))
        before, after = old[1].get("requestBody"), new[1].get("requestBody")
        if after is not None:
            if after.get("required") and (before is None or not before.get("required")):
                yield Break(place, Message("a body has to be sent now"))
            for kind, content in (before or {}).get("content", {}).items():
                if kind not in after["content"]:
                    yield Break(place, Message("{kind} is no longer taken", kind=kind))
                else:
                    yield from self._schema(place, "sent", "", *_schemas(content, after["content"][kind]))
        yield from self._answers(place, old[1]["responses"], new[1]["responses"])

    def _answers(self, place: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Break]:
        for status, answer in old.items():
            if not status.startswith("2"):
                continue
            if status not in new:
                yield Break(place, Message("it no longer answers {status}", status=status))
                continue
            for kind, content in self._found(self._old, answer).get("content", {}).items():
                there = self._found(self._new, new[status]).get("content", {})
                if kind not in there:
                    yield Break(place, Message("it no longer answers {kind}", kind=kind))
                else:
                    yield from self._schema(place, "read", "", *_schemas(content, there[kind]))

    def _parameters(self, place: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Break]:
        for name, parameter in old.items():
            if name not in new:
                yield Break(place, Message("the parameter {name} is gone", name=name))
            else:
                yield from self._schema(place, "sent", f"?{name}", parameter["schema"], new[name]["schema"])
        for name, parameter in new.items():
            if parameter.get("required") and not old.get(name, {}).get("required"):
                yield Break(place, Message("the parameter {name} has to be given now", name=name))

    def _named(self, document: Mapping[str, Any], item: Any, operation: Any) -> dict[str, Any]:
        known = [self._found(document, each) for part in (item, operation) for each in part.get("parameters", ())]
        return {each["name"]: each for each in known}

    def _found(self, document: Mapping[str, Any], part: Any) -> Any:
        """Return what a reference leads to."""
        while isinstance(part, Mapping) and "$ref" in part:
            found: Any = document["components"]
            for step in part["$ref"].removeprefix(_REF).split("/"):
                found = found[step]
            part = found
        return part

    # --- schemas --------------------------------------------------------------------------------------------------

    def _schema(self, place: str, way: Direction, path: str, old: Any, new: Any, depth: int = 0) -> Iterator[Break]:
        refs = (old.get("$ref", ""), new.get("$ref", ""), way) if isinstance(old, Mapping) else ("", "", way)
        if refs[0] and refs[1]:
            # A schema that many operations use is told of once.
            if refs in self._done:
                return
            self._done.add(refs)
        old, new = self._found(self._old, old), self._found(self._new, new)
        where = f"{place} · {way}{' · ' + path if path else ''}" if not path.startswith("?") else f"{place} · {path}"
        yield from self._kinds(where, way, old, new)
        yield from self._choices(where, way, old, new)
        if way == "sent":
            yield from self._limits(where, old, new)
        if depth >= _DEEPEST:
            return
        yield from self._properties(place, way, path, old, new, depth)
        one, other = _part(old, "array").get("items"), _part(new, "array").get("items")
        if isinstance(one, Mapping) and isinstance(other, Mapping):
            yield from self._schema(place, way, f"{path}[]", one, other, depth + 1)
        ways_old, ways_new = old.get("anyOf"), new.get("anyOf")
        if ways_old and ways_new and len(ways_old) == len(ways_new):
            for before, after in zip(ways_old, ways_new, strict=True):
                yield from self._schema(place, way, path, before, after, depth + 1)

    def _kinds(self, where: str, way: Direction, old: Any, new: Any) -> Iterator[Break]:
        before, after = self._types(self._old, old), self._types(self._new, new)
        if not before or not after:
            return
        if way == "sent":
            for kind in sorted(before - after):
                if kind == "null":
                    yield Break(where, Message("it may no longer be empty"))
                elif not (kind == "integer" and "number" in after):
                    yield Break(where, Message("{kind} is no longer taken", kind=kind))
        else:
            for kind in sorted(after - before):
                if kind == "null":
                    yield Break(where, Message("it may be empty now"))
                elif not (kind == "integer" and "number" in before):
                    yield Break(where, Message("it may be {kind} now", kind=kind))

    def _types(self, document: Mapping[str, Any], schema: Any) -> frozenset[str]:
        schema = self._found(document, schema)
        if not isinstance(schema, Mapping):
            return frozenset()
        if "type" in schema:
            kinds = schema["type"]
            return frozenset(kinds if isinstance(kinds, list) else [kinds])
        parts = [self._types(document, each) for each in schema.get("anyOf", ())]
        return frozenset[str]().union(*parts) if all(parts) else frozenset()

    def _choices(self, where: str, way: Direction, old: Any, new: Any) -> Iterator[Break]:
        before, after = old.get("enum"), new.get("enum")
        if way == "sent" and after is not None:
            if before is None:
                yield Break(where, Message("only some values are taken now"))
                return
            for choice in before:
                if choice not in after and choice is not None:
                    yield Break(where, Message("the option {key} is gone", key=choice))
        elif way == "read" and before is not None and after is not None:
            for choice in after:
                if choice not in before and choice is not None:
                    yield Break(where, Message("it may be {kind} now", kind=choice))

    @staticmethod
    def _limits(where: str, old: Any, new: Any) -> Iterator[Break]:
        for word in (*_UPPER, *_LOWER):
            before, after = old.get(word), new.get(word)
            if after is None or before == after:
                continue
            if before is None or (after < before if word in _UPPER else after > before):
                yield Break(where, Message("{word} is {limit} now", word=word, limit=after))
        for word in ("pattern", "format"):
            if new.get(word) is not None and new.get(word) != old.get(word):
                yield Break(where, Message("its form is another one now: {form}", form=new[word]))

    def _properties(self, place: str, way: Direction, path: str, old: Any, new: Any, depth: int) -> Iterator[Break]:
        before, after = old.get("properties"), new.get("properties")
        if before is None or after is None:
            return
        where = f"{place} · {way}{' · ' + path if path else ''}"
        for key, schema in before.items():
            step = f"{path}.{key}" if path else key
            if key in after:
                yield from self._schema(place, way, step, schema, after[key], depth + 1)
            elif way == "read" or new.get("additionalProperties") is False:
                yield Break(where, Message("the field {key} is gone", key=key))
        required = set(new.get("required", ())), set(old.get("required", ()))
        if way == "sent":
            for key in sorted(required[0] - required[1]):
                yield Break(where, Message("the field {key} has to be given now", key=key))
        else:
            for key in sorted(required[1] - required[0]):
                yield Break(where, Message("the field {key} may be missing now", key=key))


def _schemas(old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[Any, Any]:
    """Return the schemas of two contents; where none is given, anything is right."""
    return old.get("schema", {}), new.get("schema", {})


def _part(schema: Any, kind: str) -> Any:
    """Return the part of a schema that is about a type: itself, or one of its ways."""
    kinds = schema.get("type")
    if kinds == kind or (isinstance(kinds, list) and kind in kinds):
        return schema
    return next((each for each in schema.get("anyOf", ()) if each.get("type") == kind), {})
