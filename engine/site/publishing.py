"""What a site does with the documents of its folder: read, plan, publish, pull, go back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress

from engine.errors import DocumentsInvalid, GuanxiError, PullFirst
from engine.i18n import Message
from engine.metadata import Document, Layer
from engine.metadata.document import by_place
from engine.plugins import Plugin
from engine.publish import Plan, Publisher, Revision
from engine.publish.drafting import Drafting
from engine.publish.revisions import Entry, load
from engine.site.config import SiteConfig
from engine.site.documents import lower_layers, site_documents
from engine.site.folder import base_revision, remember_base
from engine.site.pulling import Pulled, pull
from engine.storage.database import Database


class Folder:
    """The folder of a site, and what is published from it."""

    config: SiteConfig
    plugins: tuple[Plugin, ...]
    database: Database
    publisher: Publisher

    def _layers(self) -> list[Layer]:
        return lower_layers(self.config.packs, self.plugins)

    @property
    def drafting(self) -> Drafting:
        """What is edited in the browser and not published yet."""
        return Drafting(self.database, self.publisher, self._layers)

    def documents(self) -> list[Document]:
        """Read the documents of the folder.

        Raises:
            DocumentsInvalid: a file cannot be read.
        """
        documents, problems = site_documents(self.config.folder, base=self.config.folder)
        if problems:
            raise DocumentsInvalid(sorted(problems, key=by_place))
        return documents

    def plan(self, *, accept: Mapping[str, int] | None = None) -> Plan:
        """Return what publishing the folder would change.

        Raises:
            DocumentsInvalid: the documents hold errors.
        """
        return self.publisher.plan(self.documents(), accept=accept)

    def publish(
        self,
        *,
        accept: Mapping[str, int] | None = None,
        comment: str | None = None,
        base: int | None = None,
        author: str | None = None,
    ) -> Revision:
        """Publish the folder; the revision that runs when nothing differs.

        Raises:
            DocumentsInvalid: the documents hold errors.
            PullFirst: somebody published from elsewhere since the folder was taken.
            PlanRefused: values would be lost that `accept` does not name.
        """
        documents = self.documents()
        running = self.publisher.current()
        self._require_base(documents, running, base)
        for plugin in self.plugins:
            plugin.migrate(self.database)
        revision = self.publisher.publish(documents, base=running.number, accept=accept, comment=comment, author=author)
        remember_base(self.config.folder, revision.number, revision.checksum)
        return revision

    def _require_base(self, documents: Sequence[Document], running: Revision, base: int | None) -> None:
        """Refuse to publish over what somebody else published since."""
        if running.number == 0 or not running.documents or base == running.number:
            return
        known = base_revision(self.config.folder) if base is None else (base, None)
        if known is not None:
            number, checksum = known
            if number == running.number and checksum in {None, running.checksum}:
                return
            with self.database.read() as connection, suppress(GuanxiError):
                taken = load(connection, number)
                if taken.documents == running.documents and checksum in {None, taken.checksum}:
                    # Newer packs took effect since; nobody changed the site's own documents.
                    return
        if {document.id: dict(document.body) for document in documents} == dict(running.documents):
            return
        raise PullFirst(
            Message(
                "Revision {number} was published from elsewhere: `guanxi pull` first (--base {number} says that"
                " the folder holds it)",
                number=running.number,
            )
        )

    def pull(self, *, force: bool = False) -> Pulled:
        """Write the published documents into the folder.

        Raises:
            GuanxiError: documents were changed there, and `force` does not say to overwrite them.
        """
        running = self.publisher.current()
        known = base_revision(self.config.folder)
        base = None
        if known is not None:
            with self.database.read() as connection, suppress(GuanxiError):
                base = load(connection, known[0]).documents
        pulled = pull(self.config.folder, running.documents, base, running.number, force=force)
        remember_base(self.config.folder, running.number, running.checksum)
        return pulled

    def history(self, limit: int = 50) -> list[Entry]:
        """Return the newest publications, newest first."""
        return self.publisher.history(limit)

    def rollback(self, number: int, *, accept: Mapping[str, int] | None = None) -> Revision:
        """Publish the documents of an older revision again, as a new one.

        Raises:
            NotFound: there is no such revision.
            PlanRefused: values would be lost that `accept` does not name.
        """
        return self.publisher.rollback(number, accept=accept)

    def purge(self, *, dry_run: bool = False) -> list[str]:
        """Drop retired columns and tables whose time of grace is over, and return what they held."""
        return [str(item) for item in self.publisher.purge(dry_run=dry_run)]
