"""Signing in and out, and the page behind a one-time link where a person chooses a password."""

from __future__ import annotations

from flask import Blueprint, make_response, redirect, request
from werkzeug.wrappers import Response

from engine import Link, Message, PasswordRefused, SignIn, SignInNeeded, SignInRefused
from ui.asking import COOKIE, language, principal, site
from ui.frame import page
from ui.safe import own_path

routes = Blueprint("signing", __name__)


@routes.get("/login")
def login() -> Response | str:
    """Ask who it is; who is signed in already goes on."""
    wanted = own_path(request.args.get("next", ""))
    try:
        principal()
    except SignInNeeded:
        return page("login.html", wanted=wanted, email="", refusal="", ready=site().identity.has_passwords())
    return redirect(wanted, 303)


@routes.post("/login")
def sign_in() -> Response:
    """Sign in, or say that it failed: the same words whether the name exists or not."""
    wanted = own_path(request.form.get("next", ""))
    email = request.form.get("email", "").strip()
    try:
        done = site().identity.sign_in(
            email, request.form.get("password", ""), address=request.remote_addr, agent=request.user_agent.string
        )
    except SignInRefused as refused:
        shown = page("login.html", wanted=wanted, email=email, refusal=refused.in_(language()), ready=True)
        return make_response(shown, 422)
    return _signed_in(done, wanted)


@routes.post("/logout")
def sign_out() -> Response:
    """End the sign-in of this browser, here and in the database."""
    secret = request.cookies.get(COOKIE, "")
    if secret:
        site().identity.sign_out(secret)
    response = redirect("/login", 303)
    response.delete_cookie(COOKIE, httponly=True, samesite="Lax", secure=request.is_secure)
    # What this browser still holds of the pages goes too.
    response.headers["Clear-Site-Data"] = '"cache", "storage"'
    return response


@routes.get("/login/link/<secret>")
def link(secret: str) -> str:
    """Show where the password is chosen, to who has the link and to nobody else."""
    return page("setup.html", link=site().identity.link(secret), secret=secret, refusal="")


@routes.post("/login/link/<secret>")
def follow_link(secret: str) -> Response:
    """Set the password and sign in; the link is used up."""
    identity = site().identity
    found = identity.link(secret)
    password = request.form.get("password", "")
    if password != request.form.get("again", ""):
        return _again(Message("The two passwords are not the same"), found, secret)
    try:
        done = identity.follow_link(secret, password, address=request.remote_addr, agent=request.user_agent.string)
    except PasswordRefused as refused:
        return _again(refused.message, found, secret)
    return _signed_in(done, "/")


def _again(refusal: Message, found: Link, secret: str) -> Response:
    shown = page("setup.html", link=found, secret=secret, refusal=refusal.in_(language()))
    return make_response(shown, 422)


def _signed_in(done: SignIn, wanted: str) -> Response:
    response = redirect(wanted, 303)
    # Without an end of its own: the browser forgets it when it is closed, the site after the hours of guanxi.yaml.
    response.set_cookie(COOKIE, done.secret, httponly=True, samesite="Lax", secure=request.is_secure)
    return response
