"""One's own account: password, address, second factors, where one is signed in, and being away.

Whatever changes how somebody signs in asks for the password again when that was long ago.
"""

from __future__ import annotations

from flask import Blueprint, Response, make_response, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from engine import (
    AccessDenied,
    GuanxiError,
    Message,
    PasswordRefused,
    Principal,
    ProofNeeded,
    Reader,
    RecordInvalid,
    SignInRefused,
    TooManyRequests,
)
from ui.asking import language, principal, reading, session_secret, site
from ui.frame import notice, page
from ui.pages import away
from ui.pages.signing import keep_session, refusing
from ui.pages.ways import offered
from ui.safe import own_path
from ui.widgets.agents import device
from ui.widgets.codes import drawn, spaced
from ui.widgets.moments import moment_writer, zone

HOME = "/login/account"

routes = Blueprint("account", __name__)


# --- who, and how sure we are


def own() -> Principal:
    """Return who is signed in with this browser; a token is not enough to change how somebody signs in.

    Raises:
        SignInNeeded: nobody is.
        AccessDenied: a token was shown.
    """
    if "Authorization" in request.headers:
        raise AccessDenied(Message("This is done in a browser, by somebody who has signed in"))
    return principal()


def own_id() -> str:
    """Return the id of who is signed in with this browser; as `own`."""
    found = own().id
    assert found is not None  # noqa: S101 - only the product itself has none, and it has no browser
    return found


def require_fresh() -> None:
    """Demand that the password, or the like, was shown within the last minutes.

    Raises:
        ProofNeeded: it was not; `prove` asks for it and leads back.
    """
    if not site().identity.is_fresh(session_secret()):
        raise ProofNeeded(Message("Please show your password again"))


@routes.app_errorhandler(ProofNeeded)
def _ask_again(_error: ProofNeeded) -> AnyResponse:
    back = request.path if request.method == "GET" else HOME
    return redirect(f"/login/again?next={back}", 303)


def moments(reader: Reader) -> object:
    """Return what writes a moment for who reads; "" for none."""
    write, place = moment_writer(language()), zone(reader.access.principal.timezone)
    year = reader.access.env()["today"].year
    return lambda moment: write(moment.astimezone(place), year) if moment is not None else ""


@routes.get("/login/again")
def again() -> str:
    """Ask for the password again."""
    own()
    return _asked_again(own_path(request.args.get("next", ""), HOME), "")


def _asked_again(wanted: str, refusal: str) -> str:
    identity, user_id = site().identity, own_id()
    with reading() as reader:
        return page(
            "again.html",
            reader,
            wanted=wanted,
            refusal=refusal,
            has_password=identity.has_password(user_id),
            passkeys=identity.party is not None and any(each.kind == "passkey" for each in identity.factors(user_id)),
            ways=offered(wanted),
        )


@routes.post("/login/again")
def prove() -> AnyResponse:
    """Take the password, or a passkey, and go on."""
    identity, user_id = site().identity, own_id()
    wanted, answer = own_path(request.form.get("next", ""), HOME), request.form.get("answer", "")
    try:
        if answer:
            fresh = identity.prove_by_passkey(session_secret(), user_id, answer)
        else:
            fresh = identity.prove(session_secret(), request.form.get("password", ""), address=request.remote_addr)
    except (SignInRefused, TooManyRequests) as refused:
        return refusing(_asked_again(wanted, refused.in_(language())), refused)
    response = redirect(wanted, 303)
    keep_session(response, fresh)
    return response


@routes.post("/login/again/options")
def again_options() -> Response:
    """Tell the browser which passkeys will do."""
    options = site().identity.passkey_request(user_id=own_id(), address=request.remote_addr)
    return Response(options, mimetype="application/json")


# --- the page


@routes.get(HOME)
def account() -> str:
    """Show how one signs in, where one is signed in, and whether one is away."""
    own()
    return _account(away.Posted())


