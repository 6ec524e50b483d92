"""Finishing: drafts whose names are all resolved become the entities of a Model."""

from __future__ import annotations

from typing import Any

from engine.expression import FieldInfo, Type
from engine.fields.secret import Secret
from engine.i18n import Message, Text, humanise
from engine.metadata.blind import with_blind_indexes
from engine.metadata.deprecating import deprecation
from engine.metadata.drafts import Drafts, EntityDraft, FieldDraft
from engine.metadata.entities import parsed_default
from engine.metadata.formulas import Formulas, conditions, default_order
from engine.metadata.model import Entity, Field
from engine.metadata.relations import plural_text
from engine.metadata.report import Report
from engine.metadata.rules import Rules
from engine.metadata.system import system_fields

_UNKNOWN = FieldInfo(Type.TEXT)
_FLAGS = ("required", "read_only", "hidden", "secret", "audit", "pii", "copy", "unique", "index", "search")
_NOT_COMPUTED = ("required_when", "read_only_when")


class Finishing:
    """Makes the entities."""

    def __init__(self, report: Report, drafts: Drafts, formulas: Formulas, roles: frozenset[str]) -> None:
        self._report, self._drafts, self._formulas, self._roles = report, drafts, formulas, roles

    def run(self) -> dict[str, Entity]:
        """Return every entity by key."""
        return {key: self._entity(draft) for key, draft in self._drafts.entities.items()}

    def _entity(self, draft: EntityDraft) -> Entity:
        report, body = self._report, draft.body
        rules = Rules(report, self._drafts, draft, self._roles)
        owned = "owned" in draft.features
        fields = {each.key: each for each in system_fields(draft.key, draft.layer, owned=owned)}
        first = len(fields)
        for order, made in enumerate(draft.fields.values()):
            fields[made.key] = self._field(draft, made, first + order)
        fields, unique = with_blind_indexes(fields, rules.unique())
        defaults = {key: each.default_expr for key, each in fields.items() if each.default_expr is not None}
        needs = self._formulas.order
        stored = [
            key for key, each in draft.fields.items() if each.type.computed and each.stored and each.expr is not None
        ]
        return Entity(
            key=draft.key,
            label=report.text(draft.id, ("label",), body.get("label"), humanise(draft.key)),
            plural=plural_text(report, draft),
            layer=draft.layer,
            table=draft.prefix + draft.key,
            title=rules.title(),
            fields=fields,
            help=self._help(draft, ("help",), body),
            icon=body.get("icon", ""),
            features=draft.features,
            parent=draft.parent,
            parent_field=draft.parent,
            states=rules.states(),
            checks=rules.checks(),
            unique=unique,
            indexes=rules.indexes(),
            order=rules.order(),
            relations=draft.relations,
            formulas=tuple(sorted(stored, key=lambda key: needs.get((draft.key, key), 0))),
            defaults=default_order(report, draft, defaults) if defaults else (),
            renamed_from=self._renamed(draft),
            deprecated=deprecation(report, draft.id, (), body, self._drafts.entities.keys() - {draft.key}),
        )

    def _help(self, draft: EntityDraft, path: tuple[str | int, ...], body: Any) -> Text | None:
        return self._report.text(draft.id, path, body["help"]) if "help" in body else None

    def _renamed(self, draft: EntityDraft) -> str | None:
        old = draft.body.get("renamed_from")
        if old is not None and old in self._drafts.entities:
            message = Message("{name} is still an entity of its own", name=repr(old))
            self._report.error(draft.id, ("renamed_from",), message, code="renamed")
            return None
        return old

    def _field(self, draft: EntityDraft, made: FieldDraft, order: int) -> Field:
        body = made.body
        flags = {name: body[name] for name in _FLAGS if name in body}
        more: dict[str, Any] = conditions(self._report, self._drafts, draft, made)
        if "default" in body:
            more["default"] = parsed_default(self._report, draft, made)
        if "renamed_from" in body:
            more["renamed_from"] = self._field_renamed(draft, made)
        if "deprecated" in body:
            others = (draft.fields.keys() | draft.system.keys()) - {made.key}
            more["deprecated"] = deprecation(self._report, draft.id, made.path, body, others)
        if isinstance(made.type, Secret):
            flags["secret"] = True
        self._fits(draft, made, flags)
        info = made.info or _UNKNOWN
        storage = made.type.storage(made.options)
        return Field(
            key=made.key,
            entity=draft.key,
            type=made.type,
            label=made.label,
            help=self._help(draft, (*made.path, "help"), body),
            options=made.options,
            choices=made.choices,
            layer=made.layer,
            order=order,
            expr=made.expr,
            stored=storage is not None or not made.type.computed,
            value_type=info.type,
            scale=info.scale,
            target=made.target,
            targets=made.targets,
            link=made.link,
            on_delete=made.options.get("on_delete", "restrict"),
            share=made.options.get("share"),
            rollup=made.rollup,
            storage=storage,
            shows=(made.shown.entity, made.shown.key) if made.shown is not None else None,
            **flags,
            **more,
        )

    def _field_renamed(self, draft: EntityDraft, made: FieldDraft) -> str | None:
        old: str = made.body["renamed_from"]
        if old in draft.fields:
            message = Message("{name} is still a field of its own", name=repr(old))
            self._report.error(draft.id, (*made.path, "renamed_from"), message, code="renamed")
            return None
        return old

    def _fits(self, draft: EntityDraft, made: FieldDraft, flags: dict[str, Any]) -> None:
        """Note properties that have no meaning for the type of a field."""
        if not flags and not made.type.computed:
            return
        if flags.get("search") and not made.type.searchable:
            self._senseless(
                draft,
                made,
                "search",
                Message("the search box looks for words, and {type} has none", type=made.type.name),
            )
        elif flags.get("search") and made.type.computed and made.type.storage(made.options) is None:
            self._senseless(draft, made, "search", Message("only what is stored can be searched by words"))
        for name in ("unique", "index"):
            if flags.get(name) and made.type.storage(made.options) is None:
                self._senseless(
                    draft,
                    made,
                    name,
                    Message("{name} needs a column, and {type} has none", name=name, type=made.type.name),
                )
        if made.type.computed:
            for name in _NOT_COMPUTED:
                if name in made.body:
                    message = Message("{name} has no meaning for a value that is worked out", name=name)
                    self._senseless(draft, made, name, message)

    def _senseless(self, draft: EntityDraft, made: FieldDraft, name: str, message: Message) -> None:
        self._report.error(draft.id, (*made.path, name), message, Message("leave it out"), code="senseless", key=True)
