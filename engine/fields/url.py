"""`type: url`: the address of a web page."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from engine.errors import BadValue
from engine.fields.base import FieldType, Locale, Options, StorageType, register
from engine.fields.cleaning import check_length, line, shown
from engine.i18n import Message

MAX_LENGTH = 2_048
_SCHEME = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*):(?!\d+(?:[/?#]|\Z))")
_HOST = re.compile(r"(?:[\w-]+\.)*[\w-]+\.?|\[[0-9A-Fa-f:.]+\]")
_USUAL = re.compile(r"https?://(?:[a-z0-9-]+\.)+[a-z]+(?:/[A-Za-z0-9._~/-]*)?")
"""What most addresses are, and which stay as they are."""
_FORBIDDEN = re.compile(r"[\s<>\"\\`]")


@register
class Url(FieldType):
    """An http or https address; "https://" is put before one without a scheme. Nothing else can hide in a link."""

    name = "url"
    value_type = "text"
    searchable = True

    def storage(self, options: Options) -> StorageType:
        return StorageType("text")

    def parse(self, raw: Any, options: Options) -> str | None:
        if raw is None:
            return None
        if raw.__class__ is str and len(raw) <= MAX_LENGTH and _USUAL.fullmatch(raw):
            return str(raw)
        text = check_length(line(raw), MAX_LENGTH)
        if not text:
            return None
        scheme = _SCHEME.match(text)
        if scheme is None:
            text = f"https://{text.removeprefix('//')}"
        elif scheme["scheme"].lower() not in {"http", "https"}:
            raise BadValue(Message("Only addresses with http or https are kept"))
        return _checked(text, raw, bare=scheme is None)

    def format(self, value: Any, options: Options, locale: Locale) -> str:
        return value or ""

    def display(self, value: Any, options: Options, locale: Locale) -> str:
        if value is None:
            return ""
        text = str(value).partition("://")[2].removeprefix("www.")
        return text[:-1] if text.count("/") == 1 and text.endswith("/") else text

    def json_schema(self, options: Options) -> dict[str, Any]:
        return {"type": "string", "format": "uri", "pattern": "^https?://", "maxLength": MAX_LENGTH}

    def filters(self) -> tuple[str, ...]:
        return ("contains", "==", "!=", "starts_with", "ends_with", "is None", "is not None")


def _checked(text: str, raw: Any, *, bare: bool) -> str:
    """Return the address with scheme and host in lower case."""
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise _refusal(raw) from None
    host = parts.hostname or ""
    host = f"[{host}]" if ":" in host else host
    # A name before the host ("https://bank.com@evil.example") is only ever there to deceive.
    if "@" in parts.netloc or _HOST.fullmatch(host) is None or _FORBIDDEN.search(text):
        raise _refusal(raw)
    if bare and "." not in host and host != "localhost":
        raise _refusal(raw)  # a word; with its scheme it may be a machine of the own network
    place = host if port is None else f"{host}:{port}"
    return parts._replace(scheme=parts.scheme.lower(), netloc=place).geturl()


def _refusal(raw: Any) -> BadValue:
    return BadValue(
        Message("“{value}” is not a web address, such as {example}", value=shown(raw), example="https://example.com")
    )
