"""What is said about automation, reports and tests that name what is not there, or mean nothing."""

# ruff: noqa: E501, ISC004 - documents and messages stand here as people see them

import pytest

from tests.metadata.clinic import CLINIC, model, said

FINE = """
workflow: follow_up
label: {en: Follow up, zh: 跟进}
on: {record: {entity: visit, events: [updated], fields: [stage], transition: see}, when: "old.stage != stage"}
run_as: system
steps:
  ask: {do: if, when: "fee > 100", then: {tell: {do: notify, to: [record.owner, role:nurse], template: "{{ record.subject }}"}}}
  bill: {do: create, entity: account, set: {name: New, industry: it}, set_expr: {owner: owner}}
  more: {do: update, record: bill, set: {name: Other}}
  mark: {do: update, record: record.patient, set_expr: {name: "subject + '!'"}}
  rows: {do: each, of: record.items, where: amount > 1, steps: {x: {do: update, set: {what: y}}}}
  all: {do: each, entity: account, where: "industry == 'it'", steps: {x: {do: delete}}}
  wait: {do: wait, for: 2h, calendar: office, unless: "fee is not None"}
  split: {do: parallel, branches: {a: {steps: {s: {do: sms, to: record.owner, template: Hello}}}}, join: any}
  sign: {do: approve, levels: {one: {approvers: [role:nurse], mode: all, when: "fee > 5"}}, lock: [fee], rejected: {e: {do: end}}}
  call: {do: http, method: POST, url: "https://example.org/x", body: {a: null}, save: {id: data.id}, timeout: 30s}
  next: {do: run, workflow: visit_reminder, input: {a: 1}}
  done: {do: end, status: done}
---
workflow: ask_why
on: {button: {entity: visit, label: Why, roles: nurse, input: {reason: {type: text, required: true}}}, when: "stage == 'booked'"}
steps: {write: {do: update, set_expr: {subject: "subject + input.reason"}}, go: {do: transition, transition: miss}}
---
workflow: nightly
on: {schedule: {cron: "0 2 * * *"}}
steps: {a: {do: each, entity: contact, where: "account is None", steps: {b: {do: assign, rule: rota}}}}
---
calendar: office
timezone: Asia/Shanghai
week: {mon: ["09:00-12:00", "13:30-18:00"], sat: []}
holidays: {2026-10-01: {zh: 国庆节}}
workdays: {2026-10-10: ["09:00-18:00"]}
---
assignment: rota
entity: contact
rules: {hot: {when: "account is not None", method: same_as, field: account.owner}, rest: {method: round_robin, members: [role:nurse]}}
fallback: open
---
pool: open
entity: contact
rules: {idle: {clock: field, field: updated_at, days: 15}}
exempt: {kept: "account is not None"}
masked: [mobile]
---
sla: promise
entity: visit
calendar: office
pause: "stage == 'missed'"
targets: {fast: {when: "fee > 100", response: 1h, resolution: 4h}}
escalations: {soon: {at: 80%, to: record.owner, template: "{{ record.subject }} is late"}}
---
duplicate: people
entity: contact
rules: {mobile: {fields: [mobile]}, name: {fields: [name], method: fuzzy, score: 60}}
---
conversion: to_account
from: contact
when: "account is None"
targets: {account: {entity: account, mode: link_or_create, match: [name], map: {name: name, owner: owner}}}
move: [visits]
---
template: letter
entity: visit
body: {en: "Dear {{ record.patient.name }}", zh: "{{ record.patient.name }}："}
---
alert: many
entity: visit
measure: {sum: fee}
above: 1000
within: 1d
to: role:nurse
template: letter_text
---
template: letter_text
entity: visit
body: Too many
---
report: fees
entity: visit
group_by: [stage, month(on_date)]
measures: {fee: {sum: fee}, n: {count: true}, late: {count: id, where: overdue}}
order: [-fee, stage]
chart: bar
---
dashboard: home
cards: {a: {report: fees, width: 6}, b: {view: visit.today}, c: {entity: visit, measures: {n: {count: true}}}, d: {text: Hello}}
---
test: as_user
given: {user: {ann: {name: Ann}}, visit: {a: {stage: booked}}}
when: {row: a, transition: see, as: ann}
then: {values: {stage: seen}, holds: "fee is not None", count: {visit: 1}, rows: {a: {stage: seen}}}
"""


