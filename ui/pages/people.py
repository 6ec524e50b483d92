"""How somebody stands with their signing in, for who looks after people: links, devices, factors, tokens, locks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from flask import Blueprint, redirect
from werkzeug.wrappers import Response

from engine import AccessDenied, Entity, GuanxiError, Identity, Message, Principal, Reader, Row, SignInRefused
from ui.asking import language, reading, site
from ui.frame import notice, page, words
from ui.pages import acts
from ui.pages.account import moments, own, require_fresh
from ui.pages.own_tokens import Wrong, connection_address, form_of, read_form, told
from ui.pages.signing import refusing
from ui.widgets.agents import device

routes = Blueprint("people", __name__, url_prefix="/admin/users")


@acts.register
def _acts(reader: Reader, entity: Entity, row: Row) -> Iterable[acts.Act]:
    if entity.key == "user" and (reader.access.has("users") or reader.access.has("admin")):
        yield acts.Act(words("Sign-in and security"), f"/admin/users/{row.id}", "shield-lock", order=40)


@routes.get("/<user_id>")
def person(user_id: str) -> str:
    """Show how a person stands."""
    actor = own()
    identity = site().identity
    standing = identity.standing(actor, user_id)
    with reading() as reader:
        return page(
            "admin_user.html",
            reader,
            standing=standing,
            person_of=standing.person,
            may=identity.may_look_after(actor, user_id),
            may_token=standing.person.service and reader.access.has("admin"),
            mails=site().post.entries(5, user_id=user_id),
            scopes={each.id: told(each.scopes) for each in standing.tokens},
            when=moments(reader),
            device=device,
        )


def _done(user_id: str, do: Callable[[Identity, Principal], None], said: Message) -> Response:
    """Do something for a person, or say why not, and show how they stand then."""
    try:
        do(site().identity, own())
    except AccessDenied:
        raise
    except GuanxiError as refused:
        notice(refused.message, "danger")
    else:
        notice(said)
    return redirect(f"/admin/users/{user_id}", 303)


@routes.post("/<user_id>/link")
def send_link(user_id: str) -> Response:
    """Send an invitation, or a link to a new password."""
    return _done(user_id, lambda identity, actor: identity.send_link(actor, user_id), Message("The mail is on its way"))


@routes.post("/<user_id>/sessions/end")
def end_sessions(user_id: str) -> Response:
    """Sign the person out everywhere."""
    return _done(
        user_id, lambda identity, actor: identity.end_sessions(actor, user_id), Message("Every device was signed out")
    )


@routes.post("/<user_id>/unlock")
def unlock(user_id: str) -> Response:
    """Let the person try again at once."""
    return _done(
        user_id, lambda identity, actor: identity.unlock(actor, user_id), Message("They can try again at once")
    )


@routes.post("/<user_id>/factors/remove")
def remove_factors(user_id: str) -> Response:
    """Remove the second factors of somebody who lost theirs."""
    return _done(
        user_id,
        lambda identity, actor: identity.remove_factors(actor, user_id),
        Message("The second factors were removed"),
    )


@routes.get("/<user_id>/tokens")
def new_token(user_id: str) -> str:
    """Ask what a new token of a service account is to be."""
    own()
    require_fresh()
    return _new_token(user_id, {}, "", "")


def _new_token(user_id: str, given: Mapping[str, Any], refusal: str, at: str) -> str:
    standing = site().identity.standing(own(), user_id)
    with reading() as reader:
        return page("admin_token.html", reader, person_of=standing.person, **form_of(reader, given, refusal, at))


@routes.post("/<user_id>/tokens")
def add_token(user_id: str) -> Response | str:
    """Make a token for a service account, and show it once."""
    actor = own()
    require_fresh()
    try:
        wish = read_form()
    except Wrong as wrong:
        shown = _new_token(user_id, wrong.given, wrong.in_(language()), wrong.at)
        return refusing(shown, SignInRefused(wrong.message))
    text = site().identity.add_token_for(actor, user_id, wish.name, wish.scopes, wish.end(), addresses=wish.addresses)
    with reading() as reader:
        place = connection_address(wish.scopes)
        return page("token_made.html", reader, name=wish.name, text=text, back=f"/admin/users/{user_id}", agents=place)


@routes.post("/<user_id>/tokens/<token_id>/revoke")
def revoke(user_id: str, token_id: str) -> Response:
    """End a token of the person."""
    return _done(
        user_id,
        lambda identity, actor: identity.revoke_token_of(actor, user_id, token_id),
        Message("The token no longer works"),
    )


@routes.post("/<user_id>/disable")
def disable(user_id: str) -> Response:
    """Shut the person out."""
    return _done(
        user_id,
        lambda identity, actor: identity.set_active(actor, user_id, active=False),
        Message("This account can no longer sign in"),
    )


@routes.post("/<user_id>/enable")
def enable(user_id: str) -> Response:
    """Let the person in again."""
    return _done(
        user_id,
        lambda identity, actor: identity.set_active(actor, user_id, active=True),
        Message("This account can sign in again"),
    )
