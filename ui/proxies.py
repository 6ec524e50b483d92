"""Who really asks, and under which name: what a proxy says is believed when it is one of ours, and of nobody else.

Without this anybody could write the header that lockouts, tokens and the audit log take an address from.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

UNIX = "unix"
"""Stands in `trusted_proxies` for whoever reaches the site by a socket in the file system."""
_SAID = ("HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_PROTO", "HTTP_X_FORWARDED_HOST")
_UNUSED = ("HTTP_FORWARDED", "HTTP_X_FORWARDED_PORT", "HTTP_X_FORWARDED_PREFIX", "HTTP_X_REAL_IP", "HTTP_PROXY")


class Proxies:
    """WSGI middleware that puts the truth into `REMOTE_ADDR`, `wsgi.url_scheme` and `HTTP_HOST`.

    Args:
        inner: the application.
        trusted: addresses and networks of our proxies, and `unix`.
        base_url: where people reach the site; when it is https, that is how this host is reached, whatever the last
            few centimetres are.
    """

    def __init__(self, inner: WSGIApplication, trusted: Sequence[str], base_url: str | None) -> None:
        self._inner = inner
        self._networks = tuple(ip_network(each, strict=False) for each in trusted if each != UNIX)
        self._unix = UNIX in trusted
        parts = urlsplit(base_url or "")
        self._secure_host = parts.netloc.lower() if parts.scheme == "https" else None
        self._trusts = lru_cache(maxsize=4096)(self._judge)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request as it really is."""
        said = {name: environ.pop(name, "") for name in _SAID}
        for name in _UNUSED:
            environ.pop(name, None)
        if self._trusts(environ.get("REMOTE_ADDR") or ""):
            self._believe(environ, said)
        if self._secure_host and str(environ.get("HTTP_HOST", "")).lower() == self._secure_host:
            environ["wsgi.url_scheme"] = "https"
        return self._inner(environ, start_response)

    def _believe(self, environ: dict[str, Any], said: dict[str, str]) -> None:
        # Each proxy adds at the end, so only what our own ones added is read: from the end to the first stranger.
        for address in reversed(_listed(said["HTTP_X_FORWARDED_FOR"])):
            bare = _bare(address)
            if bare is None:
                break
            environ["REMOTE_ADDR"] = bare
            if not self._trusts(bare):
                break
        schemes = _listed(said["HTTP_X_FORWARDED_PROTO"])
        if schemes and schemes[-1].lower() in {"http", "https"}:
            environ["wsgi.url_scheme"] = schemes[-1].lower()
        hosts = _listed(said["HTTP_X_FORWARDED_HOST"])
        if hosts:
            environ["HTTP_HOST"] = hosts[-1]

    def _judge(self, address: str) -> bool:
        if not address or address.startswith(("unix", "/")):
            return self._unix
        bare = _bare(address)
        if bare is None:
            return False
        judged = ip_address(bare)
        return any(judged.version == each.version and judged in each for each in self._networks)


def _listed(value: str) -> list[str]:
    return [each.strip() for each in value.split(",") if each.strip()]


def _bare(address: str) -> str | None:
    """Return an address without port and brackets, an IPv4 one without its IPv6 clothes; None when it is none."""
    text = address.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        found = ip_address(text)
    except ValueError:
        return None
    mapped = getattr(found, "ipv4_mapped", None)
    return str(mapped or found)
