"""Signing in by a provider of the house: off to it, and back with what it says. The engine judges all of it."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable
from typing import cast
from urllib.parse import urlencode

from flask import Blueprint, Flask, Response, make_response, redirect, request
from werkzeug.wrappers import Response as AnyResponse

from engine import SignInRefused, TooManyRequests
from ui import cookies
from ui.asking import language, site
from ui.forgery import from_elsewhere
from ui.frame import said, words
from ui.pages.signing import asked, enter, refusing
from ui.pages.ways import Way, offer
from ui.safe import own_path

COOKIE = "guanxi_sso"
"""Name of the cookie that says which browser a sign-in was begun in."""
_SECONDS = 900

routes = Blueprint("sso", __name__, url_prefix="/login/sso")


def _ways(wanted: str) -> Iterable[Way]:
    left = request.args.get("left", "")
    for provider in site().sso.ways:
        if provider.key == left and provider.options.get("logout"):
            label = words("Sign out at {provider} too", provider=said(provider.label))
            yield Way(label, f"/login/sso/{provider.key}/out", "logout")
        query = f"?{urlencode({'next': wanted})}" if own_path(wanted) != "/" else ""
        label = words("Sign in with {provider}", provider=said(provider.label))
        yield Way(label, f"/login/sso/{provider.key}{query}", "key")


routes.record_once(lambda state: offer(cast(Flask, state.app), _ways))


def _refusable(step: Callable[[], AnyResponse]) -> AnyResponse:
    """Take a step; when it is refused, show the sign-in page with the reason."""
    try:
        return step()
    except (SignInRefused, TooManyRequests) as refused:
        return refusing(asked("/", refusal=refused.in_(language())), refused)


@routes.get("/<provider>")
def start(provider: str) -> AnyResponse:
    """Send the browser to the provider."""

    def step() -> AnyResponse:
        browser = secrets.token_urlsafe(32)
        wanted = own_path(request.args.get("next", ""))
        there = site().sso.start(provider, browser, wanted, address=request.remote_addr)
        response = redirect(there, 303)
        cookies.keep(response, COOKIE, browser, seconds=_SECONDS)
        return response

    return _refusable(step)


@routes.get("/<provider>/callback")
def callback(provider: str) -> AnyResponse:
    """Take the answer of an OpenID provider out of the address."""

    def step() -> AnyResponse:
        came = site().sso.returned(provider, request.args.to_dict(), cookies.read(COOKIE))
        return _enter(lambda: site().sso.enter(came, address=request.remote_addr, agent=_agent()), came.wanted)

    return _refusable(step)


@routes.post("/<provider>/acs")
@from_elsewhere
def posted(provider: str) -> AnyResponse:
    """Take the answer that a SAML provider lets the browser post, and let the browser come again with its cookie."""

    def step() -> AnyResponse:
        word = site().sso.posted(provider, request.form.get("SAMLResponse", ""), request.form.get("RelayState", ""))
        return redirect(f"/login/sso/{provider}/arrived?word={word}", 303)

    return _refusable(step)


@routes.get("/<provider>/arrived")
def arrived(provider: str) -> AnyResponse:
    """Sign in who came from a SAML provider, in the browser that they left from."""

    def step() -> AnyResponse:
        came = site().sso.arrived(provider, request.args.get("word", ""), cookies.read(COOKIE))
        return _enter(lambda: site().sso.enter(came, address=request.remote_addr, agent=_agent()), came.wanted)

    return _refusable(step)


@routes.get("/<provider>/out")
def sign_out(provider: str) -> AnyResponse:
    """End the sign-in at the provider too, for who followed the link that is offered after signing out here."""
    return _refusable(lambda: redirect(site().sso.way_out(provider), 303))


@routes.get("/<provider>/metadata")
def metadata(provider: str) -> Response:
    """Show what a SAML provider has to know of this site."""
    response = make_response(site().sso.metadata(provider))
    response.headers["Content-Type"] = "application/samlmetadata+xml"
    response.headers["Content-Disposition"] = "attachment; filename=metadata.xml"
    return response


def _agent() -> str:
    return request.user_agent.string


def _enter(begin: Callable[[], object], wanted: str) -> AnyResponse:
    response = enter(begin, own_path(wanted))  # type: ignore[arg-type]
    cookies.forget(response, COOKIE)
    return response
