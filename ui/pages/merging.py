"""Merging: records side by side, whose value is taken, what moves, and one way back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flask import Blueprint, make_response, redirect, request
from markupsafe import Markup
from werkzeug.wrappers import Response

from engine import (
    MERGE_ALL,
    MOST_MERGED,
    Entity,
    GuanxiError,
    MergeChoice,
    MergeLook,
    Message,
    Query,
    Reader,
    RecordInvalid,
    VersionConflict,
    is_id,
)
from ui.asking import language, principal, reading, site
from ui.frame import notice, page, said
from ui.pages.drafts import told
from ui.pages.listing import entity_of, locale_of
from ui.safe import own_path
from ui.widgets.facts import only_value

routes = Blueprint("merging", __name__)


@dataclass(frozen=True, slots=True)
class Line:
    """One field, with the value of each record."""

    key: str
    label: str
    values: Sequence[tuple[str, Markup, bool]]
    """(record, how its value looks, whether there is one)."""
    chosen: str
    several: bool
    free: bool


@routes.get("/<entity>/merge")
def ask(entity: str) -> str | Response:
    """Show records side by side; `id` names them, `survivor` the one that stays."""
    ids = list(dict.fromkeys(filter(is_id, request.args.getlist("id"))))
    with reading() as reader:
        shown = entity_of(reader, entity)
        back = own_path(request.args.get("back", ""), f"/{entity}")
        if not 1 < len(ids) <= MOST_MERGED:
            return make_response(page("merge.html", reader, entity=shown, look=None, back=back, most=MOST_MERGED), 422)
        return _page(reader, shown, ids, request.args.get("survivor"), {}, back, "")


@routes.post("/<entity>/merge")
def merge(entity: str) -> Response:
    """Merge records as was chosen."""
    form = request.form
    ids = list(dict.fromkeys(filter(is_id, form.getlist("id"))))
    survivor = form.get("survivor", "")
    choices = {name.removeprefix("take-"): value for name, value in form.items() if name.startswith("take-")}
    versions = {id_: number for id_ in ids if (number := form.get(f"version-{id_}", type=int)) is not None}
    back = own_path(form.get("back", ""), "")
    with reading() as reader:
        shown = entity_of(reader, entity)
    try:
        done = site().duplicates.merges.merge(
            principal(), entity, survivor, [each for each in ids if each != survivor], choices, versions=versions
        )
    except VersionConflict:
        changed = Message("Somebody changed one of the records meanwhile. Look at them once more.")
        return _again(entity, ids, survivor, choices, back, changed.in_(language()), 409)
    except RecordInvalid as error:
        why = " ".join(problem.message.in_(language()) for problem in error.problems)
        return _again(entity, ids, survivor, choices, back, why, 422)
    message = Message("{count} {plural} became one", count=len(done.losers) + 1, plural=shown.plural)
    notice(message, undo=f"/{entity}/undo/{done.change_set}")
    return redirect(back or f"/{entity}/{done.survivor}", 303)


def _again(
    entity: str, ids: Sequence[str], survivor: str, choices: Mapping[str, str], back: str, why: str, status: int
) -> Response:
    with reading() as reader:
        shown = entity_of(reader, entity)
        back = back or f"/{entity}"
        if not 1 < len(ids) <= MOST_MERGED:
            return make_response(
                page("merge.html", reader, entity=shown, look=None, back=back, most=MOST_MERGED), status
            )
        return make_response(_page(reader, shown, ids, survivor, choices, back, why), status)


def _page(
    reader: Reader,
    entity: Entity,
    ids: Sequence[str],
    survivor: str | None,
    chosen: Mapping[str, str],
    back: str,
    why: str,
) -> str:
    merges, locale = site().duplicates.merges, locale_of(reader)
    look = merges.look(site().duplicates.unit(reader), entity.key, ids, survivor)
    lines = _lines(reader, entity, look, chosen)
    owners = reader.titles("user", [each for each in look.owners.values() if each])
    return page(
        "merge.html",
        reader,
        entity=entity,
        look=look,
        ids=list(look.titles),
        differing=[line for line in lines if _differs(line, look)],
        same=[line for line in lines if not _differs(line, look) and any(there for _, _, there in line.values)],
        moves=[(said(label), counts, sum(counts.values())) for label, counts in look.moves],
        owners={id_: owners.get(owner or "", "") for id_, owner in look.owners.items()},
        updated={id_: told(at, locale, reader.access.env()) for id_, at in look.updated.items()},
        all=MERGE_ALL,
        back=back,
        why=why,
        most=MOST_MERGED,
    )


def _differs(line: Line, look: MergeLook) -> bool:
    """Say whether there is something to choose."""
    return line.free and next(each for each in look.choices if each.field.key == line.key).differs


def _lines(reader: Reader, entity: Entity, look: MergeLook, chosen: Mapping[str, str]) -> list[Line]:
    """Return the fields that who reads may see, with their values as the page of a record shows them."""
    mask, locale = reader.access.mask(entity.key), locale_of(reader)
    seen = [choice for choice in look.choices if mask.get(choice.field.key, "hidden") != "hidden"]
    shown = {choice.field.key: only_value(reader, choice.field, locale) for choice in seen}
    select = tuple(dict.fromkeys(("id", *(path for value in shown.values() for path in value.paths))))
    ids = tuple(look.titles)
    rows = reader.query(Query(entity.key, select=select, ids=ids, limit=len(ids)))
    values = dict(zip(rows.ids, rows.dicts(), strict=True))

    def line(choice: MergeChoice) -> Line:
        key = choice.field.key
        taken = chosen.get(key, choice.chosen)
        return Line(
            key,
            said(choice.field.label),
            [
                (id_, shown[key].html(reader, values[id_]), choice.values[id_] not in (None, "", ()))
                for id_ in ids
                if id_ in values
            ],
            taken,
            choice.several,
            choice.free,
        )

    return [line(choice) for choice in seen]


def survivor_of(reader: Reader, entity: str, record_id: str) -> str | None:
    """Return the record that one was merged into; None when it was not, or who reads may not see that one."""
    try:
        return site().duplicates.merges.gone_to(site().duplicates.unit(reader), entity, record_id)
    except GuanxiError:
        return None
