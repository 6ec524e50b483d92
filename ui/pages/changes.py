"""Changes of how the site is made that were drafted in the browser: what they do, published together or thrown away."""

from __future__ import annotations

from collections.abc import Iterator

from flask import Blueprint, make_response, redirect, request
from werkzeug.wrappers import Response

from engine import (
    AccessDenied,
    Call,
    DocumentsInvalid,
    Expr,
    Field,
    GuanxiError,
    Literal,
    Message,
    Model,
    Path,
    PlanRefused,
    Query,
    QueryInvalid,
    QueryTooSlow,
    Reader,
    disjunction,
)
from ui.asking import language, reading, site
from ui.frame import notice, page, said
from ui.pages.account import moments, own, own_id

CHANGES = "/admin/changes"
_MOST_LINES = 400

routes = Blueprint("changes", __name__, url_prefix=CHANGES)


def require_developer(reader: Reader) -> None:
    """Refuse whoever may not change how the site is made.

    Raises:
        AccessDenied: they lack the permission.
    """
    if not reader.access.has("developer"):
        raise AccessDenied(Message("Only who holds the permission developer may change how the site is made"))


@routes.get("")
def show() -> str:
    """Show each draft beside what runs, and what publishing them would change."""
    own()
    with reading() as reader:
        require_developer(reader)
        return _page(reader, ())


def _page(reader: Reader, refused: tuple[str, ...], comment: str = "") -> str:
    drafting, spoken = site().drafting, language()
    documents = drafting.documents()
    plan, wrong = None, list(refused)
    affected: list[tuple[str, str]] = []
    if documents:
        try:
            plan = drafting.plan()
            affected = list(_affected(reader, drafting.model()))
        except DocumentsInvalid as error:
            wrong += [each.in_(spoken) for each in error.problems]
        except GuanxiError as error:
            wrong.append(error.in_(spoken))
    authors = reader.titles("user", [each.author_id for each in documents if each.author_id])
    return page(
        "changes.html",
        reader,
        documents=documents,
        authors=authors,
        when=moments(reader),
        most=_MOST_LINES,
        plan=plan,
        changes=[(each, each.what.in_(spoken)) for each in plan.changes] if plan is not None else (),
        problems=[each.in_(spoken) for each in plan.problems] if plan is not None else (),
        warnings=[each.in_(spoken) for each in plan.warnings] if plan is not None else (),
        affected=affected,
        wrong=wrong,
        comment=comment,
    )


def _affected(reader: Reader, drafted: Model) -> Iterator[tuple[str, str]]:
    """Yield (field, number) of records that hold an option which could no longer be chosen for them."""
    for entity in drafted.entities.values():
        running = reader.model.entities.get(entity.key)
        for field in entity.fields.values():
            before = running.fields.get(field.key) if running is not None else None
            if before is None or before.options_when == field.options_when:
                continue
            where = disjunction(*(_holds_wrongly(field, key, when) for key, when in field.options_when.items()))
            try:
                count = reader.count(Query(entity.key, where=where))
            except (QueryInvalid, QueryTooSlow, AccessDenied):
                continue  # A condition over what nobody can ask the database, or a table too long to wait for.
            if count.number:
                label = f"{said(entity.label)} · {said(field.label)}"
                yield label, f"{count.number:,}{'+' if count.capped else ''}"


def _holds_wrongly(field: Field, option: str, when: Expr) -> Expr:
    own_value, chosen = Path((field.key,)), Literal(option)
    held = Call("in", (chosen, own_value)) if field.type.name == "multiselect" else Call("==", (own_value, chosen))
    return Call("and", (held, Call("not", (when,))))


@routes.post("/publish")
def publish() -> Response:
    """Publish every draft, all or none; what would lose values needs a tick."""
    author = own_id()
    comment = " ".join(request.form.get("comment", "").split())[:500]
    accept = {}
    for each in request.form.getlist("accept"):
        target, _, number = each.rpartition("=")
        accept[target] = int(number) if number.isdecimal() else 0
    with reading() as reader:
        require_developer(reader)
    try:
        revision = site().drafting.publish(author=author, comment=comment or None, accept=accept)
    except DocumentsInvalid:
        return _refused((), comment)
    except PlanRefused as error:
        return _refused((error.in_(language()),), comment)
    notice(Message("Published revision {number}; `guanxi pull` writes it into the folder", number=revision.number))
    return redirect(CHANGES, 303)


def _refused(why: tuple[str, ...], comment: str) -> Response:
    with reading() as reader:
        return make_response(_page(reader, why, comment), 422)


@routes.post("/discard/<kind>/<name>")
def discard(kind: str, name: str) -> Response:
    """Throw one draft away."""
    own()
    with reading() as reader:
        require_developer(reader)
    site().drafting.discard(kind, name)
    notice(Message("The draft was thrown away"))
    return redirect(CHANGES, 303)
