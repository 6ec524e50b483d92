"""Views and forms for entities that no document gives any: a new entity has screens the moment it is published."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import replace

from engine.expression import parse
from engine.i18n import Text
from engine.metadata.model import Column, Entity, Field, Form, FormItem, Order, Related, Section, Tab, View

MAX_COLUMNS = 7
_MAIN, _RELATED = Text({"en": "Details", "zh": "详情"}), Text({"en": "Related", "zh": "相关"})

_SCENES: Mapping[str, tuple[Text, str, str, tuple[Order, ...]]] = {
    "mine": (Text({"en": "Mine", "zh": "我负责的"}), "owner == user.id", "", ()),
    "reports": (Text({"en": "My subordinates'", "zh": "下属负责的"}), "owner in user.reports", "user.leads", ()),
    "starred": (Text({"en": "Starred", "zh": "已加星标"}), "id in user.starred", "", ()),
    "seen": (
        Text({"en": "Recently seen", "zh": "最近浏览"}), "id in user.seen", "",
        (Order(("user", "seen"), descending=True),),
    ),
}  # fmt: skip
"""Views that come by themselves: what they are called, what they show, to whom, and in which order if not the usual."""


def view_columns(entity: Entity) -> tuple[str, ...]:
    """Return the fields that a list shows when nobody says which: what names a record and tells it from others."""
    state = entity.states.field if entity.states is not None else None
    fields = entity.fields
    found: dict[str, None] = {entity.title: None}

    def add(*keys: str | None) -> None:
        for key in keys:
            field = fields.get(key or "")
            if field is not None and _listed(field) and len(found) < MAX_COLUMNS:
                found[field.key] = None

    declared = [each for each in fields.values() if not each.system]
    room = MAX_COLUMNS - (2 if entity.owned else 1)
    add(*(each.key for each in declared if each.search is not None))
    add(state)
    add(*(each.key for each in declared if each.type.links == "one"))
    for each in declared:
        if len(found) < room and _listed(each) and not each.type.links and each.storage is not None:
            found[each.key] = None
    kept = list(found)[:room]
    if state is not None and state not in kept and len(kept) > 1:
        kept[-1] = state
    return (*kept, *(("owner",) if entity.owned else ()), "updated_at")


def _listed(field: Field) -> bool:
    """Whether a cell of a list can show a field."""
    if field.hidden or field.secret or not field.type.sortable:
        return False
    return field.storage is None or field.storage.kind != "json"


def derive_view(entity: Entity) -> View:
    """Return the view `<entity>.all`."""
    columns = {key: Column((key,)) for key in view_columns(entity)}
    filters = [each.key for each in entity.fields.values() if each.choices and not each.hidden]
    if entity.states is not None:
        filters.sort(key=lambda key: key != entity.states.field)  # type: ignore[union-attr]
    if entity.owned:
        filters.append("owner")
    return View(
        key=f"{entity.key}.all",
        entity=entity.key,
        title=entity.plural,
        columns=columns,
        order=entity.order or (Order(("updated_at",), descending=True),),
        filters=tuple(filters[:5]),
        derived=True,
        layer=entity.layer,
    )


def scenes(entity: Entity, known: Iterable[View], taken: Container[str]) -> Iterator[View]:
    """Yield the views that an entity has by itself beside those of documents; not those whose keys are `taken`.

    They show the columns of the usual view, and offer its filters, boards and calendars.
    """
    if entity.parent or not (entity.owned or entity.layer != "core"):
        return
    own = list(known)
    usual = next((each for each in own if each.key == f"{entity.key}.default"), own[0])
    whole = next((each for each in own if each.where is None and not each.roles and each.when is None), usual)
    for scene, (title, where, when, order) in _SCENES.items():
        key = f"{entity.key}.{scene}"
        if key not in taken and (entity.owned or "owner" not in where):
            yield replace(
                whole, key=key, title=title, where=parse(where), when=parse(when) if when else None, roles=(),
                order=order or whole.order, group_by=(), display="", derived=True, scene=scene, layer=entity.layer,
            )  # fmt: skip


def complete(view: View, entity: Entity) -> View:
    """Return a declared view with columns and order where its document gives none."""
    if not view.columns:
        view = replace(view, columns={key: Column((key,)) for key in view_columns(entity)})
    if not view.order:
        view = replace(view, order=entity.order or (Order(("updated_at",), descending=True),))
    return view


def derive_form(entity: Entity) -> Form:
    """Return the form `<entity>.default`: every field that people fill in or read, child rows, related lists."""
    # Whose it is comes after what it is.
    fields = sorted((each for each in entity.fields.values() if _on_form(each, entity)), key=lambda each: each.system)
    sections = [Section("main", None, 2, tuple(_rows([each for each in fields if not _wide(each)])))]
    sections += [Section(each.key, each.label, 1, (FormItem(each.key, 1),)) for each in fields if _wide(each)]
    tabs = [Tab("main", _MAIN, tuple(each for each in sections if each.items))]
    related = tuple(_related(entity))
    if related:
        tabs.append(Tab("related", _RELATED, (), related))
    panels: Mapping[str, tuple[str, ...]] = {"right": ("history",)} if "history" in entity.features else {}
    return Form(f"{entity.key}.default", entity.key, tuple(tabs), panels, derived=True, layer=entity.layer)


def _on_form(field: Field, entity: Entity) -> bool:
    if field.hidden or field.key == entity.parent_field:
        return False
    return not field.system or field.key == "owner"


def _wide(field: Field) -> bool:
    """Whether a field needs the whole width: child rows, long texts."""
    return field.type.links == "children" or field.type.name in {"longtext", "richtext"}


def _rows(fields: list[Field]) -> Iterator[FormItem]:
    for number, field in enumerate(fields):
        yield FormItem(field.key, number // 2 + 1)


def _related(entity: Entity) -> Iterator[Related]:
    for relation in entity.relations.values():
        if relation.key not in entity.fields and relation.field != "owner" and relation.entity != "comment":
            yield Related(relation.key)
