"""Which view a list opens: one that an address names, one that the person or their role begins with, or the usual one.

A view is a document of the site, or was saved by somebody. What a saved one names that is gone, or hidden from who
reads, is left out and told.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from engine import (
    Call,
    Column,
    Entity,
    Expr,
    ExpressionInvalid,
    Message,
    NotFound,
    Reader,
    SavedView,
    Shown,
    Text,
    View,
    Views,
    conjunction,
    is_id,
    offered,
    parse,
    paths,
    problems_of,
    to_text,
)
from ui.asking import site
from ui.widgets.paths import fields_along, mask_of

NARROWEST, WIDEST = 40, 2_000
"""Widths of columns in pixels."""


@dataclass(frozen=True, slots=True)
class Picked:
    """A view, ready to be shown."""

    view: View
    base: View
    """The document that it stands on; the view itself where it is one."""
    saved: SavedView | None = None
    kept: Shown = field(default_factory=Shown)
    """What the view shows when its address says nothing else."""
    known: Views = field(default_factory=Views)
    is_default: bool = False
    """Whether the address of the list without a view leads to it, for everybody."""
    arranged: bool = False
    """Whether the person chose other columns than those of the view."""
    gone: int = 0
    """How many columns and conditions of it are left out."""


def views_of(reader: Reader, entity: str) -> list[View]:
    """Return the view documents of an entity that are offered to who reads, the usual first; it, when none is."""
    first = reader.model.default_view(entity)
    known = [first, *(each for each in reader.model.views.values() if each.entity == entity and each is not first)]
    return [each for each in known if offered(reader.access, each)] or [first]


def pick(reader: Reader, entity: Entity, asked: str) -> Picked:
    """Return the view of a name, an id, or, for "", the one that the list begins with.

    Raises:
        NotFound: the view is not for who reads, or was saved by somebody who does not share it with them.
    """
    known = site().views.of(reader.connection, reader.principal, entity.key)
    documents = {each.key: each for each in views_of(reader, entity.key)}
    usual = next(iter(documents.values()))
    begins = [each for each in known.first_for(reader.principal) if each in documents or each in known.saved]
    if asked in known.saved:
        return _saved(reader, entity, known.saved[asked], known)
    if is_id(asked):
        raise NotFound(Message("This view was deleted, or is not shared with you"))
    hidden = reader.model.views.get(asked)
    if asked not in documents and hidden is not None and hidden.entity == entity.key:
        raise NotFound(Message("There is no {key}", key=asked))
    if asked not in documents and begins and begins[0] in known.saved:
        return _saved(reader, entity, known.saved[begins[0]], known)
    view = documents.get(asked) or documents.get(begins[0] if begins else "") or usual
    default = view is usual and (not begins or begins[0] == usual.key) and view is reader.model.default_view(entity.key)
    kept = Shown(group=",".join(view.group_by[:1]), display=view.display)
    return _arranged(Picked(view, view, None, kept, known, default))


def _saved(reader: Reader, entity: Entity, saved: SavedView, known: Views) -> Picked:
    shown = saved.shown
    found = reader.model.views.get(shown.base)
    base = found if found is not None and found.entity == entity.key else reader.model.default_view(entity.key)
    where, gone = base.where if shown.base and base is found else None, 0
    if shown.base and base is not found and shown.where:
        where, gone = usable(reader, entity, shown.where)
    filter_, lost = usable(reader, entity, shown.filter) if shown.filter else (None, 0)
    kept = replace(shown, filter=to_text(filter_) if filter_ is not None else "") if lost else shown
    columns = columns_of(base, shown.columns) if shown.columns else base.columns
    gone += lost + sum(not is_seen(reader, entity, path) for path, _width in shown.columns)
    view = replace(base, key=saved.id, title=Text(saved.name), where=where, columns=columns)
    return _arranged(Picked(view, base, saved, kept, known, gone=gone))


def _arranged(picked: Picked) -> Picked:
    own = picked.known.arranged.columns.get(picked.view.key)
    if not own:
        return picked
    return replace(picked, view=replace(picked.view, columns=columns_of(picked.view, own)), arranged=True)


def columns_of(view: View, chosen: tuple[tuple[str, int | None], ...]) -> Mapping[str, Column]:
    """Return columns by path as somebody chose them; what the view says of one besides its width stays."""
    found: dict[str, Column] = {}
    for path, width in chosen:
        known = view.columns.get(path) or Column(tuple(path.split(".")))
        size = None if width is None else min(max(width, NARROWEST), WIDEST)
        found[path] = replace(known, width=size, hidden=False)
    return found


def is_seen(reader: Reader, entity: Entity, path: str) -> bool:
    """Say whether a dotted path leads to a field that who reads may know of."""
    fields = fields_along(reader.model, entity.key, path.split("."))
    return fields is not None and bool(fields) and mask_of(reader.access, fields) != "hidden"


def usable(reader: Reader, entity: Entity, text: str) -> tuple[Expr | None, int]:
    """Return what of a condition can be asked for by who reads, and how many of its parts cannot."""
    try:
        expr = parse(text)
    except ExpressionInvalid:
        return None, 1
    parts = expr.args if isinstance(expr, Call) and expr.name == "and" else (expr,)
    kept = [each for each in parts if _may_ask(reader, entity, each)]
    return (conjunction(*kept) if kept else None), len(parts) - len(kept)


def _may_ask(reader: Reader, entity: Entity, expr: Expr) -> bool:
    """Say whether a condition is about fields that are there, and that who reads may see."""
    if problems_of(reader.model, entity.key, expr):
        return False
    for keys in paths(expr):
        fields = fields_along(reader.model, entity.key, keys)
        if fields and mask_of(reader.access, fields) != "read":
            return False
    return True
