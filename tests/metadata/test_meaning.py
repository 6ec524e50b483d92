"""What is said about documents that mean nothing: exact messages, all of them at once, sorted by line."""

# ruff: noqa: E501, ISC004 - documents and messages stand here as people see them

from __future__ import annotations

import pytest

from tests.metadata.clinic import CLINIC, said

DEAL = """entity: deal
title: name
features: [owned]
fields:
  name: {type: text}
  amount: {type: money}
  closes: {type: date}
  stage: {type: select, options: {open: {}, won: {}}}
"""
LINES = DEAL.count("\n")

FAULTS = {
    # ------------------------------------------------------------------------------------------ fields
    "  account: {type: lookup, to: acount}\n": ["9:31: there is no entity 'acount' (did you mean 'account'?)"],
    "  about: {type: any_lookup, to: [account, leed]}\n": [
        "9:43: there is no entity 'leed' (one of user, account, contact, deal)"
    ],
    "  rows: {type: table, of: account}\n": [
        "9:27: 'account' has no parent (add parent: deal to entity account)",
    ],
    "  id: {type: text}\n": ["9:3: every record has the field 'id' already (take another key)"],
    "  class: {type: text}\n": ["9:3: 'class' means something else in expressions (take another key)"],
    "  today: {type: date}\n": ["9:3: 'today' means something else in expressions (take another key)"],
    "  size: {type: select, options: {a: {}}, default: b}\n": ["9:51: “b” is none of the options: a (one of a)"],
    "  day: {type: date, default: tomorrow}\n": ["9:30: “tomorrow” is not a date, such as 2026-11-22"],
    "  rank: {type: integer, after: nmae}\n": [
        "9:32: warning: there is no 'nmae' to stand behind; rank stands at the end (did you mean 'name'?)",
    ],
    "  a: {type: text, after: b}\n  b: {type: text, after: a}\n": [
        "9:26: warning: a and b stand behind one another; a stands at the end",
    ],
    "  old: {type: text}\n": ["9:3: 'old' means something else in expressions (take another key)"],
    "  title: {type: text, renamed_from: name}\n": ["9:37: 'name' is still a field of its own"],
    "  n: {type: longtext, index: true, unique: true, search: high}\n  b: {type: boolean, search: low}\n": [
        "10:22: the search box looks for words, and boolean has none (leave it out)",
    ],
    "  t: {type: number, min: 10, max: 1}\n": ["9:26: min is more than max"],
    # -------------------------------------------------------------------------------------- expressions
    "  f: {type: formula, result: number, expr: 'amount * '}\n": ["9:54: The expression ends too early"],
    '  f: {type: formula, result: number, expr: "amount + nmae"}\n': [
        "9:54: There is no field nmae (did you mean name?)",
    ],
    "  f: {type: formula, result: text, expr: amount + 1}\n": [
        "9:42: This must give a text, but gives a number (text(...) turns it into one)",
    ],
    "  f:\n    type: formula\n    result: boolean\n    expr: |\n      amount > 1\n      and closes > name\n": [
        "14:18: a date cannot be compared with a text (write date('2026-01-31'))",
    ],
    "  f: {type: formula, result: number, expr: g + 1}\n  g: {type: formula, result: number, expr: h + 1}\n"
    "  h: {type: formula, result: number, expr: f + 1}\n": [
        "9:44: a value needs itself to be worked out: deal.f → deal.g → deal.h → deal.f",
    ],
    "  f: {type: formula, result: number, expr: f + 1}\n": [
        "9:44: a value needs itself to be worked out: deal.f → deal.f",
    ],
    "  f: {type: formula, result: boolean, stored: true, expr: closes < today}\n": [
        "9:68: a value that is stored cannot use today, which changes by itself (leave out stored: true)",
    ],
    "  g: {type: formula, result: boolean, expr: closes < today}\n"
    "  f: {type: formula, result: boolean, stored: true, expr: not g}\n": [
        "10:59: a value that is stored cannot use today, which changes by itself (leave out stored: true)",
    ],
    "  a: {type: integer, default_expr: b + 1}\n  b: {type: integer, default_expr: a + 1}\n": [
        "9:36: a default needs itself to be worked out: a → b → a",
    ],
    "  a: {type: integer, default_expr: b, default: 1}\n": ["9:36: default and default_expr exclude each other"],
    "  s: {type: select, options: {a: {}}, options_when: {b: amount > 1}}\n": [
        "9:54: 'b' is none of the options (one of a)",
    ],
    "  l: {type: lookup, to: account, where: industri == 'it'}\n": [
        "9:41: There is no field industri (did you mean industry?)",
    ],
    # ------------------------------------------------------------------------------------ worked-out values
    "  r: {type: rollup, of: items, sum: amount}\n": ["9:25: deal has no table field and no related records 'items'"],
    "  r: {type: rollup, of: amount, sum: amount}\n": [
        "9:25: deal has no table field and no related records 'amount'",
    ],
    "  l: {type: reference, of: acount, field: name}\n": ["9:28: deal has no field 'acount' (did you mean 'amount'?)"],
    "  l: {type: reference, of: amount, field: name}\n": ["9:28: 'amount' leads to no single record (name a lookup)"],
    "  l: {type: reference, of: owner, field: nam}\n": ["9:42: user has no field 'nam' (did you mean 'name'?)"],
    # ------------------------------------------------------------------------------------------- rules
    "checks: {c: {fail_when: amount < 0, at: amunt}}\n": ["9:41: deal has no field 'amunt' (did you mean 'amount'?)"],
    "unique: {u: {fields: [name, nam]}}\n": ["9:29: deal has no field 'nam' (did you mean 'name'?)"],
    "indexes: {i: [stage, clses]}\n": ["9:22: deal has no field 'clses' (did you mean 'closes'?)"],
    "states: {field: amount}\n": ["9:17: the state field 'amount' is no select field"],
    "states: {field: stge}\n": ["9:17: the state field 'stge' is no field of deal (did you mean 'stage'?)"],
    "states: {field: stage, transitions: {win: {from: [opn], to: won, roles: nurse, requires: [amunt]}}}\n": [
        "9:51: there is no state 'opn' (did you mean 'open'?)",
        "9:73: there is no role 'nurse'",
        "9:91: deal has no field 'amunt' (did you mean 'amount'?)",
    ],
    "order: [-amont]\n": [
        "9:9: warning: deal has no field 'amont', so nothing is sorted by it (did you mean 'amount'?)",
    ],
    "renamed_from: account\n": ["9:15: 'account' is still an entity of its own"],
    # ------------------------------------------------------------------------------------------- screens
    "---\nview: deal.x\nentity: deal\ncolumns: {nmae: {}, amount: {}, account.name: {}}\nwhere: stage == 'lost'\n": [
        "12:11: warning: deal has no field 'nmae'; it is left out (did you mean 'name'?)",
        "12:33: warning: deal has no field 'account.name'; it is left out",
        "13:17: 'lost' is no option of stage (options are open, won)",
    ],
    "---\nview: deal.x\nentity: deal\ncolumns: {name: {after: x}}\n---\n"
    "form: deal.default\nentity: deal\ntabs: {a: {after: b, sections: {s: {after: t, fields: {name: {after: amount}}}}}}\n": [
        "12:25: warning: there is no 'x' to stand behind; name stands at the end",
        "16:19: warning: there is no 'b' to stand behind; a stands at the end",
        "16:44: warning: there is no 't' to stand behind; s stands at the end",
        "16:70: warning: there is no 'amount' to stand behind; name stands at the end",
    ],
    "---\nview: account.x\nentity: account\ncolumns: {name: {}, contacts: {}, owner.name: {}, parent.contacts.name: {}}\n": [
        "12:21: warning: account has no field 'contacts'; it is left out",
        "12:51: warning: account has no field 'parent.contacts.name'; it is left out",
    ],
    "---\nview: deal.x\nentity: dael\n": ["11:9: there is no entity 'dael' (did you mean 'deal'?)"],
    "---\nview: deal.x\nentity: deal\nkanban: {by: name}\ncalendar: {start: amount}\ntree: {parent: stage}\n": [
        "12:14: warning: 'name' is not a select; there is no kanban",
        "13:19: warning: 'amount' is not a date; there is no calendar",
        "14:16: warning: 'stage' is not a link to the same entity; there is no tree",
    ],
    "---\nform: deal.default\nentity: deal\ntabs: {main: {sections: {s: {rows: [[name, amunt]]}}, related: [{relation: visits}]}}\n": [
        "12:44: warning: deal has no field 'amunt'; it is left out (did you mean 'amount'?)",
        "12:76: warning: deal has no related records 'visits'",
    ],
    "---\nmenu: main\nitems: {a: {entity: dael}, b: {view: deal.x}, c: {}}\n": [
        "11:21: warning: there is no entity 'dael'; the entry is left out (did you mean 'deal'?)",
        "11:38: warning: there is no view 'deal.x'; the entry is left out",
        "11:47: warning: the entry leads nowhere; it is left out",
    ],
    # -------------------------------------------------------------------------------------------- rights
    "---\nrole: clerk\ngrants: {dael: {read: all}, deal: {read: everyone, update: 'amunt > 1', fields: {nmae: read}}}\n": [
        "11:10: there is no entity 'dael' (did you mean 'deal'?)",
        "11:42: 'everyone' names no rows (write one of all, own, subordinates, team, department, shared, or a condition)",
        "11:61: There is no field amunt (did you mean amount?)",
        "11:82: deal has no field 'nmae' (did you mean 'name'?)",
    ],
    "---\nrole: clerk\nrestrict: {deal: {r: amount}}\n": [
        "11:22: This must give true or false, but gives a number (write a comparison, such as amount > 0, or ... is not None)",
    ],
}


