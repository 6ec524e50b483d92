"""Writes the reference of documents for people, in English and Chinese, from the meta-schemas.

`python -m engine.metadata.reference` renews what stands between the two marks in `docs/documents.md` and
`docs/zh/documents.md`; the rest of these files is written by hand. A test proves that they are up to date.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from engine.fields import field_types
from engine.i18n import translate
from engine.metadata.document import KINDS
from engine.metadata.kinds import schema
from engine.metadata.kinds.entity import common_properties
from engine.metadata.kinds.parts import DURATION_WORDS, Schema

BEGIN, END = "<!-- generated: begin -->", "<!-- generated: end -->"
FILES = {"en": Path("docs/documents.md"), "zh": Path("docs/zh/documents.md")}
_ROOT = Path(__file__).parents[2]

_WORDS = {
    "Property": "属性",
    "Holds": "类型",
    "Meaning": "含义",
    "Layers": "上层可否修改",
    "Properties of every field": "所有字段共有的属性",
    "Properties of every step": "所有步骤共有的属性",
    "needed": "必填",
    "text": "文本",
    "true or false": "true 或 false",
    "number": "数字",
    "whole number": "整数",
    "list": "列表",
    "map": "映射",
    "anything": "任意值",
    "words in languages": "多语言文字",
    "expression": "表达式",
    "Nothing of its own.": "没有自己的属性。",
    "free": "任意",
    "tighten": "只能由 false 改为 true",
    "widen": "只能增大",
    "merge": "按键合并",
    "locked": "不可修改",
}


def generated(language: str) -> str:
    """Return the generated part of the reference in a language."""
    return "\n".join(line for kind in KINDS for line in _Kind(kind, language).lines())


def renewed(language: str, text: str) -> str:
    """Return the text of a file with its generated part renewed."""
    head, _, rest = text.partition(BEGIN)
    _, _, tail = rest.partition(END)
    return f"{head}{BEGIN}\n\n{generated(language)}\n{END}{tail}"


class _Kind:
    """One kind of document, written out."""

    def __init__(self, kind: str, language: str) -> None:
        self._kind, self._language = kind, language
        self._schema = schema(kind)
        self._done: set[str] = set()

    def _word(self, word: str) -> str:
        return word if self._language == "en" else _WORDS[word]

    def _said(self, description: str) -> str:
        words = description.removesuffix(DURATION_WORDS)
        said = translate(words, self._language)
        if words != description:
            said += (" " if self._language == "en" else "") + translate(DURATION_WORDS.strip(), self._language)
        return said.replace("|", "\\|")

    def lines(self) -> Iterator[str]:
        """Yield the lines of the kind: its properties, and those of what stands inside it."""
        yield f"## {self._kind}"
        yield ""
        yield self._said(self._schema["description"])
        yield ""
        yield from self._table(self._schema["properties"], self._schema.get("required", ()))
        for key, each in self._schema["properties"].items():
            yield from self._inside(each, key)

    def _table(
        self, properties: Mapping[str, Schema], required: Any, leave_out: frozenset[str] = frozenset()
    ) -> Iterator[str]:
        yield f"| {self._word('Property')} | {self._word('Holds')} | {self._word('Meaning')} | {self._word('Layers')} |"
        yield "|---|---|---|---|"
        for key, given in properties.items():
            if key not in leave_out:
                each = self._resolved(given)
                needed = f" ({self._word('needed')})" if key in required else ""
                meaning = self._said(each.get("description", ""))
                layers = self._word(each.get("x-layer", "free"))
                yield f"| `{key}`{needed} | {self._holds(each)} | {meaning} | {layers} |"
        yield ""

    def _resolved(self, given: Schema) -> Schema:
        if "$ref" not in given:
            return given
        target: Any = self._schema
        for part in given["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        return target  # type: ignore[no-any-return]

    def _holds(self, each: Schema) -> str:
        if "const" in each:
            return f"`{each['const']}`"
        if "enum" in each:
            known = [_shown(value) for value in each["enum"]]
            return ", ".join(f"`{value}`" for value in known) + self._default(each)
        if each.get("x-text"):
            return self._word("words in languages")
        if each.get("x-holds") == "expression":
            return self._word("expression")
        kinds = each.get("type", ())
        names = {
            "string": "text", "boolean": "true or false", "integer": "whole number", "number": "number",
            "array": "list", "object": "map",
        }  # fmt: skip
        words = [self._word(names[kind]) for kind in ([kinds] if isinstance(kinds, str) else kinds) if kind in names]
        items = each.get("items", {}).get("enum") if isinstance(each.get("items"), Mapping) else None
        listed = ": " + ", ".join(f"`{value}`" for value in items) if items else ""
        return (" / ".join(words) or self._word("anything")) + listed + self._default(each)

    def _default(self, each: Schema) -> str:
        return f" = `{_shown(each['default'])}`" if "default" in each and each["default"] is not False else ""

    def _inside(self, given: Schema, path: str) -> Iterator[str]:
        """Yield the tables of the maps that stand below a property."""
        reference = given.get("$ref")
        if reference is not None:
            if reference in self._done:
                return
            self._done.add(reference)
        each = self._resolved(given)
        items = each.get("items")
        if "allOf" in each:
            yield from self._cases(each, path)
            return
        if isinstance(each.get("properties"), Mapping):
            yield f"### {self._kind}: `{path}`"
            yield ""
            yield from self._table(each["properties"], each.get("required", ()))
            for key, inner in each["properties"].items():
                yield from self._inside(inner, f"{path}.{key}")
        elif isinstance(each.get("additionalProperties"), Mapping) and not each.get("x-text"):
            yield from self._inside(each["additionalProperties"], f"{path}.*")
        elif isinstance(items, Mapping):
            yield from self._inside(dict(items), f"{path}.*")

    def _cases(self, each: Schema, path: str) -> Iterator[str]:
        """Yield what differs by `type` or `do`: first what all have, then what each has of its own."""
        shapes = [self._resolved(case["then"]) for case in each["allOf"]]
        if self._kind == "entity":
            common = common_properties()
        else:
            first = shapes[0]["properties"]
            common = {key: first[key] for key in first if all(key in other["properties"] for other in shapes)}
        common = {key: value for key, value in common.items() if key not in {"type", "do"}}
        title = "Properties of every field" if self._kind == "entity" else "Properties of every step"
        yield f"### {self._word(title)}"
        yield ""
        yield from self._table(common, ())
        by = next(iter(each["properties"]))
        for made in shapes:
            name = made["properties"][by]["const"]
            yield f"#### {by}: {name}"
            yield ""
            own = {key: value for key, value in made["properties"].items() if key not in common and key != by}
            if own:
                yield from self._table(own, made.get("required", ()))
            else:
                yield self._word("Nothing of its own.")
                yield ""
            for key, inner in own.items():
                yield from self._inside(inner, f"{name}.{key}")


def _shown(value: Any) -> str:
    return {True: "true", False: "false"}.get(value, str(value)) if isinstance(value, bool) else str(value)


def write(root: Path = _ROOT) -> None:
    """Renew both files."""
    field_types()
    for language, name in FILES.items():
        path = root / name
        path.write_text(renewed(language, path.read_text(encoding="utf-8")), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    write()
