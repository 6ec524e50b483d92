"""Layers: what packs, plugins and the site say about one thing, composed under the policies of the meta-schemas.

Whatever a layer says about a document of a lower one is a patch: it holds the difference only. Nothing is
positional, so a patch cannot miss its place. A null in a patch takes back what a lower layer says.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from engine.errors import Place, Problem
from engine.i18n import Message
from engine.metadata.document import Document, PathKey, join
from engine.metadata.kinds import shape
from engine.metadata.shape import Shape

LayerKind = Literal["core", "pack", "plugin", "site"]
Path = tuple[PathKey, ...]


@dataclass(frozen=True, slots=True)
class Layer:
    """The documents of one source: the core, a pack, a plugin, or the site itself."""

    name: str
    kind: LayerKind
    documents: tuple[Document, ...]
    prefix: str
    """Of its tables: "core_", "crm_", "s_" for the site."""
    problems: tuple[Problem, ...] = ()
    """What was wrong in its files when they were read."""

    @property
    def key_prefix(self) -> str:
        """What a key begins with that it adds to a document of another layer."""
        return "x_" if self.kind == "site" else f"{self.name}_"


@dataclass(slots=True)
class Composed:
    """All documents, each with what every layer says of it."""

    documents: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    """By "kind/name"."""
    origins: dict[str, list[Document]] = field(default_factory=dict)
    """The documents that each was composed of, lowest layer first."""
    layers: dict[str, Layer] = field(default_factory=dict)
    """The layer that defines it, by "kind/name"."""
    provenance: dict[str, str] = field(default_factory=dict)
    """`entity/lead#/fields/company/required` -> name of the layer that says so; for what a higher layer says only."""
    problems: list[Problem] = field(default_factory=list)
    gone: set[str] = field(default_factory=set)
    """Names that were refused or taken out: that they are missing is no mistake of who uses them."""
    unread: bool = False
    """Whether a file could not be read, so that nobody knows what it defines."""

    def origin(self, doc: str, path: Path = ()) -> Document:
        """Return the highest document that says something at a path, else the one that comes nearest."""
        documents = self.origins[doc]
        if len(documents) == 1:
            return documents[0]
        best, reach = documents[0], -1
        for document in reversed(documents):
            length = _reach(document.body, path)
            if length > reach:
                best, reach = document, length
        return best

    def place(self, doc: str, path: Path = (), *, key: bool = False) -> Place:
        """Return where something is said."""
        return self.origin(doc, path).place(path, key=key)


def _reach(body: Any, path: Path) -> int:
    for length, part in enumerate(path):
        if (isinstance(body, Mapping) and part in body) or (
            isinstance(body, list) and isinstance(part, int) and part < len(body)
        ):
            body = body[part]  # type: ignore[index]
        else:
            return length
    return len(path)


def compose(layers: Sequence[Layer]) -> Composed:
    """Compose the documents of all layers, lowest first."""
    composed = Composed()
    for layer in layers:
        composed.problems += layer.problems
        composed.unread |= any(each.severity == "error" for each in layer.problems)
        own: dict[str, Document] = {}
        for document in layer.documents:
            first = own.setdefault(document.id, document)
            if first is document:
                _add(composed, layer, document)
            else:
                message = Message("{kind} {name} is given twice", kind=document.kind, name=repr(document.name))
                advice = Message("the first one is at {place}", place=str(first.place()))
                composed.problems.append(Problem(message, document.place(), "", "given_twice", advice))
    return composed


def _add(composed: Composed, layer: Layer, document: Document) -> None:
    below = composed.documents.get(document.id)
    if below is None:
        body = _without_nulls(shape(document.kind), document.body) if document.nulls else document.body
        composed.documents[document.id] = body
        composed.origins[document.id] = [document]
        composed.layers[document.id] = layer
        return
    lower = composed.layers[document.id]
    if document.kind == "entity" and _defines(document, layer, below):
        message = Message(
            "the layers {lower} and {upper} both define entity {name}",
            lower=lower.name,
            upper=layer.name,
            name=repr(document.name),
        )
        advice = Message(
            "give yours another key and say renamed_from: {name}, or keep only the difference, new keys with {prefix}",
            name=document.name,
            prefix=layer.key_prefix,
        )
        place = document.place()
        composed.problems.append(Problem(message, place, document.kind, "defined_twice", advice))
        return
    composed.origins[document.id].append(document)
    merge = _Merge(composed, layer, document)
    composed.documents[document.id] = merge.map(shape(document.kind), below, document.body, ())


def _defines(document: Document, layer: Layer, below: Mapping[str, Any]) -> bool:
    """Whether a document says all of an entity: it stands for itself and is no patch."""
    fields = document.body.get("fields")
    if "title" not in document.body or not isinstance(fields, Mapping) or not fields:
        return False
    known = below.get("fields")
    known = known if isinstance(known, Mapping) else {}
    strangers = 0
    for key, each in fields.items():
        if not isinstance(each, Mapping) or "type" not in each:
            return False
        other = known.get(key)
        same = isinstance(other, Mapping) and other.get("type") == each["type"]
        strangers += not same and not key.startswith(layer.key_prefix)
    return strangers > 0


def _has_null(value: Any) -> bool:
    if value is None:
        return True
    if isinstance(value, dict):
        return any(map(_has_null, value.values()))
    return isinstance(value, list) and any(map(_has_null, value))


def _without_nulls(node: Shape | None, value: Any) -> Any:
    """Return a value without its nulls: nothing said, or an empty map where one belongs."""
    if not _has_null(value):
        return value
    if isinstance(value, dict) and (node is None or not node.null):
        kept: dict[str, Any] = {}
        for key, each in value.items():
            inner = node.part(key, value) if node is not None else None
            # A key that cannot be one stays to be found wrong: often the rest of a text with a comma in it.
            strange = node is not None and inner is node.extra and node.names is not None and node.names(key)
            if each is not None or strange or (inner is not None and inner.null):
                kept[key] = _without_nulls(inner, each)
            elif inner is not None and "object" in inner.types and not inner.text:
                kept[key] = {}
        return kept
    if isinstance(value, list) and node is not None and node.items is not None:
        return [_without_nulls(node.items, each) for each in value]
    return value


class _Merge:
    """One patch, applied to what lower layers say."""

    def __init__(self, composed: Composed, layer: Layer, document: Document) -> None:
        self._composed, self._layer, self._document = composed, layer, document
        self._lower = composed.layers[document.id]

    def map(self, node: Shape, below: Mapping[str, Any], patch: Mapping[str, Any], path: Path) -> dict[str, Any]:
        """Return a map of a lower layer with a patch applied."""
        made = dict(below)
        for key, value in patch.items():
            inner = node.part(key, below) or node.part(key, patch)
            here = (*path, key)
            if not path and key == self._document.kind:
                continue
            if inner is None:
                made[key] = value  # The check of shapes says that nothing of that name may stand here.
            elif key in below:
                self._change(made, node, key, value, here)
            elif value is not None or inner.null:
                self._new(made, node, inner, key, value, here)
            elif "object" in inner.types and not inner.text:
                self._new(made, node, inner, key, {}, here)
        return made

    def _change(self, made: dict[str, Any], node: Shape, key: str, value: Any, path: Path) -> None:
        below = made[key]
        inner = node.part(key, made)
        if inner is None:
            return
        if value is None and not inner.null:
            self._take_back(made, node, inner, key, path)
        elif value == below and type(value) is type(below):
            pass
        elif isinstance(value, Mapping) and isinstance(below, Mapping) and (inner.policy == "merge" or inner.text):
            made[key] = self.map(inner, below, value, path)
        elif inner.policy == "merge" and isinstance(below, Mapping) and (faults := inner.check(value)):
            for fault in faults:
                self._problem(fault.message, (*path, *reversed(fault.path)), fault.code, fault.advice)
        else:
            refusal = self._refusal(inner, below, value)
            if refusal is None:
                made[key] = self._said(_without_nulls(inner, value), path)
            else:
                self._problem(refusal, path, "policy", self._fixed_by())

    def _take_back(self, made: dict[str, Any], node: Shape, inner: Shape, key: str, path: Path) -> None:
        entry = node.extra is inner
        kept = not node.removable if entry else inner.extra is not None and not inner.removable and not inner.text
        if not kept and (entry or inner.policy in {"free", "merge"}):
            del made[key]
            self._said(None, path)
        elif kept:
            message = Message("{key} of layer {layer} cannot be taken away", key=repr(key), layer=self._lower.name)
            self._problem(message, path, "policy", Message("say hidden: true to take it from the screens"))
        else:
            message = Message("{key} of layer {layer} cannot be taken back", key=repr(key), layer=self._lower.name)
            self._problem(message, path, "policy", None)

    def _new(self, made: dict[str, Any], node: Shape, inner: Shape, key: str, value: Any, path: Path) -> None:
        if node.prefix and not key.startswith(self._layer.key_prefix):
            self._composed.gone.add(key)
            self._problem(*self._prefix_missing(made, key, path))
            return
        if inner.policy in {"locked", "widen"} and node.extra is None:
            refusal = None if value == inner.default else self._refusal(inner, inner.default, value)
            if refusal is not None:
                self._problem(refusal, path, "policy", self._fixed_by())
                return
        made[key] = self._said(_without_nulls(inner, value), path)

    def _prefix_missing(self, made: Mapping[str, Any], key: str, path: Path) -> tuple[Message, Path, str, Message]:
        message = Message(
            "{key} is new in a document of layer {layer} and must begin with {prefix}",
            key=repr(key),
            layer=self._lower.name,
            prefix=self._layer.key_prefix,
        )
        close = difflib.get_close_matches(key, list(made), 1, 0.75)
        if close:
            return message, path, "prefix", Message("did you mean {name}?", name=repr(close[0]))
        return message, path, "prefix", Message("write {word}", word=self._layer.key_prefix + key)

    def _said(self, value: Any, path: Path) -> Any:
        self._composed.provenance[f"{self._document.id}#/{join(path)}"] = self._layer.name
        return value

    def _refusal(self, inner: Shape, below: Any, value: Any) -> Message | None:
        """Return why a value may not replace the one of a lower layer; None when it may."""
        match inner.policy:
            case "locked":
                return Message("this cannot be changed")
            case "tighten" if below is True and value is False:
                return Message("this is true below and cannot be made false")
            case "widen":
                return _narrower(below, value)
        return None

    def _fixed_by(self) -> Message:
        return Message("layer {layer} says so", layer=self._lower.name)

    def _problem(self, message: Message, path: Path, code: str, advice: Message | None) -> None:
        place = self._document.place(path, key=code == "prefix")
        self._composed.problems.append(Problem(message, place, join(path), code, advice))


def _narrower(below: Any, value: Any) -> Message | None:
    if isinstance(below, list) and isinstance(value, list):
        missing = [str(each) for each in below if each not in value]
        return Message("this may only grow, and lacks {names}", names=", ".join(missing)) if missing else None
    if isinstance(below, (int, float)) and isinstance(value, (int, float)) and value < below:
        return Message("this may only grow: it is {value} below", value=below)
    if below is None and isinstance(value, (int, float)):
        return Message("this may only grow, and has no limit below")
    return None


def layer_of(name: str, kind: LayerKind, documents: Iterable[Document], problems: Iterable[Problem] = ()) -> Layer:
    """Return a layer with the table prefix that follows from its name."""
    return Layer(name, kind, tuple(documents), "s_" if kind == "site" else f"{name}_", tuple(problems))