@pytest.mark.parametrize("text", FAULTS, ids=range(len(FAULTS)))
def test_a_meaning_that_is_wrong_says_where_and_what_would_be_right(text: str) -> None:
    assert said(DEAL + text) == [f"site.yaml:{message}" for message in FAULTS[text]]


def test_all_problems_of_all_documents_come_at_once() -> None:
    wrong = (
        CLINIC.replace("to: contact", "to: contakt")
        .replace("nurse]", "nurze]")
        .replace("{fields: [patient", "{fields: [patent")
    )

    assert [message.split(": ", 1)[1] for message in said(wrong)] == [
        "there is no entity 'contakt' (did you mean 'contact'?)",
        "there is no role 'nurze' (did you mean 'nurse'?)",
        "visit has no field 'patent' (did you mean 'patient'?)",
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("entity: a\ntitle: n\nparent: b\nfields: {n: {type: text}}\n---\nentity: b\ntitle: n\nparent: a\nfields: {n: {type: text}}\n",
         ["3:9: parents form a circle: a → b → a", "8:9: parents form a circle: b → a → b"]),
        ("entity: a\ntitle: n\nparent: nothing\nfields: {n: {type: text}}\n", ["3:9: there is no entity 'nothing' (one of user, account, contact, a)"]),
        ("entity: a\ntitle: n\nparent: account\nfields: {n: {type: text}, account: {type: lookup, to: account}}\n",
         ["4:27: 'account' is the link to the parent, which every child has by itself (leave the field out)"]),
        ("entity: a\ntitle: n\nfields: {n: {type: text}, rows: {type: table, of: c}}\n---\n"
         "entity: c\ntitle: n\nparent: account\nfields: {n: {type: text}}\n",
         ["3:51: rows of 'c' belong to 'account' (a table field shows the child rows of its own entity, here 'a')"]),
        ("entity: a\nfields: {on: {type: boolean}}\n---\nentity: b\nfields: {l: {type: lookup, to: account}}\n",
         ["4:9: an entity needs a field that names its records (add a text field such as name: {type: text, required: true})"]),
        ("entity: a\ntitle: rows\nfields: {rows: {type: lookups, to: account}}\n",
         ["2:8: 'rows' cannot be the title: it holds no single value that people can read"
          " (take a text, a number, a date, or a formula)"]),
        ("entity: a\ntitle: nam\nfields: {name: {type: text}}\n", ["2:8: the title 'nam' is no field of a (did you mean 'name'?)"]),
        ("entity: admin\ntitle: name\nfields: {name: {type: text}}\n",
         ["1:9: 'admin' is a word of the product's own addresses (take another key)"]),
        ("entity: contat\nfields: {mobile: {required: true}}\n", ["1:9: there is no entity 'contat' to change (did you mean 'contact'?)"]),
        ("entity: a\nfields: {name: {type: text}}\n---\nentity: a\nfields: {name: {type: text}}\n",
         ["4:1: entity 'a' is given twice (the first one is at site.yaml:1:1)"]),
        ("pack: p\nversion: '1'\nrequires: {core: '>=2', cmr: '*'}\n",
         ["3:18: pack core >=2 is needed, and 1.2.0 is there", "3:30: pack 'cmr' is not there (one of core)"]),
        ("translation: ja\nlabels: {contact.fields.name.label: 氏名, contact.fields.nmae.label: 氏名, account/x: y}\n",
         ["2:41: warning: there is nothing to name at 'contact.fields.nmae.label' (did you mean 'contact.fields.name.label'?)",
          "2:72: warning: there is nothing to name at 'account/x'"]),
    ],
)  # fmt: skip
def test_documents_that_do_not_fit_together_say_so(text: str, expected: list[str]) -> None:
    assert said(text) == [f"site.yaml:{message}" for message in expected]


def test_nothing_is_said_about_what_only_follows_from_another_mistake() -> None:
    text = """entity: deal
title: name
fields:
  name: {type: txet}
  account: {type: lookup, to: acount}
  city: {type: reference, of: account, field: city}
  big: {type: formula, result: boolean, expr: "name == 'x' and account.name == 'y'"}
checks: {c: {fail_when: "name == 'x'", at: name}}
---
view: deal.x
entity: deal
columns: {name: {}, account: {}, account.name: {}}
where: name != 'x'
"""
    assert said(text) == [
        "site.yaml:4:16: unknown field type 'txet' (did you mean 'text'?)",
        "site.yaml:5:31: there is no entity 'acount' (did you mean 'account'?)",
    ]


def test_an_entity_in_a_file_that_cannot_be_read_is_not_called_missing() -> None:
    text = "entity: broken\nx: 1\nx: 2\n---\nentity: deal\ntitle: name\nfields: {name: {type: text}, b: {type: lookup, to: broken}}\n"

    assert said(text) == ["site.yaml:3:1: 'x' is given twice (first on line 2)"]
