"""The tools that read: what there is, what it looks like, records, and why something is as it is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from engine import (
    ACTIONS,
    Entity,
    Field,
    GuanxiError,
    Message,
    NotFound,
    Query,
    Reader,
    Row,
    Site,
    explain,
)
from ui.mcp.answers import MOST_BYTES, Answer, fitting, shortened, size, squeezed, untrusted, within
from ui.mcp.caller import Caller

_USUAL_ROWS = 20
_MOST_COLUMNS = 20
_MOST_OPTIONS = 60
_HISTORY = 10
_ROOM = MOST_BYTES * 7 // 8
"""Bytes of records; what is left is for the titles of what they link to."""
_LINKS = frozenset({"one", "many", "any"})


# --- what there is


def list_entities(site: Site, caller: Caller, given: Mapping[str, Any]) -> Answer:
    """List what the caller may read, a page at a time."""
    spoken = caller.principal.language
    with site.reading(caller.principal) as reader:
        known = [each for each in reader.model.entities.values() if reader.access.may(each.key, "read")]
        wanted = str(given.get("search") or "").strip().casefold()
        if wanted:
            known = [each for each in known if wanted in f"{each.key} {each.label} {each.plural}".casefold()
                     or wanted in each.plural.in_(spoken).casefold()]  # fmt: skip
        known.sort(key=lambda each: each.key)
        rows = [_summary(reader, each, spoken) for each in known if each.key > str(given.get("after") or "")]
    shown = rows[: fitting(rows)] if rows else []
    more = shown[-1]["entity"] if len(shown) < len(rows) else None
    return Answer({"entities": shown, "next": more}, number=len(shown))


def _summary(reader: Reader, entity: Entity, spoken: str) -> dict[str, Any]:
    about: dict[str, Any] = {
        "entity": entity.key,
        "label": entity.label.in_(spoken),
        "plural": entity.plural.in_(spoken),
        "actions": [action for action in ACTIONS if reader.access.may(entity.key, action)],
    }
    if entity.parent is not None:
        about["parent"] = entity.parent
    if entity.help is not None:
        about["help"] = entity.help.in_(spoken)
    if entity.deprecated is not None:
        about["deprecated"] = entity.deprecated.json()
    return about


def known_entity(reader: Reader, key: str) -> Entity:
    """Return an entity that the reader may know of.

    Raises:
        NotFound: there is none.
    """
    found = reader.model.entities.get(key)
    if found is None or not any(reader.access.may(key, action) for action in ("read", "create")):
        raise NotFound(Message("There is no {key}", key=key))
    return found


def describe_entity(site: Site, caller: Caller, given: Mapping[str, Any]) -> Answer:
    """Describe one entity, in as much detail as fits."""
    spoken = caller.principal.language
    with site.reading(caller.principal) as reader:
        entity = known_entity(reader, given["entity"])
        mask, writable = reader.access.mask(entity.key), reader.access.writable(entity.key)
        wanted = given.get("fields") or ()
        visible = [key for key in entity.fields if mask[key] != "hidden" or key in writable]
        for key in wanted:
            if key not in visible:
                raise NotFound(Message("There is no {key}", key=f"{entity.key}.{key}"))
        keys = [key for key in visible if key in wanted or not wanted]
        most = None if wanted else _MOST_OPTIONS
        fields = [_field(entity.fields[key], mask[key], key in writable, spoken, most) for key in keys]
        about = {**_summary(reader, entity, spoken), "title_field": entity.title}
        about["relations"] = [
            {"relation": each.key, "entity": each.entity, "by": each.field, "label": each.label.in_(spoken)}
            for each in entity.relations.values()
            if reader.access.may(each.entity, "read")
        ]
        if entity.states is not None and caller.may_write:
            about["state_field"] = entity.states.field
            about["record_actions"] = [_action(reader, entity, key, spoken) for key in entity.states.transitions]
    room = MOST_BYTES - size(about)
    shown = fields[: fitting(fields, room)] if fields else []
    body: dict[str, Any] = {"entity": about, "fields": shown}
    if len(shown) < len(fields):
        body["more_fields"] = [each["key"] for each in fields[len(shown) :]]
    return Answer(body, entity=entity.key)


def _field(field: Field, mask: str, writable: bool, spoken: str, most: int | None) -> dict[str, Any]:  # noqa: FBT001 - a fact
    about: dict[str, Any] = {
        "key": field.key,
        "type": field.type.name,
        "label": field.label.in_(spoken),
        "readable": {"masked": "masked", "hidden": "no"}.get(mask, "yes"),
        "writable": writable and field.writable and not field.secret and field.type.name != "secret",
    }
    if field.required:
        about["required"] = True
    if field.help is not None:
        about["help"] = field.help.in_(spoken)
    if field.deprecated is not None:
        about["deprecated"] = field.deprecated.json()
    if field.target is not None:
        about["to"] = field.target
    elif field.targets:
        about["to"] = list(field.targets)
    if about["writable"]:
        about["schema"] = field.type.json_schema(field.options)
    options = [each for each in field.choices.values() if not each.hidden]
    if options:
        about["options"] = {each.key: each.label.in_(spoken) for each in options[:most]}
        if most is not None and len(options) > most:
            about["options_in_all"] = len(options)
            about.pop("schema", None)
    return about


def _action(reader: Reader, entity: Entity, key: str, spoken: str) -> dict[str, Any]:
    assert entity.states is not None  # noqa: S101 - the caller has looked
    step = entity.states.transitions[key]
    return {
        "action": key,
        "label": step.label.in_(spoken),
        "from": list(step.sources),
        "to": step.to,
        "requires": list(step.requires),
        "allowed": reader.access.may_make(step),
    }


# --- records


def find_records(site: Site, caller: Caller, given: Mapping[str, Any]) -> Answer:
    """Find records, or numbers over them, as many as fit into an answer."""
    asked = {key: given[key] for key in _QUERY if given.get(key) is not None}
    asked["select"] = given.get("fields") or ()
    asked.setdefault("limit", _USUAL_ROWS)
    query = Query.from_json(given["entity"], asked)
    with site.reading(caller.principal) as reader:
        entity = known_entity(reader, query.entity)
        if query.aggregates or query.group_by:
            return _numbers(reader, query)
        query = replace(query, select=_columns(reader, entity, query.select))
        rows = reader.query(query)
        values, cut = _rows(rows.json())
        # What does not fit is on the next page, which begins where this one really ends.
        fits = fitting(values, _ROOM) if values else 0
        if fits < len(values):
            rows = reader.query(replace(query, limit=fits))
            values, cut = _rows(rows.json())
        titles = within(_titles(reader, entity, rows.paths, values), MOST_BYTES - size(values))
        body = untrusted(rows=values, **({"titles": titles} if titles else {}))
        body["next"] = rows.next_cursor
        if given.get("count"):
            body["count"] = str(reader.count(replace(query, cursor=None)))
        if rows.masked:
            body["masked"] = sorted(rows.masked)
        if cut:
            body["cut"] = cut
    return Answer(body, entity=entity.key, number=len(values))


_QUERY = ("where", "search", "group_by", "aggregates", "having", "order_by", "limit", "cursor")


def _numbers(reader: Reader, query: Query) -> Answer:
    rows = reader.aggregate(query).json()
    shown = rows[: fitting(rows)] if rows else []
    body = untrusted(groups=shown)
    body["next"] = None
    if len(shown) < len(rows):
        body["cut"] = {"groups": len(rows)}
    return Answer(body, entity=query.entity, number=len(shown))


def _columns(reader: Reader, entity: Entity, asked: tuple[str, ...]) -> tuple[str, ...]:
    """Return the paths of rows: what was asked for, else the columns that people see; id and version always."""
    if not asked:
        visible = set(reader.columns(entity.key))
        view = reader.model.default_view(entity.key).columns
        asked = tuple(path for path, column in view.items() if path in visible and not column.hidden)[:_MOST_COLUMNS]
        if entity.title in visible and entity.title not in asked:
            asked = (entity.title, *asked)
    return tuple(dict.fromkeys(("id", "version", *asked)))


def _rows(values: Sequence[Mapping[str, Any]]) -> tuple[list[dict[str, Any]], dict[str, dict[str, int]]]:
    """Return rows with long texts cut, and what was cut: record -> field -> whole length."""
    shown, cuts = [], {}
    for each in values:
        row, cut = shortened(each)
        shown.append(row)
        if cut:
            cuts[str(each.get("id", ""))] = cut
    return shown, cuts


def get_record(site: Site, caller: Caller, given: Mapping[str, Any]) -> Answer:
    """Return one record, as much of it as fits; a long text from where the caller wants to go on."""
    fields = tuple(given.get("fields") or ())
    key, id_ = given.get("entity", ""), str(given.get("id", ""))
    if not key or not id_:
        raise GuanxiError(Message("Name a record by entity and id, or a proposal by proposal"))
    if "offset" in given and len(fields) != 1:
        raise GuanxiError(Message("offset goes with exactly one field"))
    with site.reading(caller.principal) as reader:
        entity = known_entity(reader, key)
        select = tuple(dict.fromkeys(("id", "version", *fields))) if fields else ()
        row = reader.record(entity.key, id_, select, ("update", "delete"))
        whole = row.json()
        if "offset" in given and isinstance(whole.get(fields[0]), str):
            whole[fields[0]] = whole[fields[0]][given["offset"] :]
        history = [each.json() for each in reader.history(key, id_, limit=_HISTORY)] if given.get("history") else []
        shown, cut = squeezed(whole, _ROOM if not history else _ROOM // 2)
        titles = within(_titles(reader, entity, row.columns.paths, [shown]), MOST_BYTES - _ROOM)
        values: dict[str, Any] = {"record": shown}
        if titles:
            values["titles"] = titles
        if history:
            values["history"] = history[: fitting(history, _ROOM // 2)]
        body = untrusted(**values)
        body["version"] = row.version
        body["may"] = {"update": row.may("update"), "delete": caller.may_delete and row.may("delete")}
        body["actions"] = _open_actions(reader, entity, row, caller)
        if row.columns.masked:
            body["masked"] = sorted(row.columns.masked)
        if cut:
            body["cut"] = cut
    return Answer(body, entity=entity.key, record_id=id_, number=1)


def _open_actions(reader: Reader, entity: Entity, row: Row, caller: Caller) -> list[dict[str, Any]]:
    """Return what may be done to the record from the state that it is in."""
    if entity.states is None or not caller.may_write or not row.may("update"):
        return []
    state = row.values().get(entity.states.field)
    if state is None:
        return []
    spoken = caller.principal.language
    return [
        {"action": each.key, "label": each.label.in_(spoken), "to": each.to, "requires": list(each.requires)}
        for each in entity.states.transitions.values()
        if (not each.sources or state in each.sources) and reader.access.may_make(each)
    ]


def _titles(reader: Reader, entity: Entity, paths: Iterable[str], rows: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Return the titles of the records that links in rows lead to, by id."""
    wanted: dict[str, dict[str, None]] = {}
    for path in paths:
        field = _field_at(reader, entity, path)
        if field is None or field.type.links not in _LINKS:
            continue
        for row in rows:
            for value in _several(row.get(path)):
                target, _, id_ = value.rpartition("/")
                wanted.setdefault(target or field.target or "", {})[id_] = None
    found: dict[str, str] = {}
    for target, ids in wanted.items():
        if target in reader.model.entities:
            found.update(reader.titles(target, ids))
    return {id_: title[:200] for id_, title in found.items()}


def _several(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    return [each for each in value if isinstance(each, str)] if isinstance(value, (list, tuple)) else []


def _field_at(reader: Reader, entity: Entity, path: str) -> Field | None:
    here: Entity | None = entity
    *links, last = path.split(".")
    for key in links:
        field = here.fields.get(key) if here is not None else None
        here = reader.model.entities.get(field.target or "") if field is not None else None
    return here.fields.get(last) if here is not None else None


# --- why


def explain_access(site: Site, caller: Caller, given: Mapping[str, Any]) -> Answer:
    """Explain what the person, through this agent, may do."""
    spoken = caller.principal.language
    key, id_ = given["entity"], given.get("id")
    with site.reading(caller.principal) as reader:
        entity = known_entity(reader, key)
        found = explain(reader, given["action"], entity.key, id_, given.get("field"))
    return Answer(
        {
            "granted": found.granted,
            "answer": found.answer.in_(spoken),
            "reasons": [each.in_(spoken) for each in found.lines],
            "whom_to_ask": [each.in_(spoken) for each in found.whom_to_ask],
        },
        entity=key,
        record_id=id_ if found.granted else None,
    )
