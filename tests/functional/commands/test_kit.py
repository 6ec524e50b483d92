"""The kit for tests of plugins: documents are loaded, people act, time stands still, and statements are counted."""

import datetime as dt

import pytest

from engine.testing import Kit, assert_denied, assert_queries, published_site, site

__all__ = ["published_site", "site"]

VISIT = """\
entity: visit
title: subject
features: [owned]
fields:
  subject: {type: text, required: true}
  on_date: {type: date, default_expr: "today"}
  done: {type: boolean, default: false}
states: {field: stage, transitions: {close: {from: [open], to: closed}}}
---
role: nurse
grants: {visit: {read: [own, subordinates], create: all, update: [own], delete: []}}
""".replace("  done:", "  stage: {type: select, default: open, options: {open: {}, closed: {}}}\n  done:")


def test_documents_people_and_time(site: Kit) -> None:
    site.load(VISIT).publish()
    boss = site.person("nurse")
    nina = site.person("nurse", manager=boss)

    with site.as_(nina), site.freeze("2026-03-01 23:30"):
        visit = site.create("visit", subject="Check-up")
        assert site.values("visit", visit, "on_date")["on_date"] == dt.date(2026, 3, 1)
        site.transition("visit", visit, "close")
        with assert_denied():
            site.delete("visit", visit)
    with site.as_(boss):
        assert [row["stage"] for row in site.rows("visit", "stage")] == ["closed"]
    with site.as_("nurse"):
        assert site.count("visit") == 0
        with assert_denied():
            site.update("visit", visit, subject="Mine")
    assert site.count("visit", "stage == 'closed'") == 1
    site.delete("visit", visit)
    assert site.rows("visit", "subject", trashed=True) == [{"subject": "Check-up"}]


def test_statements_are_counted(site: Kit) -> None:
    for number in range(3):
        site.create("account", name=f"Company {number}")
    site.rows("account", "name")

    with assert_queries(3) as seen:
        site.rows("account", "name", "owner.name")
    assert any("crm_account" in statement for statement in seen)
    with pytest.raises(AssertionError, match="at most 0"), assert_queries(0):
        site.rows("account", "name")


@pytest.mark.parametrize("number", [1, 2])
def test_each_test_has_a_site_of_its_own(site: Kit, number: int) -> None:
    site.create("account", name=f"Company {number}")

    assert [row["name"] for row in site.rows("account", "name")] == [f"Company {number}"]
