"""Running the tests of documents: each in a transaction that is rolled back, at the hour that it says.

The documents are published into a database of their own in a temporary folder, so a test never meets real data.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from engine import clock
from engine.data.batch import Change, Written
from engine.data.principal import SYSTEM, Principal
from engine.data.query import Query
from engine.data.reader import Reader
from engine.errors import AccessDenied, BadValue, DocumentsInvalid, GuanxiError, NotFound, RecordInvalid
from engine.expression import parse
from engine.i18n import Message
from engine.metadata.document import Document
from engine.metadata.model import Entity, Field, Model
from engine.scenario.given import VIA, Given
from engine.scenario.outcome import Outcome, ScenarioResult, said
from engine.site.documents import read_documents
from engine.site.site import Site

_ACTOR = "whoever acts"
_CREATED = "created"


class _RollBack(Exception):
    """Nothing that a test writes is kept."""


def run_scenarios(site_folder: Path, path: Path | None = None) -> Outcome:
    """Run the tests of a site, or only those in a file or folder; a folder outside of any site is one by itself.

    Raises:
        DocumentsInvalid: the documents hold errors.
        GuanxiError: there is no test.
    """
    found = read_documents(site_folder, path)
    tests = [document for document in found.tests if document.kind == "test"]
    if not tests:
        raise GuanxiError(Message("There are no tests: no document begins with `test:`"))
    with tempfile.TemporaryDirectory(prefix="guanxi-test-") as folder:
        site = Site.temporary(Path(folder), found)
        try:
            return _Run(site, found.documents or tests).run(tests)
        finally:
            site.close()


class _Run:
    """One site, and its tests one after the other."""

    def __init__(self, site: Site, documents: Sequence[Document]) -> None:
        self._site = site
        self._model: Model = site.published.model
        own = {document.name for document in documents if document.kind == "entity"}
        if not own:
            own = {entity for document in documents for entity in (document.body.get("given") or {})}
        self.outcome = Outcome(rules=frozenset(_rules(self._model, own)))

    def run(self, tests: Iterable[Document]) -> Outcome:
        for document in tests:
            failures = tuple(self._one(document))
            self.outcome.results.append(ScenarioResult(document.name, document.place(), failures))
        self.outcome.covered &= self.outcome.rules
        return self.outcome

    def _one(self, document: Document) -> list[Message]:
        failures: list[Message] = []
        with ExitStack() as stack:
            moment = self._moment(document.body.get("now"))
            if isinstance(moment, Message):
                return [moment]
            if moment is not None:
                stack.enter_context(clock.set_to(moment))
            try:
                with self._site.database.write() as connection:
                    scene = _Scene(self._site, self._model, connection, document.body)
                    failures += scene.play()
                    self.outcome.covered |= scene.covered
                    raise _RollBack  # noqa: TRY301 - the transaction must see it
            except _RollBack:
                pass
            except GuanxiError as error:
                failures.append(Message("{why}", why=said(error)))
        return failures

    def _moment(self, text: Any) -> datetime | Message | None:
        if text is None:
            return None
        try:
            moment = datetime.fromisoformat(str(text))
        except ValueError:
            return Message("{text} is no moment, such as 2026-03-01T09:00", text=repr(text))
        return moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(self._model.timezone))


def _rules(model: Model, entities: Iterable[str]) -> Iterator[str]:
    for key in entities:
        entity = model.entities.get(key)
        if entity is None:
            continue
        yield from (f"{key}.checks.{check}" for check in entity.checks)
        if entity.states is not None:
            yield from (f"{key}.states.{transition}" for transition in entity.states.transitions)


class _Scene:
    """One test: given, when, then."""

    def __init__(self, site: Site, model: Model, connection: Any, body: Mapping[str, Any]) -> None:
        self._site, self._model, self._connection, self._body = site, model, connection, body
        self._records = site.records
        self.covered: set[str] = set()
        self._given = Given(model, site.records, connection, body.get("given") or {}, None)
        self._principal = SYSTEM
        self._before: Mapping[str, Any] = {}
        self._target: tuple[str, str] | None = None
        """Entity and id of the record that it is about."""

    def play(self) -> list[Message]:
        """Play the scene and return what is not as the test says."""
        when, then = self._body["when"], self._body["then"]
        self._principal = self._actor(when.get("as"))
        self._given.owner = self._principal.id
        self._given.make_all()
        error: GuanxiError | None = None
        try:
            with self._step():
                self._act(when)
        except (RecordInvalid, AccessDenied, NotFound) as refused:
            error = refused
        if error is not None:
            return self._judge_refusal(error, then)
        if "refused" in then or then.get("denied"):
            return [Message("It went through, and should have been refused")]
        self._cover_transition()
        return self._judge(then)

    @contextmanager
    def _step(self) -> Iterator[None]:
        # What a refused step wrote before it was refused must not be seen by what is asked afterwards.
        with self._connection.begin_nested():
            yield

    # --- given and when -------------------------------------------------------------------------------------------

    def _actor(self, said: str | None) -> Principal:
        if said is None:
            return SYSTEM
        given = (self._body.get("given") or {}).get("user") or {}
        if said not in given and said not in self._model.roles:
            raise GuanxiError(Message("There is no role {role}, and no given user of that name", role=repr(said)))
        values: dict[str, Any] = {}
        if said not in given:
            values = {"name": said, "email": f"{said}@test.example", "roles": [said]}
            [written] = self._records.create(SYSTEM, "user", [values], via=VIA, connection=self._connection)
            self._given.name("user", said, written.id)
            user_id = written.id
        else:
            user_id = self._given.id("user", said)
        return self._site.identity.principal_within(self._connection, user_id)

    def _act(self, when: Mapping[str, Any]) -> None:
        given = when.get("set") or {}
        if "create" in when:
            kind = self._model.entity(when["create"])
            values = self._given.values(kind, given)
            self._given._complete(kind, values, _CREATED)  # noqa: SLF001 - one module in two files
            [written] = self._records.create(self._principal, kind.key, [values], via=VIA, connection=self._connection)
            self._done(kind.key, written, when.get("name") or _CREATED)
            return
        verb = next((each for each in ("update", "delete", "restore", "read") if each in when), "row")
        if verb == "row" and "transition" not in when:
            raise GuanxiError(
                Message("A test says what happens: create, update, delete, restore, read, or row and transition")
            )
        entity, id_ = self._named(when.get(verb))
        self._target = (entity, id_)
        kind = self._model.entity(entity)
        self._before = self._stored(kind, id_, trashed=verb == "restore")
        values = self._given.values(kind, given)
        call: dict[str, Any] = {"via": VIA, "connection": self._connection}
        if verb == "update":
            self._records.update(self._principal, entity, [Change(id_, values)], **call)
        elif verb == "delete":
            self._records.delete(self._principal, entity, [id_], **call)
        elif verb == "restore":
            self._records.restore(self._principal, entity, [id_], **call)
        elif verb == "read":
            self._reader(self._principal).record(entity, id_)
        else:
            self._records.transition(self._principal, entity, [id_], when["transition"], values or None, **call)

    def _done(self, entity: str, written: Written, name: str) -> None:
        self._target = (entity, written.id)
        self._given.name(entity, name, written.id)

    def _named(self, name: Any) -> tuple[str, str]:
        found = self._given.find(str(name))
        if found is None:
            raise GuanxiError(Message("No given record is named {name}", name=repr(name)))
        return found

    # --- then -----------------------------------------------------------------------------------------------------

    def _judge_refusal(self, error: GuanxiError, then: Mapping[str, Any]) -> list[Message]:
        problems = error.problems if isinstance(error, RecordInvalid) else ()
        if self._target is not None or problems:
            entity = self._body["when"].get("create") or (self._target[0] if self._target else "")
            self.covered |= {f"{entity}.checks.{problem.code}" for problem in problems}
        if then.get("denied"):
            if isinstance(error, (AccessDenied, NotFound)):
                return self._counts(then)
            return [Message("It was refused, but not for want of rights: {why}", why=said(error))]
        refused = then.get("refused")
        if refused is None:
            return [Message("It was refused: {why}", why=said(error))]
        if refused is True or not isinstance(refused, Mapping):
            return self._counts(then)
        failures = []
        for field, code in refused.items():
            codes = [problem.code for problem in problems if problem.path == field]
            if code is True and codes:
                continue
            if code not in codes:
                failures.append(
                    Message(
                        "Expected a refusal of {field} by {code}, but got: {why}",
                        field=field,
                        code=code,
                        why=said(error),
                    )
                )
        return failures or self._counts(then)

    def _judge(self, then: Mapping[str, Any]) -> list[Message]:
        failures: list[Message] = []
        if "values" in then:
            failures += self._values(self._target, "", then["values"])
        for name, expected in (then.get("rows") or {}).items():
            failures += self._values(self._named(name), f"{name}.", expected)
        failures += self._counts(then)
        conditions = then.get("holds") or ()
        for text in [conditions] if isinstance(conditions, str) else conditions:
            if self._target is None or not self._holds(*self._target, text):
                failures.append(Message("{condition} is not true", condition=text))
        return failures

    def _values(self, target: tuple[str, str] | None, prefix: str, expected: Mapping[str, Any]) -> list[Message]:
        if target is None:
            return [Message("There is no record whose values could be compared")]
        kind = self._model.entity(target[0])
        stored = self._stored(kind, target[1])
        failures = []
        for key, value in expected.items():
            if key not in stored:
                failures.append(Message("{entity} has no field {field}", entity=kind.key, field=repr(key)))
                continue
            wanted = self._given.values(kind, {key: value})[key]
            if not _same(kind.fields[key], wanted, stored[key]):
                failures.append(
                    Message(
                        "{field} is {found}, and should be {wanted}",
                        field=f"{prefix}{key}",
                        found=_shown(stored[key]),
                        wanted=_shown(value),
                    )
                )
        return failures

    def _counts(self, then: Mapping[str, Any]) -> list[Message]:
        failures = []
        for entity, number in (then.get("count") or {}).items():
            found = self._reader(self._principal).count(Query(entity)).number
            if found != number:
                failures.append(
                    Message(
                        "There are {found} records of {entity}, and should be {wanted}",
                        found=found,
                        entity=entity,
                        wanted=number,
                    )
                )
        return failures

    def _holds(self, entity: str, id_: str, text: str) -> bool:
        reader = self._reader(SYSTEM)
        return reader.count(Query(entity, where=parse(text), ids=(id_,))).number == 1

    def _stored(self, kind: Entity, id_: str, *, trashed: bool = False) -> Mapping[str, Any]:
        paths = tuple(key for key, field in kind.fields.items() if field.type.links != "children")
        rows = self._reader(SYSTEM).query(Query(kind.key, select=paths, ids=(id_,), trashed=trashed))
        return next(iter(rows.dicts()), {})

    def _reader(self, principal: Principal) -> Reader:
        return self._site.reader_within(self._connection, principal)

    def _cover_transition(self) -> None:
        if self._target is None:
            return
        kind = self._model.entity(self._target[0])
        if kind.states is None:
            return
        named = self._body["when"].get("transition")
        now = self._stored(kind, self._target[1]).get(kind.states.field)
        before = self._before.get(kind.states.field)
        for key, transition in kind.states.transitions.items():
            made = (
                key == named
                if named
                else (transition.to == now != before and (not transition.sources or before in transition.sources))
            )
            if made:
                self.covered.add(f"{kind.key}.states.{key}")


def _shown(value: Any) -> str:
    return value.isoformat() if isinstance(value, (date, datetime)) else str(value)


def _same(field: Field, wanted: Any, stored: Any) -> bool:
    """Say whether a value as a test writes it is the stored one."""
    if wanted is None or stored is None:
        return (wanted is None or wanted == []) and not (stored or isinstance(stored, (bool, int, Decimal)))
    if not field.type.computed:
        try:
            return bool(field.type.parse(wanted, field.options) == stored)
        except BadValue:
            return False
    if isinstance(stored, bool):
        return wanted is stored
    if isinstance(stored, (int, Decimal)):
        try:
            return Decimal(str(wanted)) == stored
        except InvalidOperation:
            return False
    if isinstance(stored, datetime):
        try:
            return datetime.fromisoformat(str(wanted)).astimezone(UTC) == stored
        except ValueError:
            return False
    return str(wanted) == _shown(stored)


__all__ = ["DocumentsInvalid", "run_scenarios"]