def _account(posted: away.Posted) -> str:
    identity, user_id = site().identity, own_id()
    with reading() as reader:
        return page(
            "account.html",
            reader,
            email=reader.access.principal.email or "",
            has_password=identity.has_password(user_id),
            factors=identity.factors(user_id),
            codes=identity.codes_left(user_id),
            demanded=identity.must_have_second(user_id),
            passkeys=identity.party is not None,
            sessions=identity.sessions(user_id, session_secret()),
            tokens=len(identity.tokens(user_id)),
            when=moments(reader),
            device=device,
            away=away.section(reader, identity.absence(user_id), identity.stands_in(user_id), posted),
        )


# --- being away


@routes.get(f"{HOME}/away/people")
def deputies() -> str:
    """Return the people whose names hold what was typed, and who could stand in."""
    own()
    with reading() as reader:
        return render_template("_choices.html", options=away.choices(reader), labels={}, told={})


@routes.post(f"{HOME}/away")
def go_away() -> AnyResponse:
    """Write down that one is away, and who stands in."""
    actor = own()
    with reading() as reader:
        posted = away.read_form(reader)
    if not posted.problems:
        try:
            kept = site().identity.go_away(actor, posted.deputy, posted.first, posted.last)
        except RecordInvalid as refused:
            posted.refuse(refused)
        else:
            notice(Message("Saved. {name} stands in for you.", name=kept.deputy))
            away.warn(kept, site().identity.absence(kept.deputy_id or ""))
            return redirect(f"{HOME}#away", 303)
    return make_response(_account(posted), 422)


@routes.post(f"{HOME}/away/back")
def come_back() -> AnyResponse:
    """Write down that one is back, or stays."""
    site().identity.come_back(own())
    notice(Message("Nobody stands in for you any longer"))
    return redirect(f"{HOME}#away", 303)


# --- password and address


@routes.get(f"{HOME}/password")
def password() -> str:
    """Ask for the old and the new password."""
    return _password("", "")


def _password(refusal: str, at: str) -> str:
    identity, user_id = site().identity, own_id()
    with reading() as reader:
        return page(
            "password.html",
            reader,
            refusal=refusal,
            at=at,
            shortest=identity.shortest_password,
            has_password=identity.has_password(user_id),
            email=reader.access.principal.email or "",
        )


@routes.post(f"{HOME}/password")
def change_password() -> AnyResponse:
    """Change the password; every other browser is signed out."""
    identity, user_id = site().identity, own_id()
    new = request.form.get("new", "")
    if new != request.form.get("again", ""):
        wrong = SignInRefused(Message("The two passwords are not the same"))
        return refusing(_password(wrong.in_(language()), "again"), wrong)
    try:
        fresh = identity.change_password(user_id, request.form.get("old", ""), new, keep=session_secret())
    except PasswordRefused as refused:
        return refusing(_password(refused.in_(language()), "new"), SignInRefused(refused.message))
    except SignInRefused as refused:
        return refusing(_password(refused.in_(language()), "old"), refused)
    notice(Message("Your password was changed. Every other device was signed out."))
    response = redirect(HOME, 303)
    if fresh is not None:
        keep_session(response, fresh)
    return response


@routes.get(f"{HOME}/email")
def email() -> str:
    """Ask for another address."""
    own()
    require_fresh()
    return _email("", "")


def _email(given: str, refusal: str) -> str:
    with reading() as reader:
        known = reader.access.principal.email or ""
        return page("email.html", reader, known=known, given=given, refusal=refusal)


@routes.post(f"{HOME}/email")
def change_email() -> AnyResponse:
    """Send a link to the new address."""
    user_id, given = own_id(), request.form.get("email", "").strip()
    require_fresh()
    try:
        site().identity.request_address(user_id, given)
    except TooManyRequests as refused:
        return refusing(_email(given, refused.in_(language())), refused)
    except GuanxiError as refused:
        return refusing(_email(given, refused.in_(language())), SignInRefused(refused.message))
    notice(Message("A link was sent to {address}. The address is changed when you follow it.", address=given), "info")
    return redirect(HOME, 303)


