"""Which column of a file is which field, and what its cells mean.

A header is a key, an external id, or a label in any language; a mapping says the rest. What a cell means is left to
the field's type: here only empty cells, links and local times are seen to.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from engine.data.access import Access
from engine.data.transfer.changing import change_of
from engine.data.transfer.columns import Column, Columns, Convert
from engine.data.transfer.gathering import Gathering
from engine.data.transfer.linking import Link, LinkPart
from engine.data.transfer.mapping import ColumnMap, ColumnRule, unguarded
from engine.errors import BadValue, GuanxiError
from engine.fields import FieldType, Locale
from engine.fields.links import WAYS
from engine.i18n import Message
from engine.ids import is_id
from engine.metadata.model import Entity, Field, Model

STAMPS = ("created_at", "created_by")
"""What an administrator may take over from where the records come from."""
_UNWRITABLE_BUT_MATCHED = frozenset({"id", "external_id", "owner"})


class Matcher:
    """Matches headers with the fields of one entity."""

    def __init__(
        self,
        model: Model,
        entity: Entity,
        locale: Locale,
        *,
        updates: bool,
        emails: Callable[[str], str | None],
        access: Access | None = None,
    ) -> None:
        self._model, self._entity, self._locale, self._updates, self._emails = model, entity, locale, updates, emails
        self._access = access
        self._names = self._named()

    def match(self, headers: Sequence[str], said: ColumnMap) -> Columns:
        """Match every header.

        Raises:
            GuanxiError: a mapping names what is not there or may not be written, two columns lead to one field, or
                none leads anywhere.
        """
        missing = next((name for name in said.columns if name not in headers), None)
        if missing is not None:
            raise GuanxiError(
                Message(
                    "The mapping names a column {name} that the file does not have; it has {headers}",
                    name=repr(missing),
                    headers=", ".join(headers),
                )
            )
        found, left_out = Gathering(self, said), []
        for index, header in enumerate(headers):
            if header in said.columns:
                # What somebody leaves out on purpose needs no telling.
                for rule in said.rules(header):
                    found.add(index, header, rule, chosen=True)
                continue
            target = self._guess(header)
            known = target is not None and self._may(target.partition(".")[0])
            if not (known and found.add(index, header, ColumnRule(target or ""), chosen=False)):
                left_out.append(header)
        if not found.columns:
            raise GuanxiError(
                Message(
                    "No column of the file is a field of {entity}; its fields are {fields}",
                    entity=self._entity.key,
                    fields=", ".join(self._writable()),
                )
            )
        columns, links = found.finish()
        return Columns(columns, tuple(header for header in left_out if header), self._fixed(said), links)

    def guess(self, header: str) -> frozenset[str]:
        """Return the fields that a header may mean by its words."""
        return self._allowed(self._names.get(plain(header), ()))

    def names(self) -> Mapping[str, frozenset[str]]:
        """Return every name that a header may have -> fields that may be written."""
        named = {name: self._allowed(targets) for name, targets in self._names.items()}
        return {name: targets for name, targets in named.items() if targets}

    def fields(self) -> Mapping[str, Field]:
        """Return the fields that rows may give values for, and that the principal may write."""
        return {key: each for key, each in self._entity.fields.items() if importable(each) and self._may(key)}

    @property
    def title(self) -> str:
        """Return the field that names a record."""
        return self._entity.title

    def read(self, each: Field, cell: Any) -> Any:
        """Return the value that a cell means in a field.

        Raises:
            BadValue: it means none.
        """
        return each.type.parse(self._reader(each)(cell), each.options)

    def _allowed(self, targets: Iterable[str]) -> frozenset[str]:
        return frozenset(each for each in targets if self._may(each.partition(".")[0]))

    def _guess(self, header: str) -> str | None:
        if not header:
            return None
        targets = self._names.get(plain(header), set())
        if len(targets) > 1:
            raise GuanxiError(
                Message(
                    "The column {header} may be any of {fields}; a mapping must say which",
                    header=repr(header),
                    fields=", ".join(sorted(targets)),
                )
            )
        return next(iter(targets), None)

    # --- one column

    def column(self, index: int, header: str, rule: ColumnRule, *, empty: str, described: bool) -> Column:
        """Return the column that a rule asks for; `described` says that others tell of the same linked record too.

        Raises:
            GuanxiError: it leads to no field that may be written, or its rule cannot be read.
        """
        key, _, by = rule.field.partition(".")
        each = self.field(key, header)
        clears = (
            self._updates
            and empty == "clear"
            and not (each.required or each.default is not None or each.default_expr or key == "id" or key in STAMPS)
        )
        try:
            change = change_of(rule)
        except BadValue as error:
            raise GuanxiError(Message("{header}: {why}", header=repr(header), why=error.message)) from error
        part = self._part(each, by, rule, header, described=described)
        convert = self._reader(self._target(each, part)) if part else self._convert(each, by, header, rule.separator)
        return Column(index, key, convert, clears, change, rule.default, part=part)

    def _part(self, each: Field, by: str, rule: ColumnRule, header: str, *, described: bool) -> str:
        """Return the field of the linked record that a column describes; "" where the engine finds it by itself."""
        if each.type.links != "one" or each.target is None:
            if rule.missing != "refuse":
                raise GuanxiError(
                    Message("{header}: only a link to one record may be created or left empty", header=repr(header))
                )
            return ""
        target = self._model.entity(each.target)
        if by in {"", "title"}:
            by = target.title
        if by in {"external_id", target.title} and rule.missing == "refuse" and not described:
            return ""
        self._target(each, by, header)
        return by

    def _target(self, each: Field, by: str, header: str = "") -> Field:
        """Return the field of the linked record by which it is found, or that it is given.

        Raises:
            GuanxiError: there is none, or it may not be seen.
        """
        target = self._model.entity(each.target or "")
        found = target.fields.get(by)
        seen = self._access is None or self._access.mask(target.key).get(by) in {"read", "write"}
        if found is None or not seen or found.type.links or found.secret or not found.stored:
            raise GuanxiError(
                Message(
                    "{header}: {by} is no field of {target} by which a record is found; it is found by external_id or"
                    " by {title}, or by other fields that hold one value",
                    header=repr(header),
                    by=repr(by),
                    target=target.key,
                    title=target.title,
                )
            )
        return found

    def link(self, key: str, parts: Mapping[str, str]) -> Link:
        """Return how the records of a link are found, from what its columns say of missing ones (part -> missing)."""
        each = self._entity.fields[key]
        target = self._model.entity(each.target or "")
        missing = next((said for said in parts.values() if said != "refuse"), "refuse")
        single = {each.key for each in target.fields.values() if each.unique} | {"id", "external_id"}
        rules = {part for rule in target.unique.values() if set(rule.fields) <= set(parts) for part in rule.fields}
        sure = [part for part in parts if part in single or part in rules]
        # One that is to be made is found by what tells it apart; of others, everything that is said has to fit.
        finding = tuple(sure or [part for part in parts if part == target.title] or parts)
        kinds = {part: LinkPart(part, target.fields[part].type.parser(target.fields[part].options)) for part in parts}
        return Link(key, target.key, kinds, finding if missing == "create" else tuple(parts), missing)

    def field(self, key: str, header: str) -> Field:
        """Return a field that may be written.

        Raises:
            GuanxiError: there is none, or it may not.
        """
        each = self._entity.fields.get(key)
        if each is not None and key in STAMPS and not (self._access is not None and self._access.has("admin")):
            raise GuanxiError(
                Message("{header}: only an administrator may take over {field}", header=repr(header), field=key)
            )
        if each is None or not (importable(each) or key in STAMPS):
            raise GuanxiError(
                Message(
                    "{header} leads to {field}, which is no field of {entity} that can be written; those are {fields}",
                    header=repr(header),
                    field=repr(key),
                    entity=self._entity.key,
                    fields=", ".join(self._writable()),
                )
            )
        if not self._may(key):
            raise GuanxiError(Message("{header}: you may not write {field}", header=repr(header), field=each.label))
        return each

    def _may(self, key: str) -> bool:
        """Say whether the principal may write a field at all."""
        access = self._access
        if access is None or key in STAMPS or key == "id":
            return True
        each = self._entity.fields.get(key)
        if each is None or (each.read_only and not access.principal.system):
            return False
        return key in access.writable(self._entity.key)

    # --- what cells mean

    def _convert(self, each: Field, by: str, header: str, separator: str = "") -> Convert:
        links = each.type.links
        if by and not links:
            raise GuanxiError(
                Message("{field} links to nothing, so {header} means nothing", field=each.key, header=repr(header))
            )
        if each.key in STAMPS:
            return self._stamp(each)
        if links in {"one", "many"} and each.target is not None:
            one = self._link(each.target, self._way(each, by, header))
            return one if links == "one" else lambda cell: [one(part) for part in _parts(cell, separator)]
        if links == "children" and each.target is not None:
            return self._children(self._model.entity(each.target))
        if separator and each.type.value_type == "list":
            return lambda cell: _parts(unguarded(cell), separator)
        return self._reader(each) if links == "" else unguarded

    def _reader(self, each: Field) -> Convert:
        # What a person types may mean something else than what a program writes: a time without a zone.
        kind, options, locale = each.type, each.options, self._locale
        if kind.links == "" and type(kind).read is not FieldType.read:
            return lambda cell: kind.read(unguarded(cell), options, locale)
        return unguarded

    def _stamp(self, each: Field) -> Convert:
        if each.key == "created_at":
            return self._reader(each)

        def person(cell: Any) -> str:
            text = str(cell).strip()
            found = text if is_id(text) else self._emails(text)
            if found is None:
                raise BadValue(Message("There is nobody with the email {email}", email=text))
            return found

        return person

    @staticmethod
    def _children(child: Entity) -> Convert:
        made = {key for key, each in child.fields.items() if not importable(each)} | {"version"}

        def convert(cell: Any) -> Any:
            if not isinstance(cell, list):
                return cell
            # An export holds what is worked out too; it is worked out again.
            return [{key: row[key] for key in row if key not in made} if isinstance(row, dict) else row for row in cell]

        return convert

    def _way(self, each: Field, by: str, header: str) -> str:
        title = self._model.entity(each.target or "").title
        if by in {"", *WAYS}:
            return by or "title"
        if by == title:
            return "title"
        raise GuanxiError(
            Message("{header}: a linked record is found by external_id or by {title}", header=repr(header), title=title)
        )

    def _link(self, target: str, way: str) -> Convert:
        emails = self._emails if target == "user" else None

        def convert(cell: Any) -> Any:
            if isinstance(cell, dict):
                return cell
            text = str(unguarded(cell)).strip()
            if is_id(text):
                return text
            if emails is not None and "@" in text and (found := emails(text)) is not None:
                return found
            return {way: text}

        return convert

    def _fixed(self, said: ColumnMap) -> dict[str, Any]:
        """Return the values that are the same for every row."""
        found = {}
        for target, value in said.values.items():
            key, _, by = target.partition(".")
            each = self.field(key, target)
            typed = isinstance(value, str) and (each.type.links == "one" or key in STAMPS)
            try:
                found[key] = self._convert(each, by, target)(value) if typed else value
            except BadValue as error:
                raise GuanxiError(Message("{field}: {why}", field=key, why=error.message)) from error
        return found

    # --- names

    def _named(self) -> dict[str, set[str]]:
        """Return every name that a header may have -> fields, each as a mapping would name it."""
        keys: dict[str, set[str]] = {}
        labels: dict[str, set[str]] = {}
        for key, each in self._entity.fields.items():
            if not importable(each):
                continue
            keys[plain(key)] = {key}
            for words in (*each.label.values(), str(each.label)):
                labels.setdefault(plain(words), set()).add(key)
            if each.type.links in {"one", "many"} and each.target is not None:
                for way in (*WAYS, self._model.entity(each.target).title):
                    keys[plain(f"{key}.{way}")] = {f"{key}.{way}"}
        return {**labels, **keys}

    def _writable(self) -> list[str]:
        return [key for key, each in self._entity.fields.items() if importable(each) and self._may(key)]


def importable(each: Field) -> bool:
    """Say whether a field is one that rows may give values for."""
    return each.key in _UNWRITABLE_BUT_MATCHED or each.writable


def plain(header: str) -> str:
    """Return a header as it is compared: without case, width, and what stands between its words."""
    text = unicodedata.normalize("NFKC", header).casefold()
    return "".join(letter for letter in text if letter.isalnum() or letter == ".") or text.strip()


def _parts(cell: Any, separator: str = "") -> list[Any]:
    if isinstance(cell, (list, tuple)):
        return list(cell)
    if separator:
        parts: Iterable[str] = str(cell).split(separator)
    else:
        marks = str.maketrans(dict.fromkeys(",，、;；\n", "\n"))
        parts = str(cell).translate(marks).split("\n")
    return [part.strip() for part in parts if part.strip()]
