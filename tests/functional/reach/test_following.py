"""What hangs on a record by a link with `share:` follows it: for whoever was given the record, and for its owner."""

from datetime import datetime, timedelta

import pytest

from engine import AccessDenied, NotFound, clock
from tests.functional.reach.world import World


def test_a_helper_sees_what_hangs_on_an_account_and_adds_to_it_and_the_owner_sees_that(world: World) -> None:
    owner, helper, other = (world.person(f"fo-{each}", "rep") for each in ("owner", "helper", "other"))
    account = world.add("account", owner)
    contact = world.add("contact", owner, account=account)
    deal = world.add("deal", owner, account=account)
    task = world.add("task", owner, deal=deal)
    loose = world.add("contact", owner)

    world.records.share(world.who(owner), "account", account, "user", helper, "edit")

    assert [world.seen(helper, each) for each in ("account", "contact", "deal", "task")] == [
        {account}, {contact}, {deal}, {task}
    ]  # fmt: skip
    assert world.seen(other, "contact") == set()
    made = world.add("contact", helper, account=account)
    sold = world.add("deal", helper, account=account, contact=made)
    assert world.seen(owner, "contact") == {contact, loose, made}
    assert world.seen(owner, "deal") == {deal, sold}
    world.records.unshare(world.who(owner), "account", account, helper)
    assert world.seen(helper, "contact") == {made}
    assert world.seen(owner, "contact") == {contact, loose, made}


def test_the_lower_of_the_share_and_the_link_counts(world: World) -> None:
    owner, reader, editor = (world.person(f"lo-{each}", "rep") for each in ("owner", "reader", "editor"))
    account = world.add("account", owner)
    contact, deal = world.add("contact", owner, account=account), world.add("deal", owner, account=account)
    task = world.add("task", owner, deal=deal)
    world.records.share(world.who(owner), "account", account, "user", reader, "read")
    world.records.share(world.who(owner), "account", account, "user", editor, "edit")

    may = {
        (each, entity): world.may(each, "update", entity, id_)
        for each in (reader, editor)
        for entity, id_ in (("contact", contact), ("deal", deal), ("task", task))
    }

    assert may == {
        (reader, "contact"): False, (reader, "deal"): False, (reader, "task"): False,
        (editor, "contact"): True, (editor, "deal"): False, (editor, "task"): False,
    }  # fmt: skip
    world.update(editor, "contact", contact, {"name": "changed"})
    with pytest.raises(AccessDenied):
        world.update(editor, "deal", deal, {"name": "changed"})
    with pytest.raises(AccessDenied):
        world.update(reader, "contact", contact, {"name": "changed again"})


def test_a_share_without_what_hangs_on_it_stops_at_the_record(world: World) -> None:
    owner, helper = world.person("st-owner", "rep"), world.person("st-helper", "rep")
    account = world.add("account", owner)
    world.add("contact", owner, account=account)

    world.records.share(world.who(owner), "account", account, "user", helper, "edit", cascade=False)

    assert (world.seen(helper, "account"), world.seen(helper, "contact")) == ({account}, set())
    world.records.share(world.who(owner), "account", account, "user", helper, "edit", until=_in_a_day())
    assert len(world.seen(helper, "contact")) == 1


def test_links_are_followed_to_any_depth_and_circles_end(world: World) -> None:
    owner, helper = world.person("ci-owner", "rep"), world.person("ci-helper", "rep")
    stranger = world.person("ci-stranger", "rep")
    top = world.add("account", owner)
    chain = [top, *(world.add("account", stranger) for _ in range(4))]
    for below, above in zip(chain[1:], chain, strict=False):
        world.records.update(world.site_system, "account", [{"id": below, "parent": above}])
    world.force("account", chain[2], "parent", chain[4])
    contact = world.add("contact", stranger, account=chain[3])
    world.records.share(world.who(owner), "account", chain[0], "user", helper)
    assert world.seen(helper, "account") == set(chain[:2])

    world.records.share(world.who(stranger), "account", chain[3], "user", helper)

    assert world.seen(helper, "account") == set(chain)
    assert world.seen(helper, "contact") == {contact}
    first = world.add("task", owner)
    second = world.add("task", stranger)
    world.records.update(world.site_system, "task", [{"id": second, "next": first}])
    world.records.update(world.site_system, "task", [{"id": first, "next": second}])
    assert world.seen(owner, "task") == {first, second}


def test_whoever_a_field_names_is_given_what_hangs_on_the_record_too(world: World) -> None:
    owner, helper = world.person("na-owner", "rep"), world.person("na-helper", "rep")
    account = world.add("account", owner, helpers=[helper])
    contact = world.add("contact", owner, account=account)

    assert (world.seen(helper, "account"), world.seen(helper, "contact")) == ({account}, {contact})
    assert world.may(helper, "update", "contact", contact)


def test_nobody_hands_on_what_hangs_on_a_record_without_having_it(world: World) -> None:
    owner, helper = world.person("ha-owner", "rep"), world.person("ha-helper", "rep")
    editor, chief = world.person("ha-editor", "editor"), world.person("ha-chief", "lead")
    world.records.update(world.site_system, "user", [{"id": owner, "manager": chief}])
    account = world.add("account", owner)
    world.add("contact", owner, account=account)

    with pytest.raises(AccessDenied):
        world.records.share(world.who(editor), "account", account, "user", editor)
    world.records.share(world.who(editor), "account", account, "user", helper, cascade=False)
    assert world.seen(helper, "contact") == set()
    world.records.share(world.who(chief), "account", account, "user", helper)
    assert len(world.seen(helper, "contact")) == 1
    with pytest.raises(NotFound):
        world.records.share(world.who(chief), "deal", account, "user", helper)


def _in_a_day() -> datetime:
    return clock.now() + timedelta(days=1)
