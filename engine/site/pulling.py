"""The way back: published documents written into the folder of a site, with what people wrote there kept as it is.

A file that says what was published stays untouched, comments and all. Of a file with several documents, only those
that differ are written anew.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.errors import DocumentsInvalid, GuanxiError
from engine.i18n import Message
from engine.metadata import Document, dump, read_bytes
from engine.metadata.document import by_place, document_files
from engine.site.folder import DOCUMENT_FOLDERS

Bodies = Mapping[str, Mapping[str, Any]]
_SEPARATOR = re.compile(r"^---[ \t]*(?:#.*)?\n?", re.MULTILINE)
_WORKFLOW_KINDS = frozenset({"workflow", "pool", "assignment", "sla", "calendar", "alert"})


@dataclass(frozen=True, slots=True)
class Pulled:
    """What pulling did; files are named relative to the site."""

    revision: int
    written: list[str]
    removed: list[str]


def pull(folder: Path, published: Bodies, base: Bodies | None, revision: int, *, force: bool) -> Pulled:
    """Write published documents into a folder.

    `base` holds the documents that the folder was taken from; whatever differs from them there was changed by hand.

    Raises:
        GuanxiError: documents were changed by hand, and `force` does not say to overwrite them.
        DocumentsInvalid: a file cannot be read, so nobody knows what is in it.
    """
    files = {file: _read(file, folder) for name in DOCUMENT_FOLDERS for file in _files(folder / name)}
    here = {document.id: document for documents in files.values() for document in documents}
    if not force:
        _refuse_changes(here, published, base)
    written, removed = [], []
    for file, documents in files.items():
        kept = [document for document in documents if document.id in published]
        name = file.relative_to(folder).as_posix()
        if documents and not kept:
            file.unlink()
            removed.append(name)
        elif len(kept) < len(documents) or any(_differs(document, published[document.id]) for document in kept):
            file.write_text(_rewritten(file, documents, published), encoding="utf-8", newline="\n")
            written.append(name)
    for id_ in sorted(set(published) - set(here)):
        kind, _, key = id_.partition("/")
        target = folder / ("workflows" if kind in _WORKFLOW_KINDS else "schemas") / kind / f"{key}.yaml"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(dump(published[id_]), encoding="utf-8", newline="\n")
        written.append(target.relative_to(folder).as_posix())
    return Pulled(revision, written, removed)


def _files(folder: Path) -> Sequence[Path]:
    return document_files(folder) if folder.is_dir() else ()


def _read(file: Path, folder: Path) -> list[Document]:
    documents, problems = read_bytes(file.read_bytes(), file.relative_to(folder).as_posix(), "site")
    if problems:
        raise DocumentsInvalid(sorted(problems, key=by_place))
    return documents


def _refuse_changes(here: Mapping[str, Document], published: Bodies, base: Bodies | None) -> None:
    changed = [
        id_
        for id_, document in here.items()
        if (base is None or _differs(document, base.get(id_))) and _differs(document, published.get(id_))
    ]
    changed += [id_ for id_ in base or () if id_ not in here and id_ in published]
    if changed:
        raise GuanxiError(
            Message(
                "These documents were changed here since and would be lost: {names} (overwrite them with --force)",
                names=", ".join(sorted(changed)),
            )
        )


def _differs(document: Document, body: Mapping[str, Any] | None) -> bool:
    return body is None or dump(document.body) != dump(body)


def _rewritten(file: Path, documents: Sequence[Document], published: Bodies) -> str:
    """Return a file with its published documents, those that did not change in the words that stand there."""
    text = file.read_text(encoding="utf-8-sig")
    parts = [part for part in _SEPARATOR.split(text) if part.strip()]
    own_words = file.suffix != ".json" and len(parts) == len(documents)
    said = []
    for number, document in enumerate(documents):
        body = published.get(document.id)
        if body is None:
            continue
        unchanged = own_words and not _differs(document, body)
        said.append(parts[number] if unchanged else dump(body))
    return "---\n".join(part if part.endswith("\n") else f"{part}\n" for part in said)
