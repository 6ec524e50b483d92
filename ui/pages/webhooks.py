"""What the site tells other programs: who is told of what, how it went, sending again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, make_response, redirect, request
from werkzeug.wrappers import Response

from engine import (
    DELIVERY_STATE_LABELS,
    DELIVERY_STATES,
    ENDPOINT_STATE_LABELS,
    EVERY_ENTITY,
    HOOK_STATE_LABELS,
    WEBHOOK_EVENT_LABELS,
    WEBHOOK_EVENTS,
    AccessDenied,
    Endpoint,
    EndpointWish,
    FieldProblem,
    GuanxiError,
    Message,
    Reader,
    RecordInvalid,
    is_id,
)
from ui.asking import language, principal, reading, site
from ui.frame import notice, page, said, words
from ui.pages.account import moments

HOME = "/admin/webhooks"
PERMISSION = "integrations"
COLOURS = {
    "active": "green", "paused": "orange", "disabled": "red", "waiting": "blue", "delivered": "green",
    "failed": "red", "skipped": "secondary", "dropped": "secondary",
}  # fmt: skip
"""Of badges, by state."""
_PAGE = 50
_SINCE = {"hour": timedelta(hours=1), "day": timedelta(days=1), "week": timedelta(days=7), "month": timedelta(days=30)}

routes = Blueprint("webhooks", __name__, url_prefix=HOME)


def require(reader: Reader) -> None:
    """Refuse whoever may not look after what is exchanged with other programs.

    Raises:
        AccessDenied: so it is.
    """
    if not reader.access.has(PERMISSION):
        raise AccessDenied(Message("You may not set up what is exchanged with other programs"))


@routes.get("")
def overview() -> str:
    """List what goes out and what comes in."""
    with reading() as reader:
        require(reader)
        hooks = site().webhooks
        waiting = hooks.deliveries.counts(reader.connection)
        return page(
            "webhooks.html",
            reader,
            endpoints=[
                {"one": each, "what": called(reader, each.entity), "waiting": waiting.get(each.id, 0)}
                for each in hooks.endpoints.every(reader.connection)
            ],
            hooks=[{"one": each, "what": called(reader, each.entity)} for each in hooks.hooks.every(reader.connection)],
            states=ENDPOINT_STATE_LABELS,
            hook_states=HOOK_STATE_LABELS,
            colours=COLOURS,
        )


def called(reader: Reader, entity: str) -> str:
    """Return what records of an entity are called."""
    if entity == EVERY_ENTITY:
        return words("Everything that the owner may read")
    known = reader.model.entities.get(entity)
    return entity if known is None else known.plural.in_(language())


# --- the form ---------------------------------------------------------------------------------------------------------


@routes.get("/new")
def new() -> str:
    """Ask what a new endpoint is to be told."""
    return _form("", EndpointWish("", "", request.args.get("entity", EVERY_ENTITY)))


@routes.post("/new")
def create() -> Response | str:
    """Make an endpoint, and show its secret once."""
    wish = _wish()
    try:
        id_, secret = site().webhooks.endpoints.create(principal(), wish)
    except RecordInvalid as error:
        return refused(_form("", wish, error))
    return _secret(id_, wish.name, secret, Message("{name} is told of what changes from now on.", name=wish.name))


@routes.get("/<uuid:endpoint_id>/edit")
def edit(endpoint_id: Any) -> str:
    """Ask what an endpoint is to be told instead."""
    with reading() as reader:
        require(reader)
        found = site().webhooks.endpoints.get(reader.connection, str(endpoint_id))
    wish = EndpointWish(
        found.name, found.url, found.entity, found.events, found.fields, found.condition, found.owner_id,
        found.skip_own,
    )  # fmt: skip
    return _form(found.id, wish)


@routes.post("/<uuid:endpoint_id>/edit")
def change(endpoint_id: Any) -> Response | str:
    """Change an endpoint."""
    wish = _wish()
    try:
        site().webhooks.endpoints.change(principal(), str(endpoint_id), wish)
    except RecordInvalid as error:
        return refused(_form(str(endpoint_id), wish, error))
    notice(Message("{name} was changed", name=wish.name))
    return redirect(f"{HOME}/{endpoint_id}", 303)


def _wish() -> EndpointWish:
    form = request.form
    fields = form.get("fields", "").replace(",", " ").split()
    return EndpointWish(
        name=form.get("name", "").strip(),
        url=form.get("url", "").strip(),
        entity=form.get("entity", EVERY_ENTITY),
        events=tuple(form.getlist("events")),
        fields=tuple(fields),
        condition=form.get("condition", "").strip(),
        owner_id=person_of(form.get("owner", "")),
        skip_own="skip_own" in form,
    )


def person_of(email: str) -> str | None:
    """Return the id of the person with an address; None for one's own, the text itself when nobody has it."""
    wanted = email.strip().lower()
    if not wanted or wanted == (principal().email or "").lower():
        return None
    return next((each.id for each in site().identity.people() if (each.email or "").lower() == wanted), wanted)


