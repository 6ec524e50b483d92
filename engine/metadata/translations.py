"""Labels that `translation` documents add, by the path of what they name."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from typing import Any

from engine.errors import Problem
from engine.i18n import Message
from engine.metadata.document import join
from engine.metadata.layers import Composed

Labels = Mapping[str, Mapping[str, str]]
"""`entity/lead#/fields/company/label` -> language -> words."""


def read_translations(composed: Composed) -> Labels:
    """Return all labels; note those that name nothing, which stop nobody."""
    found: dict[str, dict[str, str]] = {}
    for doc, body in composed.documents.items():
        if not doc.startswith("translation/"):
            continue
        language = body.get("language", doc.partition("/")[2])
        if re.fullmatch(r"[a-z]{2,3}([-_][A-Za-z0-9]+)*", language) is None:
            advice = Message("add language: ja, or name the document after its language")
            message = Message("{name} is no language", name=repr(language))
            place = composed.place(doc, ("translation",))
            composed.problems.append(Problem(message, place, "translation", "language", advice))
            continue
        for path, words in (body.get("labels") or {}).items():
            target = _target(composed.documents, path)
            if target is None:
                _unknown(composed, doc, path)
            else:
                found.setdefault(target, {})[language] = words
    return found


def labels_of(documents: Mapping[str, Mapping[str, Any]]) -> Labels:
    """Return the labels that the documents of a Model add to one another, as `read_translations` does."""
    found: dict[str, dict[str, str]] = {}
    for doc, body in documents.items():
        if doc.startswith("translation/"):
            language = body.get("language", doc.partition("/")[2])
            for path, words in (body.get("labels") or {}).items():
                target = _target(documents, path)
                if target is not None:
                    found.setdefault(target, {})[language] = words
    return found


def _target(documents: Mapping[str, Mapping[str, Any]], path: str) -> str | None:
    """Return `kind/name#/path` of a label, None when there is no such thing to name."""
    kind, separator, rest = path.partition("/")
    if separator:
        name, _, inner = rest.partition("/")
        parts = inner.split("/")
    else:
        kind = "entity"
        name, _, inner = path.partition(".")
        parts = inner.split(".")
    body: Any = documents.get(f"{kind}/{name}")
    if body is None or not parts[0]:
        return None
    for part in parts[:-1]:
        body = body.get(part) if isinstance(body, Mapping) else None
        if body is None:
            return None
    return f"{kind}/{name}#/{join(parts)}" if isinstance(body, Mapping) else None


def _unknown(composed: Composed, doc: str, path: str) -> None:
    close = difflib.get_close_matches(path, list(_paths(composed.documents)), 1, 0.8)
    advice = Message("did you mean {name}?", name=repr(close[0])) if close else None
    message = Message("there is nothing to name at {path}", path=repr(path))
    place = composed.place(doc, ("labels", path), key=True)
    composed.problems.append(Problem(message, place, join(("labels", path)), "no_label", advice, "warning"))


def _paths(documents: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Yield the paths of the labels of entities and their fields, for suggestions."""
    for doc, body in documents.items():
        kind, _, name = doc.partition("/")
        if kind == "entity":
            yield f"{name}.label"
            for key in body.get("fields") or {}:
                yield f"{name}.fields.{key}.label"
        else:
            yield f"{doc}/title"
