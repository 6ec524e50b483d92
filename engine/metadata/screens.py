"""Views, forms and menus of a Model. What names a field that is not there is left out with a warning."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from engine.expression import Expr, Type
from engine.i18n import Message, humanise
from engine.metadata.model import Column, Entity, Form, FormItem, MenuItem, Related, Section, Tab, View
from engine.metadata.report import Path, Report
from engine.metadata.rules import listed, orders, path_info
from engine.metadata.scope import ASKED, EntityScope, PersonScope, Source
from engine.metadata.shape import suggest

COLUMNS = 2
_SETTINGS = frozenset({"stale", "limits", "over", "span", "with"})
"""What boards and calendars say beside the fields that they name."""


class Screens:
    """Reads views, forms and menus."""

    def __init__(self, report: Report, entities: Mapping[str, Entity], source: Source, roles: Iterable[str]) -> None:
        self._report, self._entities, self._source, self._roles = report, entities, source, frozenset(roles)

    def _documents(self, kind: str) -> list[tuple[str, str, Mapping[str, Any]]]:
        documents = self._report.composed.documents.items()
        return [(doc, doc.partition("/")[2], body) for doc, body in documents if doc.startswith(f"{kind}/")]

    def _entity(self, doc: str, body: Mapping[str, Any]) -> Entity | None:
        found = self._entities.get(body["entity"])
        if found is None:
            message = Message("there is no entity {name}", name=repr(body["entity"]))
            self._report.unknown(doc, ("entity",), message, body["entity"], self._entities)
        return found

    def _holders(self, doc: str, path: Path, body: Mapping[str, Any]) -> tuple[str, ...]:
        """Return the roles to which something is shown; a warning for one that nobody can hold."""
        roles = listed(body.get("roles"))
        for number, role in enumerate(roles):
            if role not in self._roles:
                place = (*path, "roles", number) if isinstance(body["roles"], list) else (*path, "roles")
                message = Message("there is no role {name}", name=repr(role))
                self._report.warning(doc, place, message, suggest(role, self._roles))
        return roles

    def _about_the_person(self, doc: str, path: Path, body: Mapping[str, Any]) -> Expr | None:
        """Return the condition under which a person is shown something."""
        if "when" not in body:
            return None
        return self._report.expression(doc, (*path, "when"), body["when"], PersonScope())

    # ------------------------------------------------------------------------------------------- views

    def views(self) -> dict[str, View]:
        """Return every view that is offered, by key."""
        found = {}
        for doc, key, body in self._documents("view"):
            entity = self._entity(doc, body)
            if entity is not None:
                view = self._view(doc, key, body, entity)
                if not body.get("hidden"):
                    found[key] = view
        return found

    def _view(self, doc: str, key: str, body: Mapping[str, Any], entity: Entity) -> View:
        where = None
        if "where" in body:
            scope = EntityScope(self._source, entity.key, old=False, variables=ASKED)
            where = self._report.expression(doc, ("where",), body["where"], scope)
        given: Mapping[str, Any] = body.get("columns") or {}
        columns = {
            dotted: self._column(doc, dotted, given[dotted])
            for dotted in self._report.ordered(doc, ("columns",), given)
            if self._path(doc, ("columns", dotted), dotted, entity, key=True)
        }
        if given and not columns:
            self._report.warning(doc, ("columns",), Message("none of its columns is there; the usual ones are shown"))
        return View(
            key=key,
            entity=entity.key,
            title=self._report.text(doc, ("title",), body.get("title"), humanise(key.rpartition(".")[2])),
            where=where,
            columns=columns,
            order=orders(self._report, self._source, doc, entity.key, ("order",), body.get("order")),
            group_by=self._paths(doc, "group_by", body, entity),
            filters=self._paths(doc, "filters", body, entity),
            kanban=self._part(doc, "kanban", body, entity, "by"),
            calendar=self._part(doc, "calendar", body, entity, "start"),
            timeline=self._part(doc, "timeline", body, entity, "start"),
            tree=self._part(doc, "tree", body, entity, "parent"),
            nearby=self._part(doc, "nearby", body, entity, "place"),
            display=body.get("display", ""),
            actions=tuple(body.get("actions", ())),
            roles=self._holders(doc, (), body),
            when=self._about_the_person(doc, (), body),
            layer=self._report.composed.layers[doc].name,
        )

    def _path(self, doc: str, path: Path, dotted: str, entity: Entity, *, key: bool = False) -> bool:
        """Whether a path along links leads to a field; a warning when it does not."""
        at: Entity | None = entity
        for part in dotted.split("."):
            field = at.fields.get(part) if at is not None else None
            if field is None:
                break
            at = self._entities.get(field.target) if field.target is not None and field.type.links == "one" else None
        else:
            return True
        message = Message("{entity} has no field {name}; it is left out", entity=entity.key, name=repr(dotted))
        self._report.warning(doc, path, message, suggest(dotted, entity.fields), key=key)
        return False

    def _paths(self, doc: str, name: str, body: Mapping[str, Any], entity: Entity) -> tuple[str, ...]:
        given = body.get(name)
        return tuple(
            dotted
            for number, dotted in enumerate(listed(given))
            if self._path(doc, (name, number) if isinstance(given, list) else (name,), dotted, entity)
        )

    def _part(self, doc: str, name: str, body: Mapping[str, Any], entity: Entity, main: str) -> dict[str, Any] | None:
        """Return kanban, calendar, timeline or tree with the fields that are there; None without its main one."""
        given = body.get(name)
        if not isinstance(given, Mapping):
            return None
        kept: dict[str, Any] = {}
        for key, value in given.items():
            if key in _SETTINGS:
                kept[key] = tuple(value) if isinstance(value, list) else value
            elif isinstance(value, list):
                kept[key] = tuple(
                    each for number, each in enumerate(value) if self._path(doc, (name, key, number), each, entity)
                )
            elif self._path(doc, (name, key), value, entity):
                kept[key] = value
        if main not in kept or not self._main_fits(doc, (name, main), entity, kept[main]):
            return None
        if "limits" in kept:
            kept["limits"] = self._limits(doc, (name, "limits"), entity, kept[main], kept["limits"])
        return kept

    def _limits(self, doc: str, path: Path, entity: Entity, by: str, given: Mapping[str, int]) -> Mapping[str, int]:
        """Return the limits of columns that there are; a warning for an option that there is none of."""
        options = path_info(self._source, entity.key, tuple(by.split("."))).options
        for key in given if options is not None else ():
            if key not in options:
                message = Message("{name} is no option of {by}; its limit is left out", name=repr(key), by=repr(by))
                self._report.warning(doc, (*path, key), message, suggest(key, options), key=True)
        return {key: most for key, most in given.items() if options is None or key in options}

    def _main_fits(self, doc: str, path: Path, entity: Entity, dotted: str) -> bool:
        """Whether the field that makes a board, a calendar or a tree can make one; a warning when it cannot."""
        info = path_info(self._source, entity.key, tuple(dotted.split(".")))
        if path[0] in {"calendar", "timeline"}:
            fits, what = info.type in {Type.DATE, Type.DATETIME}, Message("a date")
        elif path[0] == "nearby":
            field = entity.fields.get(dotted)
            fits, what = field is not None and field.type.name == "geo", Message("a geo field")
        elif path[0] == "tree":
            fits, what = info.type is Type.LINK and info.target == entity.key, Message("a link to the same entity")
        else:
            fits, what = info.options is not None or info.type in {Type.LINK, Type.BOOLEAN}, Message("a select")
        if not fits:
            message = Message("{name} is not {what}; there is no {part}", name=repr(dotted), what=what, part=path[0])
            self._report.warning(doc, path, message)
        return bool(fits)

    def _column(self, doc: str, dotted: str, body: Mapping[str, Any] | None) -> Column:
        body = body or {}
        label = self._report.text(doc, ("columns", dotted, "label"), body["label"]) if "label" in body else None
        return Column(
            path=tuple(dotted.split(".")),
            widget=body.get("widget", ""),
            label=label,
            align=body.get("align", ""),
            width=body.get("width"),
            hidden=body.get("hidden", False),
            wrap=body.get("wrap", False),
            options=body.get("options") or {},
        )

    # ------------------------------------------------------------------------------------------- forms

    def forms(self, views: Mapping[str, View]) -> dict[str, Form]:
        """Return every form by key."""
        found = {}
        for doc, key, body in self._documents("form"):
            entity = self._entity(doc, body)
            if entity is not None:
                found[key] = self._form(doc, key, body, entity, views)
        return found

    def _form(self, doc: str, key: str, body: Mapping[str, Any], entity: Entity, views: Mapping[str, View]) -> Form:
        given: Mapping[str, Any] = body.get("tabs") or {}
        tabs = tuple(
            self._tab(doc, each, given[each] or {}, entity, views)
            for each in self._report.ordered(doc, ("tabs",), given)
        )
        panels = {side: tuple(names) for side, names in (body.get("panels") or {}).items()}
        return Form(
            key,
            entity.key,
            tabs,
            panels,
            layer=self._report.composed.layers[doc].name,
            highlights=self._known(doc, "highlights", body, entity, entity.fields, Message("field")),
            around=self._known(doc, "around", body, entity, entity.relations, Message("related records")),
            steps=bool(body.get("steps")),
        )

    def _known(
        self, doc: str, name: str, body: Mapping[str, Any], entity: Entity, known: Mapping[str, Any], what: Message
    ) -> tuple[str, ...]:
        """Return names of fields or relations that are there; a warning for each that is not."""
        given = body.get(name)
        found = []
        for number, each in enumerate(listed(given)):
            if each in known:
                found.append(each)
                continue
            message = Message(
                "{entity} has no {what} {name}; it is left out", entity=entity.key, what=what, name=repr(each)
            )
            path = (name, number) if isinstance(given, list) else (name,)
            self._report.warning(doc, path, message, suggest(each, known))
        return tuple(found)

    def _tab(self, doc: str, key: str, body: Mapping[str, Any], entity: Entity, views: Mapping[str, View]) -> Tab:
        path = ("tabs", key)
        given: Mapping[str, Any] = body.get("sections") or {}
        related = []
        for number, each in enumerate(body.get("related") or ()):
            here = (*path, "related", number)
            if each["relation"] not in entity.relations:
                message = Message(
                    "{entity} has no related records {name}", entity=entity.key, name=repr(each["relation"])
                )
                self._report.warning(doc, (*here, "relation"), message, suggest(each["relation"], entity.relations))
                continue
            view = each.get("view")
            if view is not None and view not in views:
                message = Message("there is no view {name}; the usual one is shown", name=repr(view))
                self._report.warning(doc, (*here, "view"), message, suggest(view, views))
                view = None
            related.append(Related(each["relation"], view))
        sections = tuple(
            self._section(doc, (*path, "sections", each), given[each] or {}, entity)
            for each in self._report.ordered(doc, (*path, "sections"), given)
        )
        label = self._report.text(doc, (*path, "label"), body.get("label"), humanise(key))
        return Tab(key, label, sections, tuple(related))

    def _section(self, doc: str, path: Path, body: Mapping[str, Any], entity: Entity) -> Section:
        condition = None
        if "visible_when" in body:
            scope = EntityScope(self._source, entity.key)
            condition = self._report.expression(doc, (*path, "visible_when"), body["visible_when"], scope)
        label = self._report.text(doc, (*path, "label"), body["label"]) if "label" in body else None
        items = tuple(self._items(doc, path, body, entity))
        return Section(str(path[-1]), label, body.get("columns", COLUMNS), items, condition)

    def _items(self, doc: str, path: Path, body: Mapping[str, Any], entity: Entity) -> Iterable[FormItem]:
        """Yield the fields of a section: those of `rows`, with what `fields` says of them and adds."""
        rows: list[list[str]] = []
        for number, row in enumerate(body.get("rows") or ()):
            here = (*path, "rows", number)
            rows.append(
                [
                    each
                    for place, each in enumerate(listed(row))
                    if self._has(doc, (*here, place) if isinstance(row, list) else here, each, entity)
                ]
            )
        fields: Mapping[str, Any] = body.get("fields") or {}
        for key in fields:
            entry = fields[key] or {}
            if any(key in row for row in rows) and not ("row" in entry or "after" in entry):
                continue
            if self._has(doc, (*path, "fields", key), key, entity, at_key=True):
                rows = [[each for each in row if each != key] for row in rows]
                self._place(doc, path, key, entry, rows)
        hidden = {key for key, entry in fields.items() if (entry or {}).get("hidden")}
        number = 0
        for row in rows:
            kept = [each for each in row if each not in hidden]
            number += bool(kept)
            for key in kept:
                entry = fields.get(key) or {}
                yield FormItem(key, number, entry.get("widget", ""), entry.get("options") or {})

    def _place(self, doc: str, path: Path, key: str, entry: Mapping[str, Any], rows: list[list[str]]) -> None:
        """Put a field where its entry says: behind another one, into a row, else into a row of its own."""
        anchor = entry.get("after")
        if anchor is not None:
            for number, row in enumerate(rows):
                if anchor in row:
                    rows.insert(number + 1, [key])
                    return
            self._report.misplaced(
                doc, (*path, "fields", key, "after"), key, anchor, [each for row in rows for each in row]
            )
        if "row" in entry:
            while len(rows) < entry["row"]:
                rows.append([])
            row = rows[entry["row"] - 1]
            row.insert(min(entry.get("column", len(row) + 1) - 1, len(row)), key)
        else:
            rows.append([key])

    def _has(self, doc: str, path: Path, key: str, entity: Entity, *, at_key: bool = False) -> bool:
        if key in entity.fields:
            return True
        message = Message("{entity} has no field {name}; it is left out", entity=entity.key, name=repr(key))
        self._report.warning(doc, path, message, suggest(key, entity.fields), key=at_key)
        return False

    # ------------------------------------------------------------------------------------------- menus

    def menus(self, views: Mapping[str, View]) -> dict[str, tuple[MenuItem, ...]]:
        """Return every menu by key."""
        return {
            key: self._entries(doc, ("items",), body.get("items") or {}, views)
            for doc, key, body in self._documents("menu")
        }

    def _entries(
        self, doc: str, path: Path, given: Mapping[str, Any], views: Mapping[str, View]
    ) -> tuple[MenuItem, ...]:
        made = (
            self._entry(doc, (*path, key), key, given[key] or {}, views)
            for key in self._report.ordered(doc, path, given)
        )
        return tuple(each for each in made if each is not None)

    def _entry(
        self, doc: str, path: Path, key: str, body: Mapping[str, Any], views: Mapping[str, View]
    ) -> MenuItem | None:
        if body.get("hidden"):
            return None
        for name, known in (("entity", self._entities), ("view", views)):
            if name in body and body[name] not in known:
                message = Message("there is no {kind} {name}; the entry is left out", kind=name, name=repr(body[name]))
                self._report.warning(doc, (*path, name), message, suggest(body[name], known))
                return None
        for name, prefix in (("dashboard", "/dashboard/"), ("report", "/report/")):
            if name in body and f"{name}/{body[name]}" not in self._report.composed.documents:
                message = Message("there is no {kind} {name}; the entry is left out", kind=name, name=repr(body[name]))
                self._report.warning(doc, (*path, name), message)
                return None
            if name in body:
                body = {"url": prefix + body[name], **body}
        items = self._entries(doc, (*path, "items"), body.get("items") or {}, views)
        if not items and not any(each in body for each in ("entity", "view", "url")):
            if "items" not in body and not self._report.composed.gone:
                self._report.warning(doc, path, Message("the entry leads nowhere; it is left out"), key=True)
            return None
        label = self._report.text(doc, (*path, "label"), body.get("label"), humanise(key)) if "label" in body else None
        entity = body.get("entity") or (views[body["view"]].entity if "view" in body else None)
        return MenuItem(
            key,
            label,
            entity,
            body.get("view"),
            body.get("url"),
            body.get("icon", ""),
            self._holders(doc, path, body),
            items,
            self._about_the_person(doc, path, body),
        )
