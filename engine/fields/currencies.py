"""Currencies of ISO 4217: their codes, and how many decimals an amount has."""

from __future__ import annotations

import re
from functools import cache

CODES = frozenset(
    """
    AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BHD BIF BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE CHF
    CHW CLF CLP CNY COP COU CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD
    HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD
    MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN
    PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD
    TWD TZS UAH UGX USD USN UYI UYU UYW UZS VED VES VND VUV WST XAF XCD XCG XOF XPF YER ZAR ZMW ZWG
    """.split()
)
"""Currencies in which amounts are kept; not metals and not units of account."""

_DECIMALS = (
    dict.fromkeys("BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF".split(), 0)
    | dict.fromkeys("BHD IQD JOD KWD LYD OMR TND".split(), 3)
    | dict.fromkeys("CLF UYW".split(), 4)
)

SIGNS = {
    "¥": frozenset({"CNY", "JPY"}),
    "元": frozenset({"CNY", "HKD", "TWD", "MOP"}),
    "圆": frozenset({"CNY", "HKD", "TWD", "MOP"}),
    "块": frozenset({"CNY"}),
    "人民币": frozenset({"CNY"}),
    "RMB": frozenset({"CNY"}),
    "$": frozenset(
        "USD AUD CAD HKD SGD NZD TWD MXN CLP COP ARS BBD BMD BND BSD BZD FJD GYD JMD KYD LRD NAD SBD SRD TTD"
        " XCD".split()
    ),
    "US$": frozenset({"USD"}),
    "HK$": frozenset({"HKD"}),
    "NT$": frozenset({"TWD"}),
    "美元": frozenset({"USD"}),
    "港币": frozenset({"HKD"}),
    "港元": frozenset({"HKD"}),
    "日元": frozenset({"JPY"}),
    "円": frozenset({"JPY"}),
    "€": frozenset({"EUR"}),
    "欧元": frozenset({"EUR"}),
    "£": frozenset({"GBP", "EGP", "FKP", "GIP", "LBP", "SHP", "SSP", "SYP"}),
    "英镑": frozenset({"GBP"}),
    "₩": frozenset({"KRW", "KPW"}),
    "₹": frozenset({"INR"}),
    "₽": frozenset({"RUB"}),
    "₫": frozenset({"VND"}),
    "฿": frozenset({"THB"}),
}
"""Signs and words that people write beside an amount, and the currencies that each may mean."""


def decimals(currency: str) -> int:
    """Return the decimals of an amount: 2 for CNY, 0 for JPY, 3 for KWD."""
    return _DECIMALS.get(currency, 2)


def sign(currency: str) -> str:
    """Return the one-letter sign of a currency; "" when it has none."""
    return next((sign for sign, meant in SIGNS.items() if currency in meant and sign in "¥$€£₩₹₽₫฿"), "")


def split_sign(text: str) -> tuple[str, str]:
    """Return the sign or code of a currency that starts or ends an amount, and the rest; ("", text) without one."""
    negative = "-" if text.startswith("-") else ""
    body = text.removeprefix("-").strip()
    first, last = _patterns()
    found = first.match(body) or last.search(body[-_LONGEST_SIGN:])
    if found is None:
        return "", text
    rest = body[found.end() :] if body.startswith(found[0]) else body.removesuffix(found[0])
    return found[0].upper(), negative + rest.strip()


_LONGEST_SIGN = 3


@cache
def _patterns() -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Return what finds a sign at the start, and at the end; made when the first sign is typed."""
    signs = "|".join(re.escape(sign) for sign in sorted((*SIGNS, *CODES), key=len, reverse=True))
    return re.compile(signs, re.IGNORECASE), re.compile(rf"(?:{signs})\Z", re.IGNORECASE)
