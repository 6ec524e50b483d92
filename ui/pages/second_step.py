"""Between the first factor and the sign-in: showing the second one, or setting one up that a role demands.

Nobody is signed in here: what the browser holds is the cookie of a step, good for minutes and for these pages alone.
"""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Response, g, redirect, request
from werkzeug.wrappers import Response as AnyResponse

from engine import Message, SignIn, SignInNeeded, SignInRefused, TooManyRequests
from ui import cookies
from ui.asking import STEP_COOKIE, language, site
from ui.frame import page
from ui.pages.signing import keep_session, refusing, signed_in
from ui.safe import own_path
from ui.widgets.codes import drawn, spaced

routes = Blueprint("second_step", __name__, url_prefix="/login/step")


@routes.errorhandler(SignInNeeded)
def _anew(_error: SignInNeeded) -> AnyResponse:
    """Lead back to the first factor, and not to here afterwards."""
    return redirect("/login", 303)


def _step() -> tuple[str, str]:
    """Return the secret of the step, and where the person wants to go.

    Raises:
        SignInNeeded: this browser holds none.
    """
    secret, _, wanted = cookies.read(STEP_COOKIE).partition(" ")
    if not secret:
        raise SignInNeeded(Message("Please sign in"))
    return secret, own_path(wanted)


def _finish(finish: Callable[[str], SignIn], again: Callable[[str], str]) -> AnyResponse:
    """Sign in, or show the page again with the reason; a step that is over leads back to the first factor."""
    secret, wanted = _step()
    try:
        return signed_in(finish(secret), wanted)
    except (SignInRefused, TooManyRequests) as refused:
        try:
            return refusing(again(refused.in_(language())), refused)
        except SignInNeeded:
            # That was one wrong answer too many.
            return redirect("/login", 303)


# --- showing it


@routes.get("")
def second() -> AnyResponse | str:
    """Ask for the second factor."""
    secret, _wanted = _step()
    if site().identity.step(secret).needs == "set_up":
        return redirect("/login/step/set-up", 303)
    return _asked("")


def _asked(refusal: str) -> str:
    identity = site().identity
    return page("step.html", step=identity.step(_step()[0]), refusal=refusal, passkeys=identity.party is not None)


@routes.post("")
def code() -> AnyResponse:
    """Take a code of the app, or a recovery code."""
    given = request.form.get("code", "")
    return _finish(
        lambda secret: site().identity.finish_step(
            secret, given, address=request.remote_addr, agent=request.user_agent.string
        ),
        _asked,
    )


@routes.post("/passkey/options")
def passkey_options() -> Response:
    """Tell the browser which passkeys will do."""
    return Response(
        site().identity.passkey_request(_step()[0], address=request.remote_addr), mimetype="application/json"
    )


@routes.post("/passkey")
def passkey() -> AnyResponse:
    """Take what the browser has to show."""
    answer = request.form.get("answer", "")
    return _finish(
        lambda secret: site().identity.finish_step_by_passkey(
            secret, answer, address=request.remote_addr, agent=request.user_agent.string
        ),
        _asked,
    )


# --- setting one up


@routes.get("/set-up")
def set_up() -> AnyResponse | str:
    """Show how a second factor is set up, to somebody of whom a role demands one."""
    secret, _wanted = _step()
    if site().identity.step(secret).needs == "second":
        return redirect("/login/step", 303)
    return _set_up("")


def _set_up(refusal: str) -> str:
    identity = site().identity
    step = identity.step(_step()[0])
    app = identity.offer_app(step.user_id)
    return page(
        "step_set_up.html",
        step=step,
        drawn=drawn(app.address),
        typed=spaced(app.secret),
        refusal=refusal,
        passkeys=identity.party is not None,
    )


@routes.post("/set-up")
def set_up_app() -> AnyResponse:
    """Take the first code of the app, and sign in."""
    given = request.form.get("code", "")
    return _made(lambda user_id: site().identity.confirm_app(user_id, given))


@routes.post("/set-up/passkey/options")
def set_up_passkey_options() -> Response:
    """Tell the browser what passkey to make."""
    identity = site().identity
    return Response(identity.passkey_creation(_needed(_step()[0])), mimetype="application/json")


@routes.post("/set-up/passkey")
def set_up_passkey() -> AnyResponse:
    """Keep the passkey that the browser made, and sign in."""
    answer, name = request.form.get("answer", ""), request.form.get("name", "")
    return _made(lambda user_id: site().identity.add_passkey(user_id, answer, name))


def _needed(secret: str) -> str:
    """Return the id of somebody who must set a second factor up.

    Raises:
        SignInNeeded: this step is about something else: who has a factor shows it, and makes no other one here.
    """
    step = site().identity.step(secret)
    if step.needs != "set_up" or step.kinds:
        raise SignInNeeded(Message("Please sign in again"))
    return step.user_id


def _made(make: Callable[[str], tuple[str, ...]]) -> AnyResponse:
    """Keep a factor, sign in, and show the recovery codes that came with it."""
    secret, wanted = _step()
    try:
        codes = make(_needed(secret))
    except (SignInRefused, TooManyRequests) as refused:
        return refusing(_set_up(refused.in_(language())), refused)
    done = site().identity.finish_set_up(secret, address=request.remote_addr, agent=request.user_agent.string)
    g.principal = done.principal
    response = Response(page("codes.html", codes=codes, onward=wanted))
    keep_session(response, done.secret)
    cookies.forget(response, STEP_COOKIE)
    return response
