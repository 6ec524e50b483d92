"""A person leaves: what was theirs goes to others, in one go, and comes back in one.

What is chosen stands in the address until it is carried out, so the pages work with the Back button and without a
script. Large hand-overs go on from page to page, a few seconds at a time; a script only spares the clicks.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, make_response, redirect, request
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from engine import (
    Assignment,
    Entity,
    ExpressionInvalid,
    GuanxiError,
    Handover,
    HandoverPlan,
    Handovers,
    Message,
    NotFound,
    Person,
    Reader,
    RecordInvalid,
    Row,
)
from ui.asking import language, principal, reading, site
from ui.frame import notice, page, words
from ui.pages import acts

TOLD = 5
"""Records that came back otherwise than expected and are named."""
_SECONDS = 3.0
"""How long one request goes on giving records away."""
_USERS = "users"

routes = Blueprint("handover", __name__, url_prefix="/admin/handover")


@acts.register
def _acts(reader: Reader, entity: Entity, row: Row) -> Iterable[acts.Act]:
    if entity.key != "user" or row.id == reader.principal.id:
        return
    if reader.access.has(_USERS) or row.values().get("manager") == reader.principal.id:
        yield acts.Act(words("Hand over"), f"/admin/handover/{row.id}", "transfer", order=60)


def _handovers() -> Handovers:
    return Handovers(site().records, site().identity)


@routes.get("/<uuid:person>")
def wizard(person: Any) -> Response | str:
    """Show what a person has, and ask who gets it; with `step=preview`, what would become of it."""
    found, plan = _begun(str(person))
    if request.args.get("step") != "preview":
        return _asked(found, plan, request.args or _first_choice(found))
    assignments, problems = _read(plan, request.args)
    if not problems:
        try:
            previews = _handovers().preview(principal(), found.id, assignments)
        except (RecordInvalid, ExpressionInvalid) as error:
            problems = _problems_of(error, plan, request.args)
        else:
            given = _given(request.args)
            return _shown(
                "handover_preview.html", found, plan=plan, previews=[_told(plan, each) for each in previews],
                given=given, keep="enabled" in request.args, change=f"/admin/handover/{found.id}?{urlencode(given)}",
            )  # fmt: skip
    return make_response(_asked(found, plan, request.args, problems), 422)


@routes.post("/<uuid:person>")
def begin(person: Any) -> Response:
    """Do it, as far as a request may take; the next page goes on."""
    found, plan = _begun(str(person))
    assignments, problems = _read(plan, request.form)
    if not problems:
        try:
            made = _handovers().begin(principal(), found.id, assignments, keep_enabled="enabled" in request.form)
        except (RecordInvalid, ExpressionInvalid) as error:
            problems = _problems_of(error, plan, request.form)
        except GuanxiError as error:
            problems = {"": error.in_(language())}
        else:
            return _go_on(made)
    return make_response(_asked(found, plan, request.form, problems), 422)


@routes.get("/<uuid:person>/<uuid:run>")
def result(person: Any, run: Any) -> str:
    """Show how far a hand-over has come, and at its end what it did and what is left."""
    made = _one(str(person), str(run))
    found = site().identity.find(made.user_id)
    left = _handovers().remaining(principal(), found.id) if made.state == "done" else []
    return _shown("handover_result.html", found, made=made, left=left, titles=_titles(made), parts=_labels(made))


@routes.post("/<uuid:person>/<uuid:run>")
def carry_on(person: Any, run: Any) -> Response:
    """Give away more."""
    return _go_on(_one(str(person), str(run)))


@routes.post("/<uuid:person>/<uuid:run>/undo")
def undo(person: Any, run: Any) -> Response:
    """Take it back, and say what was kept because somebody edited it since."""
    made = _one(str(person), str(run))
    report = _handovers().undo(principal(), made.id)
    notice(Message("{count} records are as they were before", count=report.undone))
    for each in report.kept[:TOLD]:
        notice(Message("{title}: {why}", title=each.title or "—", why=each.why), "warning")
    if len(report.kept) > TOLD:
        notice(Message("{count} more records were left as they are", count=len(report.kept) - TOLD), "warning")
    return redirect(f"/admin/handover/{made.user_id}", 303)


# --- what a request is about


def _begun(user_id: str) -> tuple[Person, HandoverPlan]:
    handovers = _handovers()
    return site().identity.find(user_id), handovers.plan(principal(), user_id)


def _one(user_id: str, run: str) -> Handover:
    found = next((each for each in _handovers().of(principal(), user_id) if each.id == run), None)
    if found is None:
        raise NotFound(Message("There is no hand-over {id}", id=run))
    return found


def _go_on(made: Handover) -> Response:
    end = time.monotonic() + _SECONDS
    while made.state == "running":
        made = _handovers().carry_on(principal(), made.id)
        if time.monotonic() > end:
            break
    return redirect(f"/admin/handover/{made.user_id}/{made.id}", 303)


# --- what was chosen


def _first_choice(person: Person) -> Mapping[str, str]:
    """Return what is filled in at first: everything goes to the person's superior, who is there in most cases."""
    try:
        manager = site().identity.find(person.manager) if person.manager else None
    except NotFound:
        manager = None
    return {"to": manager.email or manager.name} if manager is not None and manager.active else {}


