"""Trades that nobody thought of while building: what their documents say works, and nonsense is refused."""

import random
import time
from pathlib import Path
from typing import Any

import pytest

from engine.data.batch import Change
from engine.data.principal import SYSTEM
from engine.data.query import Query
from engine.errors import RecordInvalid
from engine.expression import parse
from engine.site.site import Site
from tests.conftest import Tier
from tests.functional.commands.conftest import Command

LIBRARY = """\
# A library: links to several, links to itself, formulas along links, labels in Chinese alone.
entity: author
label: {zh: 作者}
title: name
features: [search]
fields:
  name: {type: text, label: 姓名, required: true, search: high}
  country: {type: text, label: 国家}
  teacher: {type: lookup, label: 师承, to: author, on_delete: clear}
---
entity: shelf
label: {zh: 书架}
title: place
fields:
  place: {type: text, required: true}
  above: {type: lookup, to: shelf, on_delete: restrict}
  number: {type: rollup, of: books, count: true}
  worth: {type: rollup, of: books, sum: price, where: "lost == False"}
---
entity: book
label: {zh: 图书}
plural: {zh: 图书}
title: 'title'
features: [search, history]
fields:
  title: {type: text, label: 书名, required: true, search: high}
  authors: {type: lookups, label: 作者, to: author}
  shelf: {type: lookup, label: 书架, to: shelf, on_delete: restrict}
  shelf_above: {type: reference, of: shelf, field: above}
  price: {type: money, currency: CNY, label: 价格, min: 0}
  pages: {type: integer, label: 页数, min: 1}
  per_page: {type: formula, label: 单页价格, result: number, decimals: 4, expr: "price / pages"}
  where:
    type: formula
    label: 位置
    result: text
    expr: "coalesce(shelf.above.place, '') + '/' + coalesce(shelf.place, '')"
  lost: {type: boolean, default: false}
  loans: {type: table, label: 借阅, of: loan}
  days_out: {type: rollup, label: 借出天数, of: loans, sum: days}
  busy: {type: formula, result: boolean, stored: true, expr: "days_out > 20"}
checks:
  no_pages: {fail_when: "price is not None and pages is None", at: pages, message: {zh: 有价格的书须填页数}}
---
entity: loan
label: {zh: 借阅}
parent: book
title: reader
fields:
  reader: {type: text, label: 读者, required: true}
  from_day: {type: date, required: true}
  to_day: {type: date}
  days: {type: formula, result: integer, stored: true, expr: "coalesce(days_between(from_day, to_day), 0)"}
checks:
  backwards: {fail_when: "to_day < from_day", at: to_day, message: {zh: 归还不能早于借出}}
---
test: library.worth
given:
  shelf: {top: {place: A}, low: {place: A1, above: top}}
  book:
    one: {title: 红楼梦, shelf: low, price: "30", pages: 100}
    two: {title: 西游记, shelf: low, price: "20.50", pages: 50}
when: {update: two, set: {lost: true}}
then:
  values: {where: A/A1, per_page: "0.41"}
  rows: {low: {number: 2, worth: "30.00"}}
---
test: library.backwards
given: {book: {one: {title: X}}}
when: {update: one, set: {loans: [{reader: 小明, from_day: 2026-03-02, to_day: 2026-03-01}]}}
then: {refused: {loans/0/to_day: backwards}}
---
test: library.busy
given: {book: {one: {title: X}}}
when:
  update: one
  set:
    loans:
      - {reader: A, from_day: 2026-03-01, to_day: 2026-03-15}
      - {reader: B, from_day: 2026-04-01, to_day: 2026-04-10}
then: {values: {days_out: 23, busy: true}, count: {loan: 2}}
"""


@pytest.fixture
def library(any_crm: Path, guanxi: Command) -> Path:
    (any_crm / "schemas" / "library.yaml").write_text(LIBRARY, encoding="utf-8")
    assert guanxi("publish").err == ""
    return any_crm


def test_the_documents_of_a_library_pass_their_own_tests(library: Path, guanxi: Command) -> None:
    done = guanxi("test")

    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines()[0] == "3 passed, 0 failed"