def owner_fields(reader: Reader, user_id: str | None) -> dict[str, Any]:
    """Return what a form needs to let administrators choose in whose name something is done."""
    if not reader.access.has("admin"):
        return {"may_choose": False, "owner": "", "people": []}
    people = [each for each in site().identity.people() if each.active and each.email]
    own = user_id or reader.principal.id
    return {
        "may_choose": True,
        "owner": next((each.email for each in people if each.id == own), user_id or ""),
        "people": [(each.email, each.name) for each in people[:500]],
    }


def entities_for(reader: Reader, action: str) -> list[tuple[str, str]]:
    """Return (key, plural) of what is there for somebody, by its name."""
    spoken = language()
    found = [
        (each.key, each.plural.in_(spoken))
        for each in reader.model.entities.values()
        if each.parent is None and reader.access.may(each.key, action)
    ]
    return sorted(found, key=lambda each: each[1])


def by_place(error: RecordInvalid | None) -> Mapping[str, list[str]]:
    """Return what is wrong, by the place in the form."""
    found: dict[str, list[str]] = {}
    problems: tuple[FieldProblem, ...] = () if error is None else tuple(error.problems)
    for each in problems:
        found.setdefault(each.path, []).append(said(each.message))
    return found


def refused(shown: str) -> Response:
    """Return a form that says what is wrong with it."""
    return make_response(shown, 422)


def _form(endpoint_id: str, wish: EndpointWish, error: RecordInvalid | None = None) -> str:
    with reading() as reader:
        require(reader)
        return page(
            "webhook_form.html",
            reader,
            id=endpoint_id,
            wish=wish,
            wrong=by_place(error),
            entities=entities_for(reader, "read"),
            events=[(key, said(WEBHOOK_EVENT_LABELS[key])) for key in WEBHOOK_EVENTS],
            every=EVERY_ENTITY,
            **owner_fields(reader, wish.owner_id),
        )


# --- one endpoint -----------------------------------------------------------------------------------------------------


@routes.get("/<uuid:endpoint_id>")
def one(endpoint_id: Any) -> str:
    """Show an endpoint with its deliveries."""
    with reading() as reader:
        require(reader)
        hooks, state = site().webhooks, request.args.get("state", "")
        found = hooks.endpoints.get(reader.connection, str(endpoint_id))
        record = request.args.get("record", "").strip()
        before = request.args.get("before", "")
        deliveries = hooks.deliveries.page(
            reader.connection,
            found.id,
            state=state if state in DELIVERY_STATES else None,
            record_id=(record if is_id(record) else None),
            before=before if is_id(before) else None,
            limit=_PAGE + 1,
        )
        more = ""
        if len(deliveries) > _PAGE:
            deliveries = deliveries[:_PAGE]
            more = f"{HOME}/{found.id}?{urlencode({'state': state, 'record': record, 'before': deliveries[-1].id})}"
        return page(
            "webhook.html",
            reader,
            one=found,
            what=called(reader, found.entity),
            owner=reader.titles("user", [found.owner_id]).get(found.owner_id, ""),
            events=", ".join(said(WEBHOOK_EVENT_LABELS[each]) for each in found.events),
            waiting=hooks.deliveries.counts(reader.connection).get(found.id, 0),
            deliveries=[_shown(reader, each) for each in deliveries],
            states=[(key, said(DELIVERY_STATE_LABELS[key])) for key in DELIVERY_STATES],
            endpoint_states=ENDPOINT_STATE_LABELS,
            colours=COLOURS,
            state=state,
            record=record,
            more=more,
            when=moments(reader),
        )


def _shown(reader: Reader, delivery: Any) -> dict[str, Any]:
    known = reader.model.entities.get(delivery.entity)
    return {
        "one": delivery,
        "event": said(WEBHOOK_EVENT_LABELS.get(delivery.event, Message("{text}", text=delivery.event))),
        "what": "" if known is None else known.label.in_(language()),
        "title": reader.titles(delivery.entity, reader.readable(delivery.entity, [delivery.record_id])).get(
            delivery.record_id, delivery.record_id[-12:]
        )
        if known is not None
        else "",
        "state": said(DELIVERY_STATE_LABELS[delivery.state]),
        "note": "" if delivery.note is None else said(delivery.note),
    }


