"""`Site`: the one place where everything is put together. Whoever has a `Site` has the product, without any face."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from functools import cached_property, partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Self

from engine.alarms import Alarms, Upkeep
from engine.audit.meters import Meters
from engine.audit.rights import Rights
from engine.data.feed import Feed
from engine.data.files import Files, FileStore, Room
from engine.data.principal import SYSTEM, Principal
from engine.data.reader import Reader
from engine.data.records import Records
from engine.data.transfer import ExportOptions, Importer, ImportOptions, ImportReport
from engine.data.transfer.wanted import kind_of_file, named_options
from engine.duplicates import Lookalikes
from engine.errors import GuanxiError, SiteBroken
from engine.fields import register
from engine.hooks import Hooks
from engine.i18n import Message
from engine.identity import Identity
from engine.identity.base import Rules
from engine.identity.keeper import Keeper
from engine.identity.sso import SingleSignOn
from engine.identity.sso.settings import SignInSettings
from engine.identity.throttle import Throttle
from engine.jobs import Jobs
from engine.jobs.worker import Worker
from engine.mail import MailSettings, Post
from engine.notices import NoticeMails, Notices
from engine.outbound import Allowance, Outbound
from engine.personal.dashboards import Arrangements
from engine.personal.drafts import Drafts
from engine.personal.feeds import CalendarFeeds
from engine.personal.reports import OwnReports
from engine.personal.settings import PersonalSettings
from engine.personal.stars import Stars
from engine.personal.views import SavedViews
from engine.personal.visits import Visits
from engine.plugins import Plugin
from engine.proposals import Proposals
from engine.publish import ProcessOutdated, Published, Publisher
from engine.publish.models import Settings
from engine.site.appearance import name_of
from engine.site.cleaning import Cleaning, Swept
from engine.site.config import SiteConfig, read_config
from engine.site.documents import Found, site_plugins
from engine.site.duties import make_worker, take_up_duties
from engine.site.folder import create_folder
from engine.site.job_settings import JobSettings
from engine.site.keyed import audit_keys, vault_of
from engine.site.publishing import Folder
from engine.storage.database import Database
from engine.storage.migrations import migrate
from engine.transfers.acting import MassActs
from engine.transfers.export_rules import ExportRules
from engine.transfers.exporting import FOLDER as EXPORTS
from engine.transfers.exporting import Exports
from engine.transfers.importing import FOLDER as IMPORTS
from engine.transfers.importing import Imports
from engine.webhooks import Parts, Webhooks

if TYPE_CHECKING:
    from engine.data.explain import Explanation

_KEEPER = "identity"


class Site(Folder):
    """One site, open: its settings, its database, its people, its records."""

    def __init__(self, config: SiteConfig, plugins: Sequence[Plugin] = ()) -> None:
        self.config = config
        self.plugins = tuple(plugins)
        self.hooks = Hooks()
        self._register_plugins()
        self._secret = b""
        self._query_ms = config.limits.query_seconds * 1000 or None
        self._store()
        self._reach_out()
        self._let_in()
        self._work()
        self._transfer()
        self._watch()
        self._keep_for_people()
        self._exchange()
        self.publisher.trail = self.trail

    def _store(self) -> None:
        """Open the database, and put together what publishes documents and keeps records, their files and the log."""
        config, limits = self.config, self.config.limits
        _make_folder(config.database)
        self.database = Database(config.database)
        migrate(self.database)
        self.publisher = Publisher(
            self.database,
            self._layers,
            settings=Settings(config.languages, config.currency, config.timezone, limits.grace_days),
        )
        self.records = Records(self.database, self.publisher.models, self.hooks, vault=vault_of(config, self.database))
        self.publisher.backfill = self.records.backfill
        self.feed = Feed(self.database)
        self.trail = self.records.trail
        self.trail.key, self.trail.former_keys = audit_keys(config)
        self.meters = Meters(self.database)
        store = FileStore(config.files, most_bytes=limits.upload_megabytes * 2**20)
        room = Room(limits.files_megabytes * 2**20, limits.files_megabytes_per_person * 2**20)
        self.files = Files(store, self.records, room)

    def _reach_out(self) -> None:
        """Put together what leaves the site: requests to other programs, and mail."""
        config, outbound = self.config, self.config.outbound
        self.outbound = Outbound(Allowance(outbound.get("allow") or (), public=outbound.get("public") is not False))
        mail = MailSettings.read(config.mail, config.folder)
        mail = mail.called(name_of(config.site, config.languages[0])) if mail is not None else None
        self.post = Post(self.database, mail, config.data / "outbox", self.records.vault)

    def _let_in(self) -> None:
        """Put together who people are, and how they come in."""
        config, limits = self.config, self.config.limits
        rules = Rules.of(limits, config.base_url)
        self.identity = Identity(self.database, self.publisher, self.records, rules, self.post)
        settings = SignInSettings.read(config.sign_in, config.folder)
        self.sso = SingleSignOn(settings, self.identity, self.records, self.outbound)
        self.identity.gate = self.sso
        self.throttle = Throttle(self.database, limits.api_requests_per_minute)
        self.hooks.register(Keeper(self.database, self.publisher), _KEEPER)
        self.hooks.register(Rights(self.trail), "audit")

    def _work(self) -> None:
        """Put together what is done later, and by whom."""
        queues, note = JobSettings.read(self.config.jobs).queues, self.trail.note
        self.jobs = Jobs(self.database, self.identity.principal, zone=self.config.timezone, queues=queues, note=note)
        take_up_duties(self.jobs, self.clean_up, lambda: self.upkeep)

    def _watch(self) -> None:
        """Put together what rings, what is told of, and what is proposed or found alike."""
        self.alarms = Alarms(
            self.database,
            lambda: self.published,
            self.trail,
            self.meters,
            self.identity,
            self.post,
            self.reader_within,
            self.config.base_url,
        )
        self.notices = Notices(self.database, self.hooks, self.jobs)
        person, read = self.identity.principal, partial(self.reader_within, metered=False)
        mails = NoticeMails(self.database, self.notices, read, person, self.post, self.config.base_url)
        mails.register(self.jobs)
        self.proposals = Proposals(self.records, self.reader_within)
        self.duplicates = Lookalikes(self.records, self.jobs)

    def _keep_for_people(self) -> None:
        """Put together what one person has of their own."""
        self.settings, self.stars = PersonalSettings(self.database), Stars(self.database)
        self.visits, self.feeds = Visits(self.database), CalendarFeeds(self.database, self.trail)
        self.drafts = Drafts(self.database)
        self.views = SavedViews(self.database)
        self.arrangements, self.own_reports = Arrangements(self.database), OwnReports(self.database)

    def _transfer(self) -> None:
        """Put together what takes records into files and out of them."""
        config, limits = self.config, self.config.limits

        def keys() -> list[bytes]:
            return [each.encode() for each in (config.secret_key, *config.former_secret_keys)]

        self.exports = Exports(
            self.database,
            config.files / EXPORTS,
            self.reader_within,
            keys,
            self.jobs,
            self.trail,
            self.post,
            ExportRules(
                limits.export_rows,
                limits.export_at_once,
                limits.export_days,
                limits.export_megabytes * 2**20,
                **config.export,
            ),
            self.files.store,
            config.base_url,
        )
        self.many = MassActs(self.database, self.records, self.reader_within, self.jobs)
        self.imports = Imports(
            self.database,
            config.files / IMPORTS,
            self.publisher.models,
            self.records,
            self.files,
            self.jobs,
            self.trail,
            keys=keys,
            most_bytes=limits.import_megabytes * 2**20,
            days=limits.import_days,
        )

    def _exchange(self) -> None:
        """Put together what the site tells other programs, and what they may tell it."""
        parts = Parts(
            self.database, self.records, self.feed, self.outbound, self.post, self.identity.principal,
            partial(self.reader_within, metered=False), self.config.base_url,
        )  # fmt: skip
        self.webhooks = Webhooks(parts)
        self.webhooks.register(self.jobs)

    # --- life -----------------------------------------------------------------------------------------------------

    @classmethod
    def open(cls, folder: Path | str, *, database_url: str | None = None) -> Site:
        """Open the site in a folder; `database_url` wins over DATABASE_URL and its settings.

        Raises:
            SiteBroken: it cannot be opened; the message says what to do.
            DocumentsInvalid: guanxi.yaml, or a plugin, says what it cannot say.
        """
        config = read_config(Path(folder), database_url=database_url)
        site = cls(config, site_plugins(config))
        try:
            site.hooks.call("setup", site=site)
        except BaseException:
            site.close()
            raise
        return site

    @classmethod
    def create(cls, folder: Path | str, *, language: str = "en", database_url: str | None = None) -> Site:
        """Make the folder of a new site, open it and publish its packs.

        Raises:
            GuanxiError: there is something in the folder already.
        """
        create_folder(Path(folder), language=language, database=database_url)
        site = cls.open(folder, database_url=database_url)
        site.publish()
        return site

    @classmethod
    def temporary(cls, folder: Path, found: Found) -> Site:
        """Open a site with documents that were read elsewhere, in an empty folder, and publish them.

        Raises:
            DocumentsInvalid: they hold errors.
        """
        create_folder(folder / "site")
        fresh = read_config(folder / "site", database_url="sqlite:///data/site.sqlite")
        given = found.config
        config = SiteConfig(
            folder=fresh.folder,
            database=fresh.database,
            packs=found.packs,
            timezone=given.timezone if given else fresh.timezone,
            languages=given.languages if given else fresh.languages,
            currency=given.currency if given else fresh.currency,
            files=fresh.files,
        )
        site = cls(config, found.plugins)
        try:
            site.hooks.call("setup", site=site)
            site.publisher.publish(found.documents)
        except BaseException:
            site.close()
            raise
        return site

    @cached_property
    def upkeep(self) -> Upkeep:
        """What the site does by itself while it is served; whoever serves it starts and stops it."""
        housework = (self.notices.presence.forget, self.records.forget_shares, self.records.forget_keys)
        days = self.config.limits.audit_days
        manned = self.jobs.manned
        often = (self.visits.flush,)
        return Upkeep(
            self.trail, self.meters, self.alarms, audit_days=days, housework=housework, often=often, manned=manned
        )

    def worker(self, *, threads: int | None = None, kind: str = "worker") -> Worker:
        """Return what runs the jobs of the site; a process has one at most.

        Args:
            threads: how many at once; what guanxi.yaml says unless given.
            kind: worker, or server for one that lives beside a server.
        """
        return make_worker(self.config, self.jobs, threads=threads, kind=kind)

    def close(self) -> None:
        """Seal what was noted, and let go of the database."""
        self.visits.close()
        self.meters.close()
        self.trail.close()
        self.database.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def _register_plugins(self) -> None:
        for plugin in self.plugins:
            module = plugin.module()
            if module is not None:
                self.hooks.register(module, plugin.name)
        for types in self.hooks.call("field_types"):
            for field_type in types:
                register(field_type)

    # --- reading --------------------------------------------------------------------------------------------------

    @property
    def published(self) -> Published:
        """Return the revision that runs now, ready to work with.

        Raises:
            SiteBroken: nothing was published yet.
        """
        with self.database.read() as connection:
            return self._published(self.database.probe(connection)[0])

    @property
    def revision(self) -> int:
        """Return the number of the revision that runs; 0 before the first publication."""
        with self.database.read() as connection:
            return self.database.probe(connection)[0]

    def require_published(self) -> None:
        """Refuse to work on a site without tables.

        Raises:
            SiteBroken: nothing was published yet.
        """
        _ = self.published

    @contextmanager
    def reading(
        self, principal: Principal | Callable[[Any], Principal], *, limit_ms: int | None = None
    ) -> Iterator[Reader]:
        """Open one read transaction for a principal, pinned to the revision that runs.

        A callable is given the transaction to find out in it who asks: that spares a request a transaction.

        Raises:
            SiteBroken: nothing was published yet.
            DatabaseUnavailable: the database does not answer.
        """
        with self.database.read(limit_ms=limit_ms or self._query_ms) as connection:
            who = principal if isinstance(principal, Principal) else principal(connection)
            yield self.reader_within(connection, who)

    def reader_within(self, connection: Any, principal: Principal, *, metered: bool = True) -> Reader:
        """Return a reader in a transaction that is open already; unless `metered`, what it reads counts for nobody."""
        published = self._published(self.database.probe(connection)[0])
        secret, vault, meters = self._cursor_secret(), self.records.vault, self.meters if metered else None
        return Reader(connection, published, principal, secret=secret, meters=meters, vault=vault)

    def principal(self, user_id: str) -> Principal:
        """Return a person as the engine knows those who ask.

        Raises:
            SignInNeeded: there is no such person, or they may not sign in.
        """
        return self.identity.principal(user_id)

    def explain(
        self, user_id: str, action: str, entity: str, record_id: str | None = None, field: str | None = None
    ) -> Explanation:
        """Return which rule lets a person do something, or keeps them from it, as one may know who may know all.

        Raises:
            NotFound: there is no such person, entity, action, record or field.
        """
        from engine.data.explain import explain

        with self.reading(self.principal(user_id)) as reader:
            return explain(reader, action, entity, record_id, field, asker=reader.as_system())

    def _published(self, number: int) -> Published:
        if number == 0:
            raise SiteBroken(Message("The site was never published; run `guanxi publish` first"))
        try:
            return self.publisher.models.get(number)
        except ProcessOutdated:
            # Somebody published with newer packs: this process goes on reading with those that it knows.
            latest = self.publisher.models.latest()
            if latest is None:
                raise
            return latest

    def _cursor_secret(self) -> bytes:
        if not self._secret:
            key = ""
            with suppress(SiteBroken):
                key = self.config.secret_key
            self._secret = hashlib.sha256(b"cursor:" + key.encode()).digest()
        return self._secret

    def clean_up(self, now: datetime | None = None, *, dry_run: bool = False) -> list[Swept]:
        """Throw away what has had its time, and return what each step did; with `dry_run` what it would do.

        Raises:
            SiteBroken: nothing was published yet.
            DatabaseUnavailable: the database does not answer; the steps before have done their work.
        """
        self.require_published()
        parts = (self.database, self.publisher, self.records, self.files, self.exports, self.imports, self.trail)
        return Cleaning(*parts, self.config.limits, now, dry_run=dry_run).run()

    # --- many records ---------------------------------------------------------------------------------------------

    def import_file(
        self,
        principal: Principal,
        entity: str,
        file: Path,
        options: ImportOptions | None = None,
        *,
        progress: Callable[[int], None] | None = None,
    ) -> ImportReport:
        """Read records from a file; `progress` is told of bytes that were worked through.

        Raises:
            GuanxiError: the file or its mapping cannot be used.
            AccessDenied: the principal may not import.
        """
        importer = Importer(self.database, self.publisher.models, self.records, principal, entity)
        asked = options or ImportOptions()
        ledger = None if asked.dry_run else self.imports.command_ledger(principal, entity, file, asked)
        return importer.run(file, asked, progress or (lambda _bytes: None), ledger)

    def export(
        self,
        principal: Principal,
        entity: str,
        stream: IO[bytes],
        options: ExportOptions | None = None,
        *,
        progress: Callable[[int], None] = lambda _count: None,
        **wanted: Any,
    ) -> int:
        """Write records to a stream and return how many; `progress` is told how many there are so far.

        Without `options`, those of `ExportOptions` may be given by name; `where` may be text.

        Raises:
            QueryInvalid: a field or condition cannot be used.
            AccessDenied: the principal may not export, or not so many records, or must say why.
        """
        asked = options or named_options(wanted)
        with self.database.read() as connection:
            reader = self.reader_within(connection, principal)
            allowance = self.exports.allowance(reader)
            allowance.require_reason(asked)
            exporter = self.exports.exporter(reader, entity, asked, allowance)
            try:
                return exporter.write(stream, progress)
            finally:
                # Also of one that was broken off: what was written may be in somebody's hands.
                if exporter.done or exporter.count:
                    self.trail.tell(exporter.act())

    def export_file(
        self,
        principal: Principal,
        entity: str,
        file: Path,
        options: ExportOptions | None = None,
        *,
        progress: Callable[[int], None] = lambda _count: None,
        **wanted: Any,
    ) -> int:
        """Write records to a file, whole or not at all; its suffix says how unless `options` do. Return how many.

        Raises:
            GuanxiError: the suffix is none that can be written, or the file cannot be.
            QueryInvalid, AccessDenied: as `export`.
        """
        if options is None:
            options = named_options({"kind": kind_of_file(file), **wanted})
        partial = file.with_name(f".{file.name}.part")
        try:
            with partial.open("wb") as stream:
                count = self.export(principal, entity, stream, options, progress=progress)
            partial.replace(file)
        except OSError as error:
            raise GuanxiError(
                Message("{file} cannot be written: {why}", file=str(file), why=error.strerror or "")
            ) from error
        finally:
            partial.unlink(missing_ok=True)
        return count

    def undo(self, principal: Principal, change_set: str) -> Any:
        """Take a change set back and return what became of its records.

        Raises:
            NotFound: there is no such change set.
        """
        return self.records.undo(principal, change_set)


def _make_folder(url: str) -> None:
    scheme, _, path = url.partition(":///")
    if scheme.startswith("sqlite") and path:
        with suppress(OSError):
            Path(path).parent.mkdir(parents=True, exist_ok=True)


__all__ = ["SYSTEM", "Site"]