def test_a_library_lends_finds_and_counts(library: Path) -> None:
    with Site.open(library) as site:
        make = site.records.create
        [lu] = make(SYSTEM, "author", [{"name": "鲁迅", "country": "中国"}])
        [ba] = make(SYSTEM, "author", [{"name": "巴金", "teacher": lu.id}])
        [top] = make(SYSTEM, "shelf", [{"place": "一楼"}])
        [low] = make(SYSTEM, "shelf", [{"place": "东", "above": top.id}])
        loans = [{"reader": "小明", "from_day": "2026-03-01", "to_day": "2026-03-11"}]
        books: list[dict[str, Any]] = [
            {"title": "呐喊", "authors": [lu.id], "shelf": low.id, "price": "20", "pages": 200, "loans": loans},
            {"title": "家", "authors": [ba.id, lu.id], "shelf": low.id},
            {"title": "Family, in English", "authors": [{"title": "巴金"}], "shelf": {"title": "一楼"}},
        ]
        made = make(SYSTEM, "book", books)

        with site.reading(SYSTEM) as reader:

            def titles(where: str) -> set[str]:
                rows = reader.query(Query("book", select=("title",), where=parse(where)))
                return {row["title"] for row in rows.json()}

            # Along links, from both ends, over several, and over child rows.
            assert titles("shelf.above.place == '一楼'") == {"呐喊", "家"}
            assert titles("any(authors, country == '中国')") == {"呐喊", "家"}
            assert titles("any(authors, teacher.name == '鲁迅')") == {"家", "Family, in English"}
            assert titles("any(loans, reader == '小明' and days == 10)") == {"呐喊"}
            assert titles("contains(where, '楼/东') and per_page == 0.1") == {"呐喊"}
            [row] = reader.query(
                Query("book", select=("where", "per_page", "days_out"), where=parse("title == '呐喊'"))
            ).json()
            assert (row["where"], row["per_page"], row["days_out"]) == ("一楼/东", "0.1000", 10)
            assert [found.title for found in reader.search("呐")] == ["呐喊"]
            [shelf] = reader.query(Query("shelf", select=("number", "worth"), where=parse("place == '东'"))).json()
            assert (shelf["number"], shelf["worth"]) == (2, "20.00")

        # What is linked to stays, links are cleared where the document says so, rows are gone with their parent.
        with pytest.raises(RecordInvalid):
            site.records.delete(SYSTEM, "shelf", [low.id])
        site.records.update(SYSTEM, "book", [Change(made[0].id, {"loans": []})])
        site.records.delete(SYSTEM, "author", [lu.id])
        with site.reading(SYSTEM) as reader:
            assert reader.count(Query("loan")).number == 0
            assert reader.record("author", ba.id, ("teacher",)).json()["teacher"] is None
            assert reader.record("book", made[0].id, ("days_out",)).json()["days_out"] in {0, None}


def test_200_entities_of_60_fields_are_published_and_used(any_crm: Path, guanxi: Command, tier: Tier) -> None:
    entities, fields = (200, 60) if tier == "full" else (60, 60)
    kinds = (
        "text",
        "integer",
        "date",
        "boolean",
        "money, currency: CNY",
        "longtext",
        "datetime",
        "select, options: {a: {}, b: {}}",
    )
    choose = random.Random(1)
    for number in range(entities):
        lines = [
            f"entity: thing_{number}",
            f"label: {{en: Thing {number}, zh: 物品{number}}}",
            "title: f_0",
            "fields:",
            "  f_0: {type: text, search: high}",
        ]
        lines += [f"  f_{field}: {{type: {kinds[field % len(kinds)]}}}" for field in range(1, fields - 2)]
        lines += [f"  link: {{type: lookup, to: thing_{choose.randrange(entities)}}}"]
        lines += ['  twice: {type: formula, result: integer, expr: "f_1 * 2"}']
        (any_crm / "schemas" / f"thing_{number}.yaml").write_text("\n".join(lines), encoding="utf-8")
    started = time.process_time()

    assert guanxi("publish").err == ""

    assert time.process_time() - started < entities / 4
    with Site.open(any_crm) as site:
        [made] = site.records.create(SYSTEM, f"thing_{entities - 1}", [{"f_0": "x", "f_1": 21}])
        with site.reading(SYSTEM) as reader:
            assert reader.record(f"thing_{entities - 1}", made.id, ("twice",)).json()["twice"] == 42

    # One more field costs what one field costs, not what the whole model does.
    last = any_crm / "schemas" / f"thing_{entities - 1}.yaml"
    last.write_text(last.read_text(encoding="utf-8") + "\n  one_more: {type: text}\n", encoding="utf-8")
    planned = guanxi("plan", "--json")
    assert (planned.code, len(planned.json["changes"])) == (2, 1)
    assert guanxi("publish").code == 0
    assert guanxi("doctor").code == 0


WORDS = [
    "entity",
    "view",
    "form",
    "role",
    "fields",
    "label",
    "title",
    "type",
    "text",
    "lookup",
    "to",
    "of",
    "expr",
    "where",
    "'",
    '"',
    ":",
    "-",
    "[",
    "]",
    "{",
    "}",
    ",",
    "|",
    ">",
    "&",
    "*",
    "!",
    "%",
    "@",
    "#",
    "~",
    "null",
    "true",
    "1e999",
    "-0",
    "\t",
    "\n",
    "\\",
    "访",
    "é",
    "👍",
]


def test_random_nonsense_never_breaks_the_checker(tmp_path: Path, guanxi: Command, tier: Tier) -> None:
    choose = random.Random(7)
    for number in range(40 if tier == "quick" else 2_000):
        text = "".join(
            choose.choice((" ", "\n", ": ", "")) + choose.choice(WORDS) for _ in range(choose.randrange(1, 60))
        )
        file = tmp_path / "nonsense.yaml"
        file.write_text(f"entity: visit\n{text}" if number % 2 else text, encoding="utf-8")

        done = guanxi("check", file)

        assert done.code in {0, 1}
        assert "went wrong" not in done.err, text
        assert all(line.startswith(str(file)) for line in done.out.splitlines() if "problems" not in line), (
            text,
            done.out,
        )


def test_half_a_document_is_told_and_not_guessed(tmp_path: Path, guanxi: Command) -> None:
    lines = LIBRARY.splitlines(keepends=True)
    file = tmp_path / "half.yaml"
    for end in range(1, len(lines), 7):
        file.write_text("".join(lines[:end])[:-3], encoding="utf-8")

        done = guanxi("check", file)

        assert done.code in {0, 1}
        assert "went wrong" not in done.err
