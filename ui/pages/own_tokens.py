"""One's own tokens: what programs show in place of a sign-in, never more than their person may."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Blueprint, redirect, request
from werkzeug.wrappers import Response

from engine import (
    ACTIONS,
    AGENT,
    AGENT_DELETE,
    AGENT_DIRECT,
    AGENT_PERSONAL,
    AGENT_WRITE,
    Entity,
    GuanxiError,
    Message,
    Reader,
    SignInRefused,
    check_token,
)
from ui.asking import language, reading, site
from ui.frame import listed, notice, page, said, words
from ui.pages.account import HOME, moments, own, own_id, require_fresh
from ui.pages.signing import refusing

_DAYS = ("30", "90", "365", "")
_LONGEST_NAME = 80
_SWITCHES = (
    (AGENT_WRITE, Message("Propose changes"), Message("Nothing changes before you have approved it.")),
    (AGENT_DIRECT, Message("Make changes at once"), Message("For a service that you trust: nobody is asked.")),
    (AGENT_DELETE, Message("Delete, too"), Message("Otherwise it never proposes to delete anything.")),
    (AGENT_PERSONAL, Message("See personal data"), Message("Otherwise names, phones and the like are masked.")),
)
"""Switch -> what it is called, and what it means."""
_NOTHING: Mapping[str, Any] = {
    "name": "", "days": "90", "reach": "read", "scopes": (), "addresses": "", "agent": False, "chosen": (),
}  # fmt: skip

routes = Blueprint("own_tokens", __name__, url_prefix=f"{HOME}/tokens")


@routes.get("")
def tokens() -> str:
    """List the tokens, and ask what a new one is for."""
    own()
    return _shown({}, "", "")


def _shown(given: Mapping[str, Any], refusal: str, at: str) -> str:
    user_id = own_id()
    found = site().identity.tokens(user_id)
    with reading() as reader:
        return page(
            "tokens.html",
            reader,
            tokens=found,
            scopes={each.id: told(each.scopes) for each in found},
            over={each.id for each in found if each.expires_at is not None and each.expires_at <= datetime.now(UTC)},
            when=moments(reader),
            **form_of(reader, given, refusal, at),
        )


def form_of(reader: Reader, given: Mapping[str, Any], refusal: str, at: str) -> dict[str, Any]:
    """Return what the form for a new token shows."""
    return {
        "entities": _entities(reader),
        "actions": [(action, _called(action)) for action in ACTIONS],
        "days": _DAYS,
        "switches": [(key, said(label), said(hint)) for key, label, hint in _SWITCHES],
        "given": {**_NOTHING, **given},
        "refusal": refusal,
        "at": at,
    }


def _entities(reader: Reader) -> list[Entity]:
    """Return what a token could be let at: what its person may read."""
    found = [
        each for each in reader.model.entities.values() if each.parent is None and reader.access.may(each.key, "read")
    ]
    return sorted(found, key=lambda each: each.plural.in_(language()))


def told(scopes: tuple[str, ...]) -> str:
    """Return what a token may, in words."""
    if AGENT in scopes:
        reach = told(tuple(each for each in scopes if each != AGENT and not each.startswith(f"{AGENT}:")))
        may = [said(label) for key, label, _hint in _SWITCHES if key in scopes] or [words("read")]
        return words("an agent of {reach}: {may}", reach=reach, may=listed(may))
    if not scopes or "*" in scopes:
        return words("everything that the person may")
    if scopes == ("read",):
        return words("reading alone")
    return ", ".join(scopes)


def _called(action: str) -> str:
    return {
        "read": words("read"), "create": words("create"), "update": words("change"), "delete": words("delete"),
        "export": words("export"), "transfer": words("hand over"), "import": words("import"),
    }.get(action, action)  # fmt: skip


@routes.post("")
def add() -> Response | str:
    """Make a token, and show it once."""
    user_id = own_id()
    require_fresh()
    try:
        wish = read_form()
        name, end = wish.name, wish.end()
        _id, text = site().identity.add_token(user_id, name, wish.scopes, end, addresses=wish.addresses)
    except Wrong as wrong:
        return refusing(_shown(wrong.given, wrong.in_(language()), wrong.at), SignInRefused(wrong.message))
    with reading() as reader:
        place = connection_address(wish.scopes)
        return page("token_made.html", reader, name=name, text=text, back=f"{HOME}/tokens", agents=place)


def connection_address(scopes: tuple[str, ...]) -> str:
    """Return where an agent with such a token connects to; "" of a token that is for none."""
    return f"{request.host_url}mcp" if AGENT in scopes else ""


@dataclass(frozen=True, slots=True)
class Wish:
    """What a new token is to be."""

    name: str
    scopes: tuple[str, ...]
    days: int | None
    addresses: tuple[str, ...]

    def end(self) -> datetime | None:
        """Return when it ends, from now on."""
        return datetime.now(UTC) + timedelta(days=self.days) if self.days else None


class Wrong(GuanxiError):
    """Something is wrong at one place of the form; `.given` is what was filled in."""

    def __init__(self, message: Message, at: str, given: Mapping[str, Any]) -> None:
        super().__init__(message)
        self.at, self.given = at, given


def read_form() -> Wish:
    """Return what the form for a new token asks for.

    Raises:
        Wrong: something is missing, or cannot be.
    """
    form = request.form
    given: dict[str, Any] = {
        "name": " ".join(form.get("name", "").split())[:_LONGEST_NAME],
        "days": form.get("days", ""),
        "reach": form.get("reach", "read"),
        "scopes": tuple(form.getlist("scopes")),
        "addresses": form.get("addresses", ""),
        "agent": form.get("agent") == "1",
        "chosen": tuple(key for key, _label, _hint in _SWITCHES if key in form.getlist("switches")),
    }
    if not given["name"]:
        raise Wrong(Message("Say what it is for, so that you know it again"), "name", given)
    if given["reach"] == "some" and not given["scopes"]:
        raise Wrong(Message("Tick what the token may do"), "scopes", given)
    scopes = {"all": (), "some": given["scopes"]}.get(given["reach"], ("read",))
    if given["agent"]:
        scopes = _of_agent(scopes, given)
    elif given["chosen"]:
        raise Wrong(Message("Only an agent has these switches: say that one uses it, or untick them"), "agent", given)
    try:
        check_token(scopes, addresses := tuple(given["addresses"].replace(",", " ").split()))
    except GuanxiError as error:
        raise Wrong(error.message, "addresses", given) from error
    days = int(given["days"]) if given["days"] in _DAYS[:-1] else None
    return Wish(given["name"], scopes, days, addresses)


def _of_agent(scopes: tuple[str, ...], given: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the scopes of an agent's token.

    Raises:
        Wrong: the switches do not go with the rest.
    """
    chosen = given["chosen"]
    writes = {AGENT_WRITE, AGENT_DIRECT}.intersection(chosen)
    if writes and scopes == ("read",):
        raise Wrong(Message("Reading alone leaves nothing to propose: let it do more, or untick it"), "agent", given)
    if AGENT_DELETE in chosen and not writes:
        raise Wrong(Message("What deletes must be let propose changes, or make them"), "agent", given)
    return (*(scopes or ("*",)), AGENT, *chosen)


@routes.post("/<token>/revoke")
def revoke(token: str) -> Response:
    """End a token."""
    site().identity.revoke_token(token, user_id=own_id())
    notice(Message("The token no longer works"))
    return redirect(f"{HOME}/tokens", 303)
