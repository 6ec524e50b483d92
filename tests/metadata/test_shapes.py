"""What is said about documents whose shape is wrong: exact messages, all of them at once, sorted by line."""

# ruff: noqa: E501, ISC004 - documents and messages stand here as people see them

from __future__ import annotations

import pytest

from tests.metadata.clinic import said

DEAL = "entity: deal\ntitle: name\nfields:\n  name: {type: text}\n"

FAULTS = {
    # A typo in a type, and what follows from it is not said again.
    "entity: deal\ntitle: name\nfields:\n  name: {type: txet}\nunique: {u: {fields: [name]}}\n": [
        "site.yaml:4:16: unknown field type 'txet' (did you mean 'text'?)",
    ],
    DEAL + "  amount: {type: money, requird: true}\n": [
        "site.yaml:5:25: unknown property 'requird' (did you mean 'required'?)",
    ],
    DEAL + "  amount: {typ: money}\n": ["site.yaml:5:11: 'type' is missing"],
    DEAL + "  account: {type: lookup}\n": ["site.yaml:5:12: 'to' is missing"],
    DEAL + "  amount: money\n": ["site.yaml:5:11: this must be a map, not text"],
    DEAL + "  stage: {type: select, options: [open, won]}\n": [
        "site.yaml:5:34: this must be a map, not a list (write {open: {}, won: {}})",
    ],
    DEAL + "  note: {type: text, required: yes, max_length: '10', label: 12}\n": [
        "site.yaml:5:32: this must be true or false, not text (write true)",
        "site.yaml:5:49: this must be a whole number, not text (write it without quotes)",
        "site.yaml:5:62: this must be text or a map, not a number (put it in quotes)",
    ],
    DEAL + "  note: {type: text, max_length: 0, search: loud}\n": [
        "site.yaml:5:34: 0 is less than 1",
        "site.yaml:5:45: 'loud' is none of the words that may stand here (one of high, normal, low)",
    ],
    DEAL + "  Close Date: {type: date}\n": [
        "site.yaml:5:3: 'Close Date' is no key: a key has the letters a-z, 0-9 and _ and begins with a letter"
        " (write close_date)",
    ],
    DEAL + "  客户: {type: text}\n": [
        "site.yaml:5:3: '客户' is no key: a key has the letters a-z, 0-9 and _ and begins with a letter",
    ],
    DEAL + f"  {'a' * 49}: {{type: text}}\n": [f"site.yaml:5:3: the key '{'a' * 49}' is longer than 48 characters"],
    "entity: deal\nfields: [name, amount]\n": [
        "site.yaml:2:9: this must be a map, not a list (write {name: {}, amount: {}})",
    ],
    DEAL + "features: [owned, histroy, owned]\n": [
        "site.yaml:5:19: 'histroy' is none of the words that may stand here (did you mean 'history'?)",
        "site.yaml:5:28: 'owned' stands in the list twice",
    ],
    DEAL + "lable: Deal\n": ["site.yaml:5:1: unknown property 'lable' (did you mean 'label'?)"],
    "entity: Big Deal\nfields: {name: {type: text}}\n": [
        "site.yaml:1:9: 'Big Deal' is no key: a key has the letters a-z, 0-9 and _ and begins with a letter"
        " (write big_deal)",
    ],
    "view: deal.all\nentity: account\ncolumns: [name, industry]\n": [
        "site.yaml:3:10: this must be a map, not a list (write {name: {}, industry: {}})",
    ],
    "view: deal.all\ncolumns: {name: {}}\n": ["site.yaml:1:1: 'entity' is missing"],
    "role: clerk\ngrants: {account: {reed: all}}\n": [
        "site.yaml:2:20: unknown property 'reed' (did you mean 'read'?)",
    ],
    "role: clerk\ngrants: {account: {read: true, fields: {name: secret}}}\n": [
        "site.yaml:2:26: this must be text or a list, not true or false (put it in quotes)",
        "site.yaml:2:47: 'secret' is none of the words that may stand here (one of hidden, masked, reveal, read, write)",
    ],
    "workflow: w\non: {date: {entity: account, field: created_at, offset: 3 days, at: 9:00}}\nsteps: {a: {do: notfy}}\n": [
        "site.yaml:2:57: '3 days' is not written as it must be (write 30m, 2h, 3d or 1w)",
        "site.yaml:2:69: '9:00' is not written as it must be (write 09:00)",
        "site.yaml:3:17: 'notfy' is none of the words that may stand here (did you mean 'notify'?)",
    ],
    "pack: mine\nversion: 1.10\n": ["site.yaml:2:10: this must be text, not a number (put it in quotes)"],
    "menu: main\nitems: {a: {url: javascript:alert(1)}}\n": [
        "site.yaml:2:18: 'javascript:alert(1)' is not written as it must be",
    ],
}


@pytest.mark.parametrize("text", FAULTS, ids=range(len(FAULTS)))
def test_a_wrong_shape_says_where_and_what_would_be_right(text: str) -> None:
    assert said(text) == FAULTS[text]
