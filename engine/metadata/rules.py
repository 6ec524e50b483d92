"""What an entity says beside its fields: title, states, checks, unique rules, indexes, sort order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from engine.expression import Type
from engine.i18n import Message, humanise
from engine.metadata.drafts import Drafts, EntityDraft
from engine.metadata.model import Check, Order, States, Transition, UniqueRule
from engine.metadata.report import Path, Report
from engine.metadata.scope import EntityScope
from engine.metadata.shape import suggest

TITLE_KEYS = ("name", "title", "subject", "label", "code", "number")
_TITLE_TYPES = frozenset({Type.TEXT, Type.NUMBER, Type.BOOLEAN, Type.DATE, Type.DATETIME, Type.TIME})


class Rules:
    """Reads the rules of one entity."""

    def __init__(self, report: Report, drafts: Drafts, draft: EntityDraft, roles: Iterable[str]) -> None:
        self._report, self._drafts, self._draft, self._roles = report, drafts, draft, frozenset(roles)
        self._scope = EntityScope(drafts, draft.key)

    def title(self) -> str:
        """Return the field whose value names a record."""
        draft = self._draft
        key = draft.body.get("title")
        if key is None:
            fits = [each for each in draft.fields if self._fits_title(each)]
            usual = next((each for each in TITLE_KEYS if each in fits), None)
            if usual is None and not fits:
                message = Message("an entity needs a field that names its records")
                advice = Message("add a text field such as {example}", example="name: {type: text, required: true}")
                self._report.error(draft.id, ("entity",), message, advice, code="no_title")
            return usual or next(iter(fits), "id")
        if key not in draft.fields:
            message = Message("the title {name} is no field of {entity}", name=repr(key), entity=draft.key)
            self._report.unknown(draft.id, ("title",), message, key, draft.fields)
        elif draft.fields[key].info is not None and not self._fits_title(key):
            message = Message(
                "{name} cannot be the title: it holds no single value that people can read", name=repr(key)
            )
            advice = Message("take a text, a number, a date, or a formula")
            self._report.error(draft.id, ("title",), message, advice, code="title")
        return str(key)

    def _fits_title(self, key: str) -> bool:
        made = self._draft.fields[key]
        if made.info is None or made.type.links:
            return False
        result = made.type.result(made.options)
        shown = result.sortable or result.searchable
        readable = shown and not result.links and result.storage(made.options) is not None
        return readable and made.info.type in _TITLE_TYPES

    def states(self) -> States | None:
        """Return the state machine."""
        body = self._draft.body.get("states")
        if not isinstance(body, Mapping):
            return None
        draft, key = self._draft, body["field"]
        made = draft.fields.get(key)
        if made is None:
            message = Message("the state field {name} is no field of {entity}", name=repr(key), entity=draft.key)
            self._report.unknown(draft.id, ("states", "field"), message, key, draft.fields)
            return None
        if not made.choices or made.info is None or made.info.type is not Type.TEXT or made.type.computed:
            message = Message("the state field {name} is no select field", name=repr(key))
            self._report.error(draft.id, ("states", "field"), message, code="state_field")
            return None
        given: Mapping[str, Any] = body.get("transitions") or {}
        order = self._report.ordered(draft.id, ("states", "transitions"), given)
        return States(key, {each: self._transition(each, given[each], made.choices) for each in order})

    def _transition(self, key: str, body: Mapping[str, Any], states: Mapping[str, Any]) -> Transition:
        path = ("states", "transitions", key)
        sources = listed(body.get("from"))
        for number, each in enumerate([*sources, body["to"]]):
            if each not in states:
                last = number == len(sources)
                where = (*path, "to") if last else self._part(path, "from", body, number)
                message = Message("there is no state {name}", name=repr(each))
                self._report.unknown(self._draft.id, where, message, each, states)
        roles = listed(body.get("roles"))
        for number, each in enumerate(roles):
            if each not in self._roles:
                message = Message("there is no role {name}", name=repr(each))
                self._report.unknown(
                    self._draft.id, self._part(path, "roles", body, number), message, each, self._roles
                )
        requires = listed(body.get("requires"))
        for number, each in enumerate(requires):
            self._known(self._part(path, "requires", body, number), each)
        when = None
        if "when" in body:
            when = self._report.expression(self._draft.id, (*path, "when"), body["when"], self._scope)
        label = self._report.text(self._draft.id, (*path, "label"), body.get("label"), humanise(key))
        return Transition(key, label, sources, body["to"], roles, requires, when)

    def _part(self, path: Path, name: str, body: Mapping[str, Any], number: int) -> Path:
        return (*path, name, number) if isinstance(body[name], list) else (*path, name)

    def _known(self, path: Path, key: str, *, system: bool = True) -> bool:
        if key in self._draft.fields or (system and key in self._draft.system):
            return True
        message = Message("{entity} has no field {name}", entity=self._draft.key, name=repr(key))
        self._report.unknown(self._draft.id, path, message, key, self._drafts.keys(self._draft.key))
        return False

    def checks(self) -> dict[str, Check]:
        """Return the rules that every record keeps."""
        found: dict[str, Check] = {}
        for key, body in (self._draft.body.get("checks") or {}).items():
            path = ("checks", key)
            at = body.get("at")
            if at is not None:
                self._known((*path, "at"), at)
            condition = self._report.expression(self._draft.id, (*path, "fail_when"), body["fail_when"], self._scope)
            if condition is not None and body.get("active", True):
                message = self._report.text(self._draft.id, (*path, "message"), body.get("message"), humanise(key))
                found[key] = Check(key, condition, message, at, body.get("severity", "error"))
        return found

    def unique(self) -> dict[str, UniqueRule]:
        """Return the fields whose values together stand once."""
        found: dict[str, UniqueRule] = {}
        for key, body in (self._draft.body.get("unique") or {}).items():
            if self._columns(("unique", key, "fields"), body["fields"]):
                found[key] = UniqueRule(key, tuple(body["fields"]))
        return found

    def indexes(self) -> dict[str, tuple[str, ...]]:
        """Return the fields that are looked up together."""
        return {
            key: tuple(fields)
            for key, fields in (self._draft.body.get("indexes") or {}).items()
            if self._columns(("indexes", key), fields)
        }

    def _columns(self, path: Path, keys: Iterable[str]) -> bool:
        """Whether all fields are there and stand in the table."""
        fine = True
        for number, key in enumerate(keys):
            if not self._known((*path, number), key):
                fine = False
                continue
            made = self._draft.fields.get(key)
            if made is not None and made.type.storage(made.options) is None:
                fine = False
                message = Message("{name} stands in no column of its own", name=repr(key))
                self._report.error(self._draft.id, (*path, number), message, code="no_column")
        return fine

    def order(self) -> tuple[Order, ...]:
        """Return how lists are sorted."""
        return orders(
            self._report, self._drafts, self._draft.id, self._draft.key, ("order",), self._draft.body.get("order")
        )


def listed(value: Any) -> tuple[str, ...]:
    """Return a text, or a list of texts, as a tuple."""
    if value is None:
        return ()
    return (value,) if isinstance(value, str) else tuple(value)


def orders(report: Report, source: Any, doc: str, entity: str, path: Path, given: Any) -> tuple[Order, ...]:
    """Return a sort order; what cannot be sorted by is left out with a warning."""
    found: list[Order] = []
    for number, text in enumerate(given or ()):
        dotted = text.removeprefix("-")
        keys = tuple(dotted.split("."))
        info = path_info(source, entity, keys)
        if info is None:
            message = Message(
                "{entity} has no field {name}, so nothing is sorted by it", entity=entity, name=repr(dotted)
            )
            report.warning(doc, (*path, number), message, suggest(dotted, source.keys(entity)))
        elif info.type in {Type.MANY, Type.LIST, Type.JSON}:
            message = Message("nothing can be sorted by {name}", name=repr(dotted))
            report.warning(doc, (*path, number), message)
        else:
            found.append(Order(keys, text.startswith("-")))
    return tuple(found)


def path_info(source: Any, entity: str, keys: tuple[str, ...]) -> Any:
    """Return what is known of the field at the end of a path along links; None when it leads nowhere."""
    info = None
    at: str | None = entity
    for key in keys:
        if at is None:
            return None
        info = source.info(at, key)
        if info is None:
            return None
        at = info.target if info.type is Type.LINK else None
    return info
