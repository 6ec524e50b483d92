"""What is said about dashboards and reports that name what is not there, or mean nothing."""

# ruff: noqa: E501 - documents and messages stand here as people see them

import pytest

from tests.metadata.clinic import CLINIC, said

FINE = """
report: fees
entity: visit
group_by: [month(on_date), stage]
pivot: patient
measures: {all: {count: true}, seen: {count: true, where: "stage == 'seen'"}, rate: {ratio: [seen, all]}}
having: all > 1 and stage is not None
order: [-all]
---
dashboard: home
home: true
period: this_month
whose: team
cards:
  fees: {entity: visit, measures: {fee: {sum: fee}}, date: on_date, person: owner, compare: year, trend: week(on_date), target: {value: 10}}
  goal: {entity: visit, measures: {n: {count: true}}, chart: gauge, target: {entity: visit, sum: fee, date: on_date, person: owner}}
  days: {entity: visit, group_by: weekday(on_date), pivot: stage, chart: heatmap, person: ""}
  kept: {recent: true}
"""

WRONG = {
    "report: r\nentity: visit\nmeasures: {a: {ratio: [b, c]}, b: {count: true}, d: {ratio: [b, a]}}\n": [
        "3:27: 'c' is no number of its own here (one of b)",
        "3:65: 'a' is no number of its own here (one of b)",
    ],
    "report: r\nentity: visit\ngroup_by: stage\nmeasures: {stage: {count: true}}\n": [
        "4:12: 'stage' is the name of a number and of a row",
    ],
    "report: r\nentity: visit\ngroup_by: hour(on_date)\nhaving: nothing > 1\n": ["hour", "'nothing' is neither a number nor a row of it"],
    "dashboard: d\ncards: {a: {entity: visit, date: stage, person: stage, trend: week(fee)}}\n": [
        "'stage' is no date", "'stage' leads to no person", "'fee' is no date",
    ],
    "dashboard: d\ncards: {a: {entity: visit, target: {entity: visit, sum: subject, date: fee}}}\n": [
        "'subject' is no number", "'fee' is no date",
    ],
    "dashboard: d\nperiod: soon\nwhose: them\ncards: {a: {entity: visit, chart: scatter}}\n": ["soon", "them", "scatter"],
    "dashboard: d\ncards: {a: {entity: visit, recent: true}}\n": ["one of them"],
}  # fmt: skip


def test_good_dashboards_and_reports_have_no_problem() -> None:
    assert said(CLINIC, FINE) == []


@pytest.mark.parametrize("text", WRONG)
def test_what_is_wrong_is_said_at_its_place(text: str) -> None:
    found = sorted(each for each in said(CLINIC, text))
    assert len(found) >= len(WRONG[text])
    for expected in WRONG[text]:
        assert any(expected in each for each in found), found