@routes.get("/<uuid:endpoint_id>/deliveries/<uuid:delivery_id>")
def delivery(endpoint_id: Any, delivery_id: Any) -> str:
    """Show each attempt of a delivery; what the receiver answered is for administrators."""
    with reading() as reader:
        require(reader)
        hooks = site().webhooks
        endpoint = hooks.endpoints.get(reader.connection, str(endpoint_id))
        found = hooks.deliveries.get(reader.connection, str(delivery_id))
        return page(
            "webhook_delivery.html",
            reader,
            endpoint=endpoint,
            shown=_shown(reader, found),
            colours=COLOURS,
            attempts=[
                {"one": each, "note": "" if each.note is None else said(each.note)}
                for each in hooks.deliveries.attempts(reader.connection, found.id)
            ],
            with_answers=reader.access.has("admin"),
            when=moments(reader),
        )


# --- acts -------------------------------------------------------------------------------------------------------------


@routes.post("/<uuid:endpoint_id>/<any(pause, resume, drop, remove):act>")
def act(endpoint_id: Any, act: str) -> Response:
    """Pause an endpoint, let it go on, throw away what waits, or delete it."""
    hooks, who, id_ = site().webhooks, principal(), str(endpoint_id)
    name = _named(id_).name
    done: dict[str, tuple[Callable[[], Any], Message]] = {
        "pause": (lambda: hooks.endpoints.pause(who, id_), Message("{name} is paused", name=name)),
        "resume": (lambda: hooks.endpoints.resume(who, id_), Message("{name} goes on", name=name)),
        "drop": (lambda: hooks.deliveries.drop_waiting(who, id_), Message("What was waiting was thrown away")),
        "remove": (lambda: hooks.endpoints.remove(who, id_), Message("{name} was deleted", name=name)),
    }
    work, message = done[act]
    _carry_out(work, message)
    return redirect(HOME if act == "remove" else f"{HOME}/{id_}", 303)


def _carry_out(work: Callable[[], Any], message: Message) -> None:
    try:
        work()
    except AccessDenied:
        raise
    except GuanxiError as error:
        notice(error.message, "warning")
    else:
        notice(message)


def _named(endpoint_id: str) -> Endpoint:
    with reading() as reader:
        require(reader)
        return site().webhooks.endpoints.get(reader.connection, endpoint_id)


@routes.post("/<uuid:endpoint_id>/rotate")
def rotate(endpoint_id: Any) -> str:
    """Give an endpoint a new secret, and show it once."""
    found = _named(str(endpoint_id))
    secret = site().webhooks.endpoints.rotate(principal(), found.id)
    return _secret(found.id, found.name, secret, Message("For 24 hours the old secret signs too."))


@routes.post("/<uuid:endpoint_id>/test")
def test(endpoint_id: Any) -> Response:
    """Send a trial at once."""
    outcome = site().webhooks.try_out(principal(), str(endpoint_id))
    if outcome.good:
        notice(Message("The receiver took the trial ({status})", status=outcome.status))
    else:
        notice(Message("The trial failed: {why}", why=outcome.note or ""), "danger")
    return redirect(f"{HOME}/{endpoint_id}", 303)


@routes.post("/<uuid:endpoint_id>/replay")
def replay_since(endpoint_id: Any) -> Response:
    """Send again all that was changed since a time, or what was given up of it."""
    since = datetime.now(UTC) - _SINCE.get(request.form.get("since", ""), _SINCE["day"])
    only = request.form.get("which") != "all"
    count = site().webhooks.deliveries.replay_since(principal(), str(endpoint_id), since, failed_only=only)
    notice(Message("{count} deliveries are sent again", count=count))
    return redirect(f"{HOME}/{endpoint_id}", 303)


@routes.post("/<uuid:endpoint_id>/deliveries/<uuid:delivery_id>/replay")
def replay(endpoint_id: Any, delivery_id: Any) -> Response:
    """Send one delivery again."""
    who = principal()
    again = Message("It is sent again")
    _carry_out(lambda: site().webhooks.deliveries.replay(who, str(delivery_id)), again)
    return redirect(f"{HOME}/{endpoint_id}/deliveries/{delivery_id}", 303)


def _secret(endpoint_id: str, name: str, secret: str, more: Message) -> str:
    with reading() as reader:
        return page(
            "webhook_secret.html", reader, name=name, back=f"{HOME}/{endpoint_id}", more=said(more),
            shown=[(words("Signing secret"), secret)],
        )  # fmt: skip
