# ruff: noqa: E501 - a document stands in one line
"""`guanxi test`: a test passes when its document tells the truth, and says what is not so when it does not."""

from pathlib import Path

import pytest

from tests.functional.commands.conftest import Command

DOCUMENTS = """\
entity: order
label: Order
title: number
features: [owned]
fields:
  number: {type: text, required: true, max_length: 10}
  buyer: {type: lookup, to: contact, required: true}
  total: {type: money, min: 0}
  due: {type: date, default_expr: "today + 14"}
  late: {type: formula, result: boolean, expr: "due < today"}
  state: {type: select, default: open, options: {open: {}, paid: {}, void: {}}}
states:
  field: state
  transitions:
    pay: {from: [open], to: paid, requires: [total]}
    cancel: {from: [open], to: void, roles: [clerk]}
checks:
  not_free: {fail_when: "state == 'paid' and total == 0", at: total}
unique: {one_number: {fields: [number]}}
---
role: clerk
grants:
  order: {read: [own], create: all, update: [own], delete: []}
  contact: {read: all}
---
role: guest
grants:
  order: {read: []}
"""


@pytest.fixture
def shop(crm: Path) -> Path:
    (crm / "schemas" / "shop.yaml").write_text(DOCUMENTS, encoding="utf-8")
    return crm


def run(shop: Path, guanxi: Command, text: str) -> tuple[int, list[str]]:
    """Run one test document; return the exit code and what is wrong."""
    (shop / "schemas" / "test.yaml").write_text(f"test: it\n{text}", encoding="utf-8")
    done = guanxi("test", "--json")
    assert done.err == ""
    [result] = done.json["tests"]
    return done.code, result["failures"]


@pytest.mark.parametrize(
    "text",
    [
        # Values that were not given are the least that is valid; money, dates and booleans are compared as what they are.
        'given: {order: {a: {}}}\nwhen: {update: a, set: {total: "12.5"}}\nthen: {values: {total: 12.5, state: open, late: false}}',
        "now: 2026-02-14T09:00\nwhen: {create: order, set: {number: N1}, name: b}\nthen: {values: {due: 2026-02-28}, holds: 'days_between(today, due) == 14'}",
        "now: 2026-03-01T09:00\ngiven: {order: {a: {due: 2026-02-28}}}\nwhen: {update: a, set: {number: X}}\nthen: {values: {late: true}}",
        # Transitions, by name and by writing the state.
        'given: {order: {a: {total: "5"}}}\nwhen: {row: a, transition: pay}\nthen: {values: {state: paid}}',
        'given: {order: {a: {total: "5"}}}\nwhen: {update: a, set: {state: paid}}\nthen: {values: {state: paid}}',
        "given: {order: {a: {}}}\nwhen: {row: a, transition: pay}\nthen: {refused: {total: required}}",
        'given: {order: {a: {total: "0"}}}\nwhen: {row: a, transition: pay}\nthen: {refused: {total: not_free}}',
        "given: {order: {a: {state: void}}}\nwhen: {update: a, set: {state: open}}\nthen: {refused: {state: transition}}",
        # Refusals of every kind.
        "given: {order: {a: {}}}\nwhen: {update: a, set: {number: far too long for it}}\nthen: {refused: {number: true}}",
        "given: {order: {a: {number: N1}}}\nwhen: {create: order, set: {number: N1}}\nthen: {refused: {number: true}, count: {order: 1}}",
        # Rights: given rows belong to whoever acts, unless they say otherwise.
        "given: {order: {a: {}}}\nwhen: {update: a, set: {number: X}, as: clerk}\nthen: {values: {number: X}, count: {order: 1}}",
        "given: {order: {a: {owner: null}}}\nwhen: {read: a, as: clerk}\nthen: {denied: true, count: {order: 0}}",
        "given: {order: {a: {}}}\nwhen: {delete: a, as: clerk}\nthen: {denied: true, rows: {}}",
        "given: {order: {a: {}}}\nwhen: {read: a, as: guest}\nthen: {denied: true}",
        "given: {user: {eva: {name: Eva, roles: [clerk]}}, order: {a: {owner: eva}}}\nwhen: {row: a, transition: cancel, as: eva}\nthen: {values: {state: void, owner: eva}}",
        "given: {order: {a: {}}}\nwhen: {delete: a}\nthen: {count: {order: 0}}",
        # Other rows, and links by name.
        "given: {contact: {anna: {name: Anna}}, order: {a: {buyer: anna}, b: {buyer: bob}}}\nwhen: {update: a, set: {buyer: bob}}\nthen: {values: {buyer: bob}, rows: {b: {buyer: bob}, anna: {name: Anna}}}",
    ],
)
def test_a_test_that_tells_the_truth_passes(shop: Path, guanxi: Command, text: str) -> None:
    assert run(shop, guanxi, text) == (0, [])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "given: {order: {a: {}}}\nwhen: {update: a, set: {number: X}}\nthen: {values: {number: Y}}",
            "number is X, and should be Y",
        ),
        (
            "given: {order: {a: {}}}\nwhen: {update: a, set: {number: X}}\nthen: {refused: true}",
            "should have been refused",
        ),
        (
            "given: {order: {a: {}}}\nwhen: {update: a, set: {number: X}}\nthen: {denied: true}",
            "should have been refused",
        ),
        (
            "given: {order: {a: {}}}\nwhen: {row: a, transition: pay}\nthen: {values: {state: paid}}",
            "It was refused: total required",
        ),
        (
            "given: {order: {a: {}}}\nwhen: {row: a, transition: pay}\nthen: {refused: {total: not_free}}",
            "Expected a refusal of total by not_free",
        ),
        ("given: {order: {a: {}}}\nwhen: {row: a, transition: pay}\nthen: {denied: true}", "not for want of rights"),
        (
            "given: {order: {a: {}}}\nwhen: {update: a, set: {number: X}}\nthen: {count: {order: 2}}",
            "There are 1 records of order, and should be 2",
        ),
        (
            "given: {order: {a: {}}}\nwhen: {update: a, set: {number: X}}\nthen: {holds: number == 'Y'}",
            "number == 'Y' is not true",
        ),
        (
            "given: {order: {a: {number: far too long a number}}}\nwhen: {read: a}\nthen: {done: true}",
            "The given order a cannot be made",
        ),
        ("given: {order: {a: {}}}\nwhen: {read: b}\nthen: {done: true}", "No given record is named 'b'"),
        ("now: yesterday\ngiven: {order: {a: {}}}\nwhen: {read: a}\nthen: {done: true}", "is no moment"),
    ],
)
def test_a_test_that_is_not_so_fails_and_says_why(shop: Path, guanxi: Command, text: str, said: str) -> None:
    code, failures = run(shop, guanxi, text)

    assert code == 1
    assert said in " ".join(failures)


