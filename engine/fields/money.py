"""`type: money`: an amount in one currency."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from engine.errors import BadValue
from engine.fields import currencies
from engine.fields.base import Locale, Options, register
from engine.fields.cleaning import narrow
from engine.fields.number import Number
from engine.fields.numerals import money_writer
from engine.i18n import Message

CURRENCY = "CNY"


@register
class Money(Number):
    """An amount with as many decimals as its currency has in ISO 4217; a decimal, so that sums stay exact.

    The sign of the currency may be typed along; that of another one is refused, not converted.
    """

    name = "money"
    properties = {
        "currency": {
            "description": "Code of ISO 4217; without it, the currency of the site.",
            "type": "string",
            "pattern": "^[A-Z]{3}$",
            "x-layer": "locked",
        },
        "min": Number.properties["min"],
        "max": Number.properties["max"],
    }

    def currency(self, options: Options) -> str:
        """Return the ISO code of the field's currency."""
        return str(options.get("currency") or CURRENCY)

    def decimals(self, options: Options) -> int:
        return currencies.decimals(self.currency(options))

    def bare(self, raw: str, options: Options) -> str:
        text = narrow(raw).strip()
        if text.startswith("(") and text.endswith(")"):
            text = f"-{text[1:-1].strip()}"  # as accounts write what is owed
        sign, digits = currencies.split_sign(text)
        currency = self.currency(options)
        if sign and currency not in currencies.SIGNS.get(sign, (sign,)):
            raise BadValue(Message("The amount is in {currency}, not in {sign}", currency=currency, sign=sign))
        return digits if digits or not sign else text

    def displayer(self, options: Options, locale: Locale) -> Callable[[Any], str]:
        write = money_writer(locale.language, self.currency(options), locale.currency)
        return lambda value: "" if value is None else write(value)

    def check_options(self, options: Options) -> Iterable[tuple[str, Message]]:
        yield from super().check_options(options)
        if self.currency(options) not in currencies.CODES:
            yield "currency", Message("“{currency}” is no currency of ISO 4217", currency=options["currency"])
