"""`type: phone`: a telephone number."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any

from engine.errors import BadValue
from engine.fields.base import FieldType, Locale, Options, StorageType, register
from engine.fields.cleaning import check_length, line, narrow, shown
from engine.i18n import Message, translate

REGION = "CN"
_MAX_LENGTH = 40
_MAX_TYPED = 100
_DIGITS = range(3, 21)
# Mobile numbers of mainland China, which need no library: it takes half a second to load and 30 us a number.
_CN_MOBILE = re.compile(r"(?:(?:\+|00)?86[ -]?)?(1[3-9]\d)[ -]?(\d{4})[ -]?(\d{4})", re.ASCII)
_STORED_CN_MOBILE = re.compile(r"\+86(1[3-9]\d)(\d{4})(\d{4})", re.ASCII)
_LIKE_A_PHONE = re.compile(r"[+(\d][\d\s().\-/*#+,;x]*(?:(?:ext\.?|x|#|;ext=) ?\d{1,8})?", re.ASCII | re.IGNORECASE)
_EXTENSION = re.compile(r"\s*(?:转接?|分机号?|内线)\s*:?\s*(?=\d)")
_BLANKS = re.compile(r"\s+")


@register
class Phone(FieldType):
    """A number in E.164, "+8613800138000", with ";ext=801" behind it for an extension.

    A number that the library does not know to be valid, but that looks like one, is kept as it was typed: a short
    service number, a new range, a local number without its area. `region` (ISO 3166) is where numbers without a
    country code belong.
    """

    name = "phone"
    value_type = "text"
    searchable = True
    properties = {
        "region": {
            "description": "Code of ISO 3166 of the region to which numbers without a country code belong.",
            "type": "string",
            "pattern": "^[A-Z]{2}$",
            "default": REGION,
            "x-layer": "free",
        }
    }

    def storage(self, options: Options) -> StorageType:
        return StorageType("text")

    def parse(self, raw: Any, options: Options) -> str | None:
        return self.parser(options)(raw)

    def parser(self, options: Options) -> Callable[[Any], str | None]:
        region = options.get("region", REGION)
        chinese = region == "CN"

        def parse(raw: Any) -> str | None:
            if raw is None:
                return None
            if chinese and raw.__class__ is str and (found := _CN_MOBILE.fullmatch(raw)) is not None:
                return f"+86{found[1]}{found[2]}{found[3]}"
            text = _BLANKS.sub(" ", narrow(check_length(line(raw), _MAX_TYPED)))
            text = _EXTENSION.sub(" ext. ", text.lower().removeprefix("tel:")).strip()
            if not text:
                return None
            if chinese and (found := _CN_MOBILE.fullmatch(text)) is not None:
                return f"+86{found[1]}{found[2]}{found[3]}"
            digits = sum(letter.isdigit() for letter in text)
            if digits not in _DIGITS or len(text) > _MAX_LENGTH or _LIKE_A_PHONE.fullmatch(text) is None:
                raise BadValue(
                    Message("“{value}” is not a telephone number, such as {example}", value=shown(raw),
                            example="138 0013 8000")
                )  # fmt: skip
            return _international(text, region) or text

        return parse

    def format(self, value: Any, options: Options, locale: Locale) -> str:
        return value or ""

    def displayer(self, options: Options, locale: Locale) -> Callable[[Any], str]:
        region = options.get("region", REGION)
        extension = translate("ext.", locale.language)

        def display(value: Any) -> str:
            if value is None:
                return ""
            found = _STORED_CN_MOBILE.fullmatch(value)
            if found is not None and region == "CN":
                return " ".join(found.groups())
            return _readable(value, region, extension)

        return display

    def display(self, value: Any, options: Options, locale: Locale) -> str:
        return self.displayer(options, locale)(value)

    def search_text(self, value: Any, options: Options) -> str:
        # People look for the number without its country code.
        national = _readable(value, options.get("region", REGION), "").replace(" ", "")
        return value if national == value else f"{value} {national}"

    def json_schema(self, options: Options) -> dict[str, Any]:
        return {"type": "string", "maxLength": _MAX_LENGTH}

    def filters(self) -> tuple[str, ...]:
        return ("contains", "==", "!=", "starts_with", "ends_with", "in", "is None", "is not None")

    def check_options(self, options: Options) -> Iterable[tuple[str, Message]]:
        region = options.get("region", REGION)
        if region != REGION:
            import phonenumbers

            if region not in phonenumbers.SUPPORTED_REGIONS:
                yield "region", Message("“{region}” is no region of ISO 3166", region=region)


def _international(text: str, region: str) -> str | None:
    """Return E.164 for a number that is valid, or at least possible and typed with its country code."""
    import phonenumbers

    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number) and not (
        text.startswith("+") and phonenumbers.is_possible_number(number)
    ):
        return None
    stored = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return f"{stored};ext={number.extension}" if number.extension else stored


@lru_cache(maxsize=10_000)
def _readable(value: str, region: str, extension: str) -> str:
    if not value.startswith("+"):
        return value
    import phonenumbers

    main, _, inner = value.partition(";ext=")
    try:
        number = phonenumbers.parse(main, None)
    except phonenumbers.NumberParseException:
        return value
    home = phonenumbers.country_code_for_region(region) == number.country_code
    form = phonenumbers.PhoneNumberFormat.NATIONAL if home else phonenumbers.PhoneNumberFormat.INTERNATIONAL
    words = phonenumbers.format_number(number, form)
    return f"{words} {extension} {inner}" if inner else words
