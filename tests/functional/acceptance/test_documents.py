"""Documents of trades that nobody thought of: what is right is understood, what is wrong is told once."""

from pathlib import Path
from typing import Any

import pytest

from engine.data.principal import SYSTEM
from engine.site.site import Site
from tests.functional.commands.conftest import Command

SHELF = """\
entity: shelf
title: place
fields:
  place: {type: text}
  books: {type: rollup, of: %s, count: true}
  more: {type: formula, result: integer, expr: "books + 1"}
---
entity: book
title: name
fields:
  name: {type: text}
  shelf: {type: lookup, to: shelf}
  more: {type: reference, of: shelf, field: more}
---
view: shelf.full
entity: shelf
columns: {place: {}, books: {}, more: {}}
where: "books > 1 and more > 2"
"""

EVERY_TYPE = """\
entity: odd
title: code
fields:
  code: {type: text, required: true, pattern: "[A-Z]{2}-[0-9]{4}", unique: true}
  long: {type: text, required: true, min_length: 30}
  place: {type: geo, required: true}
  bar: {type: barcode, required: true, unique: true}
  data: {type: json, required: true}
  colour: {type: color, required: true}
  lasts: {type: duration, required: true}
  stars: {type: rating, required: true}
  share: {type: percent, required: true, min: 5, max: 6}
  who: {type: user, required: true}
  password: {type: secret, required: true}
  words: {type: tags, required: true}
  where: {type: address, required: true}
  at: {type: time, required: true}
  call: {type: phone, required: true, unique: true}
  about: {type: any_lookup, to: [contact, account], required: true}
  some: {type: multiselect, options: {a: {}, b: {}}, required: true}
---
entity: holder
title: name
fields: {name: {type: text}, one: {type: lookup, to: odd, required: true}, two: {type: lookup, to: odd}}
---
test: odd.least
given: {holder: {a: {one: first, two: second}}}
when: {update: a, set: {name: x}}
then: {values: {name: x}, count: {odd: 2}}
"""

WORKED_OUT = {
    "round(n, 1)": ("3.20", None),
    "min(n, 2)": ("2.00", "2.00"),
    "n // 2": ("1.00", None),
    "n / 3": ("1.08", None),
    "sum_of(kids, n)": ("3.50", "0.00"),
    "1 if n is None else n": ("3.25", "1.00"),
}


def test_a_rollup_may_be_called_what_it_counts(tmp_path: Path, guanxi: Command) -> None:
    file = tmp_path / "shelf.yaml"
    file.write_text(SHELF % "books", encoding="utf-8")

    done = guanxi("check", file)

    assert (done.code, done.out) == (0, "3 documents, no problems\n")


def test_one_mistake_is_told_once_and_not_wherever_the_field_is_used(tmp_path: Path, guanxi: Command) -> None:
    file = tmp_path / "shelf.yaml"
    file.write_text(SHELF % "bokks", encoding="utf-8")

    done = guanxi("check", file)

    assert done.code == 1
    [line] = done.out.splitlines()
    assert line.startswith(f"{file}:5:29: ")
    assert "'bokks'" in line


def test_a_row_that_a_test_only_names_is_valid_whatever_its_fields_ask_for(crm: Path, guanxi: Command) -> None:
    (crm / "schemas" / "odd.yaml").write_text(EVERY_TYPE, encoding="utf-8")

    done = guanxi("test")

    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines()[0] == "1 passed, 0 failed"


@pytest.mark.usefixtures("any_crm")
def test_a_number_that_is_worked_out_has_all_its_decimals_wherever_that_is_done(folder: Path, guanxi: Command) -> None:
    fields = "".join(
        f"  shown{at}: {{type: formula, result: money, expr: '{text}'}}\n"
        f"  kept{at}: {{type: formula, result: money, stored: true, expr: '{text}'}}\n"
        for at, text in enumerate(WORKED_OUT)
    )
    (folder / "schemas" / "node.yaml").write_text(
        "entity: node\ntitle: t\nfields:\n  t: {type: text}\n  n: {type: number, decimals: 2}\n"
        f"  kids: {{type: table, of: kid}}\n{fields}---\n"
        "entity: kid\nparent: node\ntitle: n\nfields: {n: {type: number, decimals: 2}}\n",
        encoding="utf-8",
    )
    assert guanxi("publish").err == ""

    with Site.open(folder) as site:
        rows: list[dict[str, Any]] = [{"t": "a", "n": "3.25", "kids": [{"n": "1"}, {"n": "2.5"}]}, {"t": "b"}]
        made = site.records.create(SYSTEM, "node", rows)
        with site.reading(SYSTEM) as reader:
            shown = [reader.record("node", each.id).json() for each in made]

    for at, expected in enumerate(WORKED_OUT.values()):
        assert tuple(row[f"shown{at}"] for row in shown) == expected
        assert tuple(row[f"kept{at}"] for row in shown) == expected