def _read(plan: HandoverPlan, given: Mapping[str, str]) -> tuple[list[Assignment], dict[str, str]]:
    """Return the assignments that a form says, and what is wrong by input.

    An empty input means whoever gets everything; a segment that names nobody goes with the rest.
    """
    problems: dict[str, str] = {}

    def people(name: str) -> tuple[str, ...]:
        found = []
        for typed in _names(given.get(name, "")):
            try:
                found.append(site().identity.find(typed).id)
            except NotFound as error:
                problems[name] = error.in_(language())
        return tuple(dict.fromkeys(found))

    everything = people("to")
    assignments: list[Assignment] = []
    for part in plan.parts:
        for segment in part.segments:
            to = people(f"to-{part.key}-{segment.key}")
            if to:
                assignments.append(Assignment(part.key, to, segment.where))
        own = given.get(f"where-{part.key}", "").strip()
        to = people(f"to-{part.key}-own")
        if own or to:
            if own and (to or f"to-{part.key}-own" in problems):
                assignments.append(Assignment(part.key, to, own))
            else:
                problems[f"to-{part.key}-own" if own else f"where-{part.key}"] = words("Fill in both")
        if f"keep-{part.key}" in given:
            assignments.append(Assignment(part.key, keep=True))
            continue
        # Who is one of many in a list is taken out, unless somebody is to be in their place.
        to = people(f"to-{part.key}") or (everything if part.belonging.hold != "list" else ())
        if not to and part.belonging.hold == "owner" and f"to-{part.key}" not in problems and "to" not in problems:
            problems[f"to-{part.key}"] = words("Say who gets them")
        assignments.append(Assignment(part.key, to))
    return assignments, problems


def _names(text: str) -> list[str]:
    for separator in ("，", "、", ";", "；", "\n"):
        text = text.replace(separator, ",")
    return [each.strip() for each in text.split(",") if each.strip()]


def _problems_of(error: GuanxiError, plan: HandoverPlan, given: Mapping[str, str]) -> dict[str, str]:
    """Return what the engine has against assignments, at the inputs that they came from."""
    if not isinstance(error, RecordInvalid):
        name = next((f"where-{part.key}" for part in plan.parts if given.get(f"where-{part.key}", "").strip()), "")
        return {name: error.in_(language())}
    assignments, _ = _read(plan, given)
    found: dict[str, str] = {}
    for problem in error.problems:
        said = problem.message.in_(language())
        if problem.path not in {"to", "where", "key"} or problem.row >= len(assignments):
            found[""] = said
            continue
        each = assignments[problem.row]
        part = next(part for part in plan.parts if part.key == each.key)
        segment = next((segment for segment in part.segments if segment.where == each.where), None)
        if segment is not None:
            name = f"to-{part.key}-{segment.key}"
        elif each.where:
            name = f"where-{part.key}" if problem.path == "where" else f"to-{part.key}-own"
        else:
            name = f"to-{part.key}" if given.get(f"to-{part.key}") else "to"
        found[name] = said
    return found


# --- what is shown


def _asked(
    person: Person, plan: HandoverPlan, given: Mapping[str, str], problems: Mapping[str, str] | None = None
) -> str:
    running = next((each for each in _handovers().of(principal(), person.id) if each.state == "running"), None)
    people = [each for each in site().identity.people() if each.active and each.id != person.id]
    return _shown(
        "handover.html", person, plan=plan, given=given, problems=problems or {}, running=running, people=people
    )


def _shown(template: str, person: Person, **values: Any) -> str:
    with reading() as reader:
        return page(template, reader, leaver=person, **values)


def _given(chosen: MultiDict[str, str]) -> list[tuple[str, str]]:
    """Return what was chosen, for the form that carries it out."""
    return [(name, value) for name, value in chosen.items(multi=True) if value and name != "step"]


def _told(plan: HandoverPlan, each: Any) -> dict[str, Any]:
    """Return one assignment as the preview shows it."""
    part = next(part for part in plan.parts if part.key == each.assignment.key)
    segment = next((segment for segment in part.segments if segment.where == each.assignment.where), None)
    return {
        "part": part,
        "segment": segment,
        "where": each.assignment.where,
        "keep": each.assignment.keep,
        "number": each.number,
        "to": [(site().identity.find(to).name, number) for to, number in each.each],
        "warnings": [warning.in_(language()) for warning in each.warnings],
    }


def _titles(made: Handover) -> dict[tuple[str, str], str]:
    """Return the titles of records that stayed, where the reader may see them."""
    found: dict[tuple[str, str], str] = {}
    with reading() as reader:
        for entity in {each[0] for each in made.progress.left if each[0] in reader.model.entities}:
            if reader.access.may(entity, "read"):
                ids = [each[1] for each in made.progress.left if each[0] == entity]
                found.update({(entity, id_): title for id_, title in reader.titles(entity, ids).items()})
    return found


def _labels(made: Handover) -> list[tuple[str, int]]:
    """Return what was given away, in the reader's words."""
    with reading() as reader:
        entities, found = reader.model.entities, []
        for key, number in made.progress.moved.items():
            entity, _, field = key.partition(".")
            if not number or entity not in entities:
                continue
            label = entities[entity].plural.in_(language())
            if field in entities[entity].fields:
                label = words(
                    "{plural}: {field}", plural=label, field=entities[entity].fields[field].label.in_(language())
                )
            found.append((label, number))
        return found
