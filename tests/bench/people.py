"""The data of the bench: seeded leads, users and teams, the same for every system that is timed."""

from __future__ import annotations

import csv
import random
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path

STAGES = ("new", "contacted", "qualified", "proposal", "won", "lost")
SOURCES = ("web", "fair", "referral", "call", "partner")
COUNTRIES = ("CN", "US", "DE", "GB", "JP", "FR", "SG", "BR")
INDUSTRIES = ("retail", "software", "medical", "machines", "food", "banking", "school", "energy")
CITIES = ("上海", "北京", "Berlin", "London", "广州", "Paris", "Tokyo", "深圳", "Lyon", "Boston")
TEAMS = 4
USERS = 20

_LATIN = [
    "al",
    "be",
    "cor",
    "dan",
    "el",
    "fin",
    "gar",
    "hol",
    "in",
    "jor",
    "ka",
    "lin",
    "mo",
    "nor",
    "ol",
    "pe",
    "qua",
    "ro",
    "sil",
    "ta",
    "ul",
    "vin",
    "wes",
    "xan",
    "yor",
    "zel",
]
_LAST = ["ton", "berg", "mann", "son", "well", "ford", "ler", "stein", "man", "field", "ham", "worth", "er", "by"]
_SURNAMES = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗"
_GIVEN = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华玉兰"
_TRADES = ["科技", "贸易", "实业", "电子", "医药", "机械", "食品", "物流", "教育", "能源"]

FIELDS = [
    "name",
    "company",
    "phone",
    "email",
    "stage",
    "source",
    "country",
    "city",
    "industry",
    "amount",
    "score",
    "website",
    "next_on",
    "note",
    "external_id",
]
"""The fifteen fields that a client gives; the owner comes from who asks."""


def lead(rng: random.Random, number: int) -> dict[str, str | int]:
    """Return the fields of one lead as a client would send them; half are Chinese."""
    if rng.random() < 0.5:
        name = rng.choice(_SURNAMES) + "".join(rng.choices(_GIVEN, k=rng.choice((1, 2))))
        company = rng.choice(CITIES[:2]) + "".join(rng.choices(_GIVEN, k=2)) + rng.choice(_TRADES) + "有限公司"
    else:
        name = (
            f"{rng.choice(_LATIN)}{rng.choice(_LATIN)}".title() + " " + (rng.choice(_LATIN) + rng.choice(_LAST)).title()
        )
        company = (rng.choice(_LATIN) + rng.choice(_LATIN) + rng.choice(_LAST)).title() + " Ltd"
    return {
        "name": name,
        "company": company,
        "phone": f"+86139{rng.randrange(10**8):08d}",
        "email": f"lead{number}@example.com",
        "stage": rng.choices(STAGES, (30, 25, 15, 10, 10, 10))[0],
        "source": rng.choice(SOURCES),
        "country": rng.choices(COUNTRIES, (40, 20, 10, 10, 8, 6, 4, 2))[0],
        "city": rng.choice(CITIES),
        "industry": rng.choice(INDUSTRIES),
        "amount": f"{rng.randrange(0, 50_000_000) / 100:.2f}",
        "score": rng.randrange(0, 101),
        "website": f"https://lead{number}.example.com",
        "next_on": (date(2026, 1, 1) + timedelta(days=rng.randrange(365))).isoformat(),
        "note": "Met at the fair; wants a quotation." if rng.random() < 0.3 else "",
        "external_id": f"L{number}",
    }


def leads(count: int, seed: int = 7, start: int = 0) -> Iterator[dict[str, str | int]]:
    """Yield `count` leads; the same seed yields the same ones."""
    rng = random.Random(seed)
    for number in range(start, start + count):
        yield lead(rng, number)


def created_at(number: int) -> datetime:
    """Return when lead `number` was made: spread evenly over 2025 and 2026."""
    return datetime(2025, 1, 1) + timedelta(minutes=7 * number % 1_000_000)  # noqa: DTZ001 - stored as UTC without a zone


def write_csv(path: Path, count: int, seed: int = 7, start: int = 0) -> None:
    """Write leads as a CSV with a header of field keys."""
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, FIELDS)
        writer.writeheader()
        writer.writerows(leads(count, seed, start))
