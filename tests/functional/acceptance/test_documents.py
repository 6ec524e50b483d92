"""Documents of trades that nobody thought of: what is right is understood, what is wrong is told once."""

from pathlib import Path

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