def test_good_automation_has_no_problem() -> None:
    assert said(CLINIC, FINE) == []


def test_automation_is_kept_as_it_was_written() -> None:
    documents = model(CLINIC, FINE).documents

    assert documents["workflow/nightly"]["on"] == {"schedule": {"cron": "0 2 * * *"}}
    assert documents["workflow/follow_up"]["steps"]["call"]["body"] == {"a": None}


FAULTS = {
    "workflow: w\non: {date: {entity: visit, field: subject}, record: {entity: visit}}\nsteps: {}\n": [
        "2:45: a workflow has one trigger, and this one has 2"
        " (one of record, schedule, date, inactivity, webhook, button, mail, run)",
    ],
    "workflow: w\non: {when: 'true'}\nsteps: {}\n": [
        "2:5: a workflow needs a trigger (one of record, schedule, date, inactivity, webhook, button, mail, run)",
    ],
    "workflow: w\non: {date: {entity: visit, field: subject}, when: stge == 'x'}\nsteps: {}\n": [
        "2:35: 'subject' is no date",
        "2:51: There is no field stge (did you mean stage?)",
    ],
    "workflow: w\non: {record: {entity: vist}}\nsteps: {a: {do: update, set: {x: 1}}}\n": [
        "2:23: there is no entity 'vist' (did you mean 'visit'?)",
    ],
    "workflow: w\non: {record: {entity: visit, fields: [fe], transition: se}}\nsteps: {}\n": [
        "2:39: visit has no field 'fe' (did you mean 'fee'?)",
        "2:56: visit has no change of state 'se' (did you mean 'see'?)",
    ],
    "workflow: w\non: {button: {entity: visit, roles: nurze, input: {a: {type: txt}, b: {type: lookup, to: acount}}}}\nsteps: {}\n": [
        "2:37: there is no role 'nurze' (did you mean 'nurse'?)",
        "2:62: 'txt' cannot be asked for (did you mean 'text'?)",
        "2:90: there is no entity 'acount' (did you mean 'account'?)",
    ],
    "workflow: w\non: {run: {entity: visit}}\nsteps:\n  a: {do: update, set: {fe: 1, fee: x, stage: gone, version: 2}, set_expr: {fee: subject, stage: input.x}}\n"
    "  b: {do: update, record: record.account, set: {name: x}}\n  c: {do: update, record: later, set: {name: x}}\n"
    "  d: {do: transition, transition: seee}\n  e: {do: run, workflow: visit_remindr}\n  f: {do: each, of: record.itms, steps: {}}\n"
    "  g: {do: each, steps: {}}\n  h: {do: notify, to: record.ownr, template: '{{ record.subjct }}'}\n  i: {do: wait, calendar: office}\n": [
        "4:25: visit has no field 'fe' (did you mean 'fee'?)",
        "4:37: “x” is not a number, such as 1,234.50",
        "4:47: “gone” is none of the options: booked, seen, missed (one of booked, seen, missed)",
        "4:53: nobody may write 'version'",
        "4:82: This must give a number, but gives a text (number(...) turns it into one)",
        "4:98: There is no input.x here",
        "5:27: visit has no field 'account'",
        "6:27: there is no record 'later' (one of record)",
        "7:35: visit has no change of state 'seee' (did you mean 'see'?)",
        "8:26: there is no workflow 'visit_remindr' (did you mean 'visit_reminder'?)",
        "9:21: visit has no related records 'itms' (did you mean 'items'?)",
        "10:6: each goes over related records (of) or over an entity: one of the two",
        "11:23: visit has no field 'ownr' (did you mean 'owner'?)",
        "11:46: visit has no field 'subjct' (did you mean 'subject'?)",
        "12:27: there is no calendar 'office'",
    ],
    "calendar: c\ntimezone: Asia/Shangai\nweek: {mon: ['12:00-09:00', '13:00-14:00', '13:30-15:00']}\nholidays: {2026-02-30: x}\n": [
        "2:11: there is no time zone 'Asia/Shangai' (did you mean 'Asia/Shanghai'?)",
        "3:14: 12:00-09:00 does not end after it begins, or begins before the last one ends",
        "3:44: 13:30-15:00 does not end after it begins, or begins before the last one ends",
        "4:12: '2026-02-30' is no day",
    ],
    "assignment: a\nentity: contact\nrules: {r: {method: same_as}, s: {method: fixed, members: role:nurze}}\n": [
        "3:9: method same_as needs 'field'",
        "3:59: there is no role 'nurze' (did you mean 'nurse'?)",
    ],
    "pool: p\nentity: visit\nrules: {r: {by: stage, days_by: {bookd: 3}}, s: {clock: latest}}\n": [
        "3:34: 'bookd' is none of the options (did you mean 'booked'?)",
        "3:46: a rule says after how many days (add days)",
    ],
    "conversion: c\nfrom: contact\ntargets: {a: {entity: account, mode: create_each, match: [nam], map: {nam: name, name: mobil}}}\nmove: [vists]\n": [
        "3:11: create_each needs 'of'",
        "3:59: account has no field 'nam' (did you mean 'name'?)",
        "3:71: account has no field 'nam' (did you mean 'name'?)",
        "3:88: There is no field mobil (did you mean mobile?)",
        "4:8: contact has no related records 'vists' (did you mean 'visits'?)",
    ],
    "template: t\nentity: visit\n": ["1:11: a template has its words in body or in a file: one of the two"],
    "alert: a\nentity: visit\nmeasure: {sum: subject}\nto: role:nurse\n": [
        "1:1: an alert says from which number on it tells somebody (add above or below)",
        "3:16: 'subject' is no number",
    ],
    "report: r\nentity: visit\ngroup_by: [stge, month(subject), Month(on_date)]\nmeasures: {a: {sum: subject}, b: {sum: fee, avg: fee}}\norder: [-c]\n": [
        "3:12: warning: visit has no field 'stge'; it is left out (did you mean 'stage'?)",
        "3:18: 'subject' is no date",
        "3:34: 'Month(on_date)' is neither a field nor a part of a date (write month(created_at))",
        "4:21: 'subject' is no number",
        "4:31: a number is one of sum, count, min, max, avg and count_distinct",
        "5:9: warning: 'c' is neither a number nor a row of it (one of Month(on_date), a, b, month(subject), stge)",
    ],
    "dashboard: d\ncards: {a: {view: visit.todai}, b: {entity: visit, view: visit.today}, c: {width: 3}}\n": [
        "2:19: warning: there is no view 'visit.todai'; it is left out (did you mean 'visit.today'?)",
        "2:33: a card shows numbers of an entity, a view, a report or a text: one of them",
        "2:72: a card shows numbers of an entity, a view, a report or a text: one of them",
    ],
    "test: t\ngiven: {vist: {a: {}}, visit: {a: {subjct: x}}}\nwhen: {update: a, delete: a, set: {fe: 1}, as: nurze}\nthen: {refused: {fe: x}}\n": [
        "2:9: there is no entity 'vist' (did you mean 'visit'?)",
        "2:36: visit has no field 'subjct' (did you mean 'subject'?)",
        "3:1: one thing happens: create, update, delete, restore, read, transition or run",
        "3:36: visit has no field 'fe' (did you mean 'fee'?)",
        "3:48: 'nurze' is no role and no row of user (did you mean 'nurse'?)",
        "4:18: visit has no field 'fe' (did you mean 'fee'?)",
    ],
}  # fmt: skip


@pytest.mark.parametrize("text", FAULTS, ids=range(len(FAULTS)))
def test_automation_that_is_wrong_says_where(text: str) -> None:
    assert said(CLINIC, text) == [f"site.yaml:{message}" for message in FAULTS[text]]
