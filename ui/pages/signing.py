"""Signing in and out, and the page behind a one-time link where a person chooses a password."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, make_response, redirect, request
from werkzeug.wrappers import Response

from engine import (
    Link,
    Message,
    PasswordRefused,
    SecondFactorNeeded,
    SignIn,
    SignInLocked,
    SignInNeeded,
    SignInRefused,
    TooManyRequests,
)
from ui import cookies
from ui.asking import COOKIE, LANGUAGE_COOKIE, STEP_COOKIE, language, principal, session_secret, site
from ui.frame import THEME_COOKIE, page
from ui.pages.away import tell_deputy
from ui.pages.ways import offered
from ui.safe import own_path

routes = Blueprint("signing", __name__)
_STEP_SECONDS = 1_800
_A_YEAR = 31_536_000


@routes.get("/login")
def login() -> Response | str:
    """Ask who it is; who is signed in already goes on."""
    wanted = own_path(request.args.get("next", ""))
    try:
        principal()
    except SignInNeeded:
        return asked(wanted)
    return redirect(wanted, 303)


def asked(wanted: str, email: str = "", refusal: str = "", *, ready: bool | None = None) -> str:
    """Return the page that asks who it is."""
    known = site().identity.has_passwords() if ready is None else ready
    return page(
        "login.html",
        wanted=wanted,
        email=email,
        refusal=refusal,
        ready=known,
        ways=offered(wanted),
        form=site().sso.form,
        names=site().sso.names,
        passkeys=site().identity.party is not None,
    )


@routes.post("/login")
def sign_in() -> Response:
    """Sign in, or say that it failed: the same words whether the name exists or not."""
    wanted = own_path(request.form.get("next", ""))
    email = request.form.get("email", "").strip()
    password = request.form.get("password", "")
    try:
        return enter(
            lambda: site().identity.sign_in(
                email, password, address=request.remote_addr, agent=request.user_agent.string
            ),
            wanted,
        )
    except (SignInRefused, TooManyRequests) as refused:
        return refusing(asked(wanted, email, refused.in_(language()), ready=True), refused)


@routes.post("/login/passkey/options")
def passkey_options() -> Response:
    """Tell the browser that any passkey of this site will do."""
    return Response(site().identity.passkey_request(address=request.remote_addr), mimetype="application/json")


@routes.post("/login/passkey")
def sign_in_by_passkey() -> Response:
    """Sign in with what the browser has to show, and nothing else."""
    wanted = own_path(request.form.get("next", ""))
    answer = request.form.get("answer", "")
    try:
        return enter(
            lambda: site().identity.sign_in_by_passkey(
                answer, address=request.remote_addr, agent=request.user_agent.string
            ),
            wanted,
        )
    except SignInRefused as refused:
        return refusing(asked(wanted, "", refused.in_(language()), ready=True), refused)


def enter(begin: Callable[[], SignIn], wanted: str) -> Response:
    """Begin a sign-in and go on to where the person wanted to go, by way of the second factor where one is due.

    Raises:
        SignInRefused: as `begin` does, but for `SecondFactorNeeded`.
    """
    try:
        done = begin()
    except SecondFactorNeeded as needed:
        response = redirect("/login/step" if needed.step.needs == "second" else "/login/step/set-up", 303)
        cookies.keep(response, STEP_COOKIE, f"{needed.step.secret} {wanted}", seconds=_STEP_SECONDS)
        return response
    return signed_in(done, wanted)


def signed_in(done: SignIn, wanted: str) -> Response:
    """Go on to where the person wanted to go, with the cookie of a sign-in."""
    tell_deputy(done.principal)
    tastes = done.principal.tastes
    response = redirect(own_path(tastes.start) if wanted == "/" else wanted, 303)
    if tastes.language:
        cookies.keep(response, LANGUAGE_COOKIE, tastes.language, seconds=_A_YEAR)
    if tastes.theme:
        # So that pages without a person, such as the next sign-in, look the same.
        cookies.keep(response, THEME_COOKIE, tastes.theme, seconds=_A_YEAR)
    keep_session(response, done.secret)
    cookies.forget(response, STEP_COOKIE)
    return response


def keep_session(response: Response, secret: str) -> None:
    """Give the browser the secret of its sign-in."""
    # Without an end of its own: the browser forgets it when it is closed, the site after the hours of guanxi.yaml.
    cookies.keep(response, COOKIE, secret)


def refusing(shown: str, refused: SignInRefused | TooManyRequests) -> Response:
    """Return a page that says why something was refused, with the time to wait when there is one."""
    waits = isinstance(refused, (SignInLocked, TooManyRequests))
    response = make_response(shown, 429 if waits else 422)
    if isinstance(refused, (SignInLocked, TooManyRequests)):
        response.headers["Retry-After"] = str(refused.seconds)
    return response


@routes.post("/logout")
def sign_out() -> Response:
    """End the sign-in of this browser, here and in the database."""
    secret = session_secret()
    left = site().sso.left(secret)
    if secret:
        site().identity.sign_out(secret)
    # Where somebody was sent to sign in, the page offers to end that too.
    response = redirect(f"/login?left={left}" if left else "/login", 303)
    cookies.forget(response, COOKIE)
    # What this browser still holds of the pages goes too.
    response.headers["Clear-Site-Data"] = '"cache", "storage"'
    return response


@routes.get("/login/forgot")
def forgot() -> str:
    """Ask whose password was forgotten."""
    return page("forgot.html", email=request.args.get("email", ""), refusal="", sent=False)


@routes.post("/login/forgot")
def send_reset() -> Response | str:
    """Send a link to whoever has the address, and say the same when nobody has it."""
    email = request.form.get("email", "").strip()
    try:
        if email:
            site().identity.request_reset(email, address=request.remote_addr)
    except TooManyRequests as refused:
        return refusing(page("forgot.html", email=email, refusal=refused.in_(language()), sent=False), refused)
    return page("forgot.html", email=email, refusal="", sent=bool(email))


@routes.get("/login/link/<secret>")
def link(secret: str) -> str:
    """Show where the password is chosen, to who has the link and to nobody else."""
    return _link(site().identity.link(secret, address=request.remote_addr), secret, "")


def _link(found: Link, secret: str, refusal: str) -> str:
    return page("setup.html", link=found, secret=secret, refusal=refusal, shortest=site().identity.shortest_password)


@routes.post("/login/link/<secret>")
def follow_link(secret: str) -> Response:
    """Set the password and sign in; the link is used up."""
    identity = site().identity
    found = identity.link(secret, address=request.remote_addr)
    password = request.form.get("password", "")
    if password != request.form.get("again", ""):
        return _again(Message("The two passwords are not the same"), found, secret)
    try:
        return enter(
            lambda: identity.follow_link(
                secret, password, address=request.remote_addr, agent=request.user_agent.string
            ),
            "/",
        )
    except PasswordRefused as refused:
        return _again(refused.message, found, secret)


def _again(refusal: Message, found: Link, secret: str) -> Response:
    return make_response(_link(found, secret, refusal.in_(language())), 422)
