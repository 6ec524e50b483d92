"""`type: email`: an e-mail address."""

from __future__ import annotations

import re
from typing import Any

from engine.errors import BadValue
from engine.fields.base import FieldType, Locale, Options, StorageType, register
from engine.fields.cleaning import check_length, line, narrow, shown
from engine.i18n import Message

_MAX_LENGTH = 254
_MAX_TYPED = 300
_MAX_LOCAL = 64
_ATOM = r"[a-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = "[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
# ASCII addresses are nearly all there are; the others are left to the library, which is slower.
_ASCII = re.compile(rf"{_ATOM}(?:\.{_ATOM})*@(?:{_LABEL}\.)+[a-z][a-z0-9-]{{0,61}}[a-z0-9]")


@register
class Email(FieldType):
    """One address, in lower case, so that it is found and told apart however it was typed. Nothing asks the network."""

    name = "email"
    value_type = "text"
    searchable = True

    def storage(self, options: Options) -> StorageType:
        return StorageType("text")

    def parse(self, raw: Any, options: Options) -> str | None:
        if raw is None:
            return None
        text = narrow(check_length(line(raw), _MAX_TYPED)).lower().removeprefix("mailto:").strip()
        if not text:
            return None
        if _ASCII.fullmatch(text) and len(text) <= _MAX_LENGTH and text.index("@") <= _MAX_LOCAL:
            return text
        if text.isascii():
            raise _refusal(raw)
        return _international(text, raw)

    def format(self, value: Any, options: Options, locale: Locale) -> str:
        return value or ""

    def json_schema(self, options: Options) -> dict[str, Any]:
        return {"type": "string", "format": "email", "maxLength": _MAX_LENGTH}

    def filters(self) -> tuple[str, ...]:
        return ("contains", "==", "!=", "starts_with", "ends_with", "in", "is None", "is not None")


def _international(text: str, raw: Any) -> str:
    from email_validator import EmailNotValidError, validate_email

    try:
        return validate_email(text, check_deliverability=False).normalized.lower()
    except EmailNotValidError:
        raise _refusal(raw) from None


def _refusal(raw: Any) -> BadValue:
    return BadValue(
        Message("“{value}” is not an e-mail address, such as {example}", value=shown(raw), example="ann@example.com")
    )
