"""What is edited in the browser: documents kept as drafts, looked at as a plan, and published together.

A draft is a whole document of the site layer. Nobody works with it before it is published, and until then the folder
of the site knows nothing of it: `guanxi pull` writes it there afterwards.
"""

from __future__ import annotations

import copy
import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from difflib import unified_diff
from typing import Any

from engine.errors import NotFound
from engine.i18n import Message
from engine.metadata.document import Document
from engine.metadata.layers import Layer
from engine.metadata.model import Model
from engine.metadata.syntax import dump
from engine.publish import revisions
from engine.publish.publisher import Publisher
from engine.publish.revisions import Revision
from engine.storage.changes import Plan
from engine.storage.database import Database
from engine.storage.publication_lock import publication_lock

_AROUND = 3


@dataclass(frozen=True, slots=True)
class Drafted:
    """One document that is edited and not published yet."""

    kind: str
    name: str
    author_id: str | None
    updated_at: dt.datetime
    lines: tuple[str, ...]
    """How its text differs from what runs; each line begins with "+", "-", " " or "@@"."""


class Drafting:
    """The drafts of one site: all administrators see the same."""

    def __init__(self, database: Database, publisher: Publisher, layers: Callable[[], Sequence[Layer]]) -> None:
        self._database, self._publisher, self._layers = database, publisher, layers

    def model(self) -> Model:
        """Return the Model that would run if the drafts were published.

        Raises:
            PullFirst: a document was published by somebody else since its draft was begun.
            DocumentsInvalid: the drafts hold errors.
            ProcessOutdated: this process is older than what is published.
        """
        running = self._publisher.models.get(self._publisher.current().number).model
        documents, base = self._publisher.drafted()
        if not self._publisher.drafts():
            return running
        return self._publisher.models.build([*self._layers(), revisions.site_layer(documents)], base + 1)

    def documents(self) -> list[Drafted]:
        """Return the documents that are edited, by kind and name."""
        running = self._publisher.current().documents
        return [
            Drafted(
                each.kind, each.name, each.author_id, each.updated_at,
                _differences(running.get(f"{each.kind}/{each.name}"), each.body),
            )
            for each in self._publisher.drafts()
        ]  # fmt: skip

    def set_options(
        self, entity: str, field: str, conditions: Mapping[str, str | None], *, author: str | None = None
    ) -> None:
        """Draft conditions of the options of a field; None where an option may always be chosen.

        Options that are not named keep theirs. Whether the conditions can be is found out by `plan`.

        Raises:
            PullFirst: the document was published by somebody else since its draft was begun.
            DatabaseUnavailable: a publication took longer than a minute.
        """
        with publication_lock(self._database):
            documents, _base = self._publisher.drafted()
            known = next((each.body for each in documents if each.id == f"entity/{entity}"), {"entity": entity})
            body = _with_options(known, field, conditions, self._below(entity, field))
            running = self._publisher.current().documents.get(f"entity/{entity}", {"entity": entity})
            if body == running:
                self._publisher.drop_drafts([("entity", entity)])
            else:
                self._publisher.save_draft("entity", entity, body, author)

    def _below(self, entity: str, field: str) -> frozenset[str]:
        """Return the options that a layer below the site has conditions for."""
        bodies = [each.body for layer in self._layers() for each in layer.documents if each.id == f"entity/{entity}"]
        return frozenset(option for body in bodies for option in _part(body, "fields", field, "options_when"))

    def plan(self, *, accept: Mapping[str, int] | None = None) -> Plan:
        """Return what publishing the drafts would change.

        Raises:
            PullFirst, DocumentsInvalid: as `model`.
        """
        documents, _base = self._publisher.drafted()
        return self._publisher.plan(documents, accept=accept)

    def publish(
        self, *, author: str | None, comment: str | None = None, accept: Mapping[str, int] | None = None
    ) -> Revision:
        """Publish the drafts, all together, and return the new revision.

        Raises:
            PullFirst, DocumentsInvalid: as `model`.
            PlanRefused, DatabaseUnavailable: as `Publisher.publish`.
        """
        documents, base = self._publisher.drafted()
        revision = self._publisher.publish(documents, base=base, author=author, comment=comment, accept=accept)
        # A draft that says what ran already made no revision, and is nothing to publish any more.
        self._publisher.drop_drafts(
            [(each.kind, each.name) for each in self._publisher.drafts() if _is(each, documents)]
        )
        return revision

    def discard(self, kind: str, name: str) -> None:
        """Throw a draft away.

        Raises:
            NotFound: there is none.
        """
        if not any((each.kind, each.name) == (kind, name) for each in self._publisher.drafts()):
            raise NotFound(Message("There is no draft of {name}", name=f"{kind}/{name}"))
        self._publisher.drop_drafts([(kind, name)])


def _is(draft: revisions.Draft, documents: Sequence[Document]) -> bool:
    body = next((each.body for each in documents if each.id == f"{draft.kind}/{draft.name}"), None)
    return draft.body == body


def _part(body: Mapping[str, Any], *path: str) -> Mapping[str, Any]:
    found: Any = body
    for key in path:
        found = found.get(key) if isinstance(found, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def _with_options(
    body: Mapping[str, Any], field: str, conditions: Mapping[str, str | None], below: frozenset[str]
) -> dict[str, Any]:
    """Return a document with other conditions; what nothing is said of any more leaves no trace."""
    made: dict[str, Any] = copy.deepcopy(dict(body))
    fields = made.setdefault("fields", {})
    part = fields[field] = dict(fields.get(field) or {})
    said = dict(part.get("options_when") or {})
    for option, text in conditions.items():
        if text is not None:
            said[option] = text
        elif option in below:
            said[option] = None
        else:
            said.pop(option, None)
    part["options_when"] = said
    if not said:
        del part["options_when"]
    if not part:
        del fields[field]
    if not fields:
        del made["fields"]
    return made


def _differences(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> tuple[str, ...]:
    old, new = ("" if body is None else dump(body) for body in (before, after))
    lines = unified_diff(old.splitlines(), new.splitlines(), lineterm="", n=_AROUND)
    return tuple(line for line in lines if not line.startswith(("---", "+++")))
