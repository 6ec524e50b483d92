"""Rows of the demonstration, made up from a seed: the same seed and day give the same rows.

Nothing here touches a site. Rows name each other by `external_id`, and say on which day before today they came to be,
so that whoever writes them can let time pass.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from ui.demo.people import SELLERS

_WORDS = SimpleNamespace(**json.loads(Path(__file__).with_name("words.json").read_text(encoding="utf-8")))
_OPEN = ("discovery", "needs", "proposal", "negotiation")
_DAYS = 540
_OPEN_DAYS = 120
"""Days that a sale is open at most."""
_YOUNG = 20
"""Days that an account is known at least before the first sale to it can be over."""
_CONTACTS, _LEADS, _OPPORTUNITIES, _ACTIVITIES = 1.8, 1.2, 1.1, 3.5
"""Rows for each account."""


@dataclass(slots=True)
class Row:
    """One record that is to be made."""

    entity: str
    key: str
    owner: str
    """Key of a person."""
    age: int
    """Days ago."""
    values: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class _Company:
    row: Row
    chinese: bool
    contacts: list[Row] = field(default_factory=list)


class Generator:
    """Makes rows; `size` is the number of accounts."""

    def __init__(self, size: int, seed: int, today: date) -> None:
        self._random = random.Random(seed)  # noqa: S311 - made-up data, not a secret
        self._size, self._today = size, today
        self._phone = 0

    def rows(self) -> Iterator[Row]:
        """Yield every row, each after those that it names."""
        companies = [self._account(number) for number in range(self._size)]
        yield from (company.row for company in companies)
        for number in range(round(self._size * _CONTACTS)):
            yield self._contact(number, companies[number] if number < self._size else self._pick(companies))
        leads = [self._lead(number, companies) for number in range(round(self._size * _LEADS))]
        yield from leads
        opportunities = [self._opportunity(n, self._pick(companies)) for n in range(round(self._size * _OPPORTUNITIES))]
        yield from opportunities
        for number in range(round(self._size * _ACTIVITIES)):
            yield self._activity(number, companies, leads, opportunities)

    def _pick(self, choices: Any) -> Any:
        return self._random.choice(choices)

    def _age(self, at_most: int = _DAYS) -> int:
        # More came lately than long ago.
        return min(int(self._random.triangular(0, at_most + 1, 0)), at_most)

    def _since(self, at_most: int) -> int:
        """Return some day since then, each as likely: what happens with old accounts happens all the time."""
        return self._random.randint(0, at_most)

    def _day(self, ahead: int) -> str:
        return (self._today + timedelta(days=ahead)).isoformat()

    def _person(self, *, chinese: bool) -> str:
        if chinese:
            return f"{self._pick(_WORDS.surnames)}{self._pick(_WORDS.given_names)}"
        return f"{self._pick(_WORDS.first_names)} {self._pick(_WORDS.last_names)}"

    def _mobile(self) -> str:
        self._phone += 1
        return f"+86138{10_000_000 + self._phone * 37 % 89_999_999:08d}"

    def _company_name(self, *, chinese: bool) -> tuple[str, str, str, str, dict[str, Any]]:
        """Return name, short name, industry, business and where it is."""
        if chinese:
            city, province = self._pick(_WORDS.places)
            brand, (industry, trade, business) = self._pick(_WORDS.brands), self._pick(_WORDS.trades)
            name = f"{city}{brand}{trade}{self._pick(_WORDS.forms)}"
            street = f"{self._pick(_WORDS.brands)}路{self._random.randint(1, 999)}号"
            place = {
                "country": "中国",
                "address": {"country": "中国", "province": province, "city": city, "street": street},
            }
            return name, brand + trade[:2], industry, business, place
        country, city = self._pick(_WORDS.latin_places)
        brand, (industry, trade, business) = self._pick(_WORDS.latin_brands), self._pick(_WORDS.latin_trades)
        street = f"{self._random.randint(1, 200)} {self._pick(_WORDS.latin_brands)} Street"
        place = {"country": country, "address": {"city": city, "street": street}}
        return f"{brand} {trade} {self._pick(_WORDS.latin_forms)}", brand, industry, business, place

    def _account(self, number: int) -> _Company:
        chinese = self._random.random() < 0.6  # noqa: PLR2004 - three of five
        name, short_name, industry, business, place = self._company_name(chinese=chinese)
        values = {
            "name": name,
            "short_name": short_name,
            "industry": industry,
            "business": business,
            "company_size": self._pick(("s1", "s2", "s2", "s3", "s3", "s4", "s5")),
            "level": self._pick("abbbcc"),
            "source": self._pick(
                ("promotion", "search", "ad", "referral", "referral", "inquiry", "event", "phone", "social")
            ),
            "phone": self._mobile(),
            "website": f"https://www.company{number}.example",
            "annual_revenue": str(self._random.randint(5, 5_000) * 100_000),
            "remark": self._pick(_WORDS.needs)[chinese],
            **place,
        }
        if self._random.random() < 0.5:  # noqa: PLR2004 - every second one
            values["next_contact_on"] = self._day(self._random.randint(-10, 30))
        # Accounts came all the time, lately somewhat more.
        age = min(int(self._random.triangular(_YOUNG, _DAYS + 1, _DAYS // 3)), _DAYS)
        row = Row("account", f"demo-account-{number}", self._pick(SELLERS), age, values)
        return _Company(row, chinese)

    def _contact(self, number: int, company: _Company) -> Row:
        chinese = company.chinese
        english_position, chinese_position, role = self._pick(_WORDS.positions)
        values = {
            "name": self._person(chinese=chinese),
            "account": {"external_id": company.row.key},
            "salutation": self._pick(("mr", "ms")),
            "position": chinese_position if chinese else english_position,
            "role": role,
            "mobile": self._mobile(),
            "email": f"contact{number}@company{company.row.key.rpartition('-')[2]}.example",
            "language": "zh" if chinese else "en",
        }
        if chinese:
            values["wechat"] = f"wx_{number:06d}"
        if self._random.random() < 0.3:  # noqa: PLR2004 - some
            values["birthday"] = (self._today - timedelta(days=self._random.randint(24 * 365, 60 * 365))).isoformat()
        row = Row("contact", f"demo-contact-{number}", company.row.owner, self._age(company.row.age), values)
        company.contacts.append(row)
        return row

    def _lead(self, number: int, companies: list[_Company]) -> Row:
        chinese = self._random.random() < 0.6  # noqa: PLR2004 - three of five
        company, _short_name, industry, _business, _place = self._company_name(chinese=chinese)
        person, need = self._person(chinese=chinese), self._pick(_WORDS.needs)[chinese]
        status = self._pick(
            (
                "new", "new", "new", "contacted", "contacted", "nurturing", "qualified", "converted", "converted",
                "unqualified", "junk",
            )
        )  # fmt: skip
        values = {
            "name": f"{company} - {person}",
            "company_name": company,
            "contact_name": person,
            "mobile": self._mobile(),
            "email": f"lead{number}@lead{number}.example",
            "status": status,
            "source": self._pick(("search", "ad", "referral", "register", "inquiry", "event", "social", "phone")),
            "industry": industry,
            "intent": self._pick(("high", "middle", "middle", "low")),
            "need": need,
            "budget": str(self._random.randint(2, 200) * 5_000),
        }
        if status == "converted":
            values["account"] = {"external_id": self._pick(companies).row.key}
        elif status == "unqualified":
            values["disqualify_reason"] = self._pick(("no_need", "no_budget", "unreachable", "competitor"))
        elif status != "junk":
            values["next_contact_on"] = self._day(self._random.randint(-5, 20))
        return Row("lead", f"demo-lead-{number}", self._pick(SELLERS), self._age(180), values)

    def _opportunity(self, number: int, company: _Company) -> Row:
        stage = self._pick((*_OPEN, *_OPEN, "won", "won", "lost", "invalid"))
        age = self._since(min(company.row.age, _OPEN_DAYS) if stage in _OPEN else company.row.age)
        values: dict[str, Any] = {
            "name": f"{company.row.values['short_name']} {self._pick(_WORDS.products)[company.chinese]}",
            "account": {"external_id": company.row.key},
            "kind": self._pick(("new", "new", "new", "repeat", "upsell", "renewal")),
            "stage": stage,
            "amount": str(self._random.randint(4, 400) * 2_500),
        }
        if company.contacts:
            values["contact"] = {"external_id": self._pick(company.contacts).key}
        if stage in _OPEN:
            values["expected_close"] = self._day(self._random.randint(-15, 75))
            values["next_step"] = self._pick(_WORDS.calls)[2 if company.chinese else 1]
        else:
            closed = -max(age - self._random.randint(5, 90), 0)
            values |= {
                "closed_on": self._day(closed),
                "expected_close": self._day(closed + self._random.randint(-10, 20)),
            }
        if stage == "won":
            values["win_reason"] = self._pick(("product", "price", "relation", "service", "brand"))
        elif stage == "lost":
            values["lost_reason"] = self._pick(("price", "product", "competitor", "budget", "no_answer"))
        return Row("opportunity", f"demo-opportunity-{number}", company.row.owner, age, values)

    def _activity(self, number: int, companies: list[_Company], leads: list[Row], opportunities: list[Row]) -> Row:
        kind, english, chinese, said, said_chinese = self._pick(_WORDS.calls)
        company = self._pick(companies)
        values: dict[str, Any] = {"kind": kind}
        about = self._random.random()
        if about < 0.2 and leads:  # noqa: PLR2004 - one of five is about a lead
            target = self._pick(leads)
            in_chinese = not target.values["company_name"].isascii()
            values["lead"] = {"external_id": target.key}
        else:
            target, in_chinese = company.row, company.chinese
            values["account"] = {"external_id": target.key}
            if company.contacts:
                values["contact"] = {"external_id": self._pick(company.contacts).key}
        values["subject"] = chinese if in_chinese else english
        age = self._age(min(target.age, 180))
        if self._random.random() < 0.7:  # noqa: PLR2004 - most are done
            values |= {"status": "done", "content": (said_chinese if in_chinese else said) or None}
            values["result"] = self._pick(("progress", "progress", "waiting", "no_answer", "appointment"))
            ahead = -age
        else:
            ahead = self._random.randint(-3, 14)
        at = time(self._random.randint(1, 9), self._pick((0, 15, 30, 45)), tzinfo=UTC)
        values["due_at"] = datetime.combine(self._today + timedelta(days=ahead), at).isoformat()
        return Row(
            "activity", f"demo-activity-{number}", target.owner, age, {k: v for k, v in values.items() if v is not None}
        )