def test_a_run_says_which_rules_no_test_has_seen_at_work(shop: Path, guanxi: Command) -> None:
    (shop / "schemas" / "test.yaml").write_text(
        'test: one\ngiven: {order: {a: {total: "0"}}}\nwhen: {row: a, transition: pay}\nthen: {refused: {total: not_free}}\n---\n'
        "test: two\ngiven: {order: {a: {}}}\nwhen: {row: a, transition: cancel}\nthen: {values: {state: void}}\n",
        encoding="utf-8",
    )

    done = guanxi("test")

    assert done.out.splitlines() == ["2 passed, 0 failed", "Rules covered: 2 of 3", "  not covered: order.states.pay"]


def test_nothing_of_a_test_is_left_for_the_next_one_or_for_the_site(shop: Path, guanxi: Command) -> None:
    text = "given: {order: {a: {number: N1}}}\nwhen: {read: a}\nthen: {count: {order: 1, contact: 1}}\n"
    (shop / "schemas" / "test.yaml").write_text(f"test: one\n{text}---\ntest: two\n{text}", encoding="utf-8")
    assert guanxi("publish").code == 0

    assert guanxi("test").code == 0
    assert guanxi("export", "order").out.count("\n") == 1


def test_a_file_alone_is_tested_with_nothing_but_the_packs(tmp_path: Path, guanxi: Command) -> None:
    file = tmp_path / "all.yaml"
    file.write_text(
        f"{DOCUMENTS}---\ntest: it\ngiven: {{order: {{a: {{}}}}}}\nwhen: {{read: a}}\nthen: {{done: true}}\n",
        encoding="utf-8",
    )

    assert guanxi("test", file).code == 0
    assert (
        "There are no tests"
        in guanxi("--site", tmp_path, "test", write(tmp_path, "entity: x\ntitle: a\nfields: {a: {type: text}}\n")).err
    )


def write(folder: Path, text: str) -> Path:
    file = folder / "other.yaml"
    file.write_text(text, encoding="utf-8")
    return file