@routes.get("/login/email/<secret>")
def confirm(secret: str) -> str:
    """Ask whether the address behind a link is to be the person's."""
    found = site().identity.link(secret, address=request.remote_addr)
    return page("confirm_email.html", secret=secret, address=found.details or "", done=False)


@routes.post("/login/email/<secret>")
def confirmed(secret: str) -> str:
    """Take the address."""
    address = site().identity.confirm_address(secret, address=request.remote_addr)
    return page("confirm_email.html", secret="", address=address, done=True)


# --- second factors


@routes.get(f"{HOME}/app")
def app() -> str:
    """Show what an authenticator app needs to know."""
    own()
    require_fresh()
    return _app("")


def _app(refusal: str) -> str:
    offered_app = site().identity.offer_app(own_id())
    with reading() as reader:
        return page(
            "app.html", reader, drawn=drawn(offered_app.address), typed=spaced(offered_app.secret), refusal=refusal
        )


@routes.post(f"{HOME}/app")
def confirm_app() -> AnyResponse | str:
    """Take the first code of the app."""
    user_id = own_id()
    require_fresh()
    try:
        codes = site().identity.confirm_app(user_id, request.form.get("code", ""))
    except SignInRefused as refused:
        return refusing(_app(refused.in_(language())), refused)
    return _added(codes, Message("The authenticator app was added"))


@routes.post(f"{HOME}/passkeys/options")
def passkey_options() -> Response:
    """Tell the browser what passkey to make."""
    user_id = own_id()
    require_fresh()
    return Response(site().identity.passkey_creation(user_id), mimetype="application/json")


@routes.get(f"{HOME}/passkeys")
def new_passkey() -> str:
    """Ask what the new passkey is called."""
    own()
    require_fresh()
    return _new_passkey("")


def _new_passkey(refusal: str) -> str:
    with reading() as reader:
        known = site().identity.party is not None
        return page("passkey.html", reader, name=device(request.user_agent.string), refusal=refusal, passkeys=known)


@routes.post(f"{HOME}/passkeys")
def add_passkey() -> AnyResponse | str:
    """Keep the passkey that the browser made."""
    user_id = own_id()
    require_fresh()
    try:
        codes = site().identity.add_passkey(user_id, request.form.get("answer", ""), request.form.get("name", ""))
    except SignInRefused as refused:
        return refusing(_new_passkey(refused.in_(language())), refused)
    return _added(codes, Message("The passkey was added"))


def _added(codes: tuple[str, ...], message: Message) -> AnyResponse | str:
    notice(message)
    return _codes(codes) if codes else redirect(HOME, 303)


def _codes(codes: tuple[str, ...]) -> str:
    return page("codes.html", codes=codes, onward=HOME)


@routes.post(f"{HOME}/codes")
def codes() -> str:
    """Make new recovery codes and show them, once."""
    user_id = own_id()
    require_fresh()
    return _codes(site().identity.new_codes(user_id))


@routes.post(f"{HOME}/factors/<factor>/remove")
def remove_factor(factor: str) -> AnyResponse:
    """Remove a second factor."""
    user_id = own_id()
    require_fresh()
    try:
        site().identity.remove_factor(user_id, factor)
    except GuanxiError as refused:
        notice(refused.message, "danger")
    else:
        notice(Message("The second factor was removed"))
    return redirect(HOME, 303)


# --- where one is signed in


@routes.post(f"{HOME}/sessions/<session>/end")
def end_session(session: str) -> AnyResponse:
    """Sign another browser out."""
    site().identity.end_session(own_id(), session)
    notice(Message("That device was signed out"))
    return redirect(f"{HOME}#devices", 303)


@routes.post(f"{HOME}/sessions/end")
def end_others() -> AnyResponse:
    """Sign every other browser out."""
    site().identity.sign_out_everywhere(own_id(), but=session_secret())
    notice(Message("Every other device was signed out"))
    return redirect(f"{HOME}#devices", 303)
