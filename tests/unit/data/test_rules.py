"""What roles say, put together: rules per action, ways in for child rows, masks, scopes of tokens."""

import pytest

from engine.data.access import Access
from engine.data.principal import SYSTEM, Principal
from engine.data.rules import RoleRules
from engine.errors import AccessDenied
from engine.metadata.model import Model
from tests.functional.reading.world import SITE, model_of

MORE = """
---
role: editor
grants:
  deal: {read: all, update: all, fields: {cost: masked, note: read}}
---
role: writer
grants:
  deal: {create: all}
"""


@pytest.fixture(scope="module")
def model() -> Model:
    return model_of(SITE + MORE)


def rules(model: Model, *roles: str, scopes: frozenset[str] | None = None) -> RoleRules:
    return RoleRules(model, frozenset(roles), scopes=scopes)


def test_nothing_granted_is_nobody_and_never_no_condition(model: Model) -> None:
    for roles in ((), ("nobody",), ("unknown",)):
        rule = rules(model, *roles).rule("deal", "read")
        assert rule.nobody
        assert not rule.everybody


def test_one_grant_of_all_is_enough_for_everybody(model: Model) -> None:
    assert rules(model, "boss").rule("deal", "delete").everybody
    assert rules(model, "boss", "seller").rule("deal", "read").everybody


def test_grants_of_several_roles_add_up_each_once(model: Model) -> None:
    [way] = rules(model, "seller", "lead").rule("deal", "read").ways

    assert sorted(branch.rows for branch in way.branches if isinstance(branch.rows, str)) == [
        "own", "own", "shared", "subordinates",
    ]  # fmt: skip


def test_a_restriction_stays_whatever_another_role_grants(model: Model) -> None:
    rule = rules(model, "boss", "careful").rule("deal", "read")

    assert not rule.everybody
    assert [each.name for each in rule.restricts] == ["not_lost"]


def test_child_rows_are_reached_by_way_of_their_parent(model: Model) -> None:
    [way] = rules(model, "seller").rule("deal_item", "update").ways

    assert way.parent is not None
    assert (way.parent.entity, way.parent.action) == ("deal", "update")
    assert way.branches[0].everything


def test_a_grant_of_child_rows_narrows_only_the_role_that_gives_it(model: Model) -> None:
    first, second = rules(model, "seller", "teammate").rule("deal_item", "read").ways

    assert first.branches[0].everything
    assert not second.branches[0].everything
    assert second.parent is not None
    assert [branch.rows for branch in second.parent.ways[0].branches] == ["team"]


def test_an_action_that_is_none_is_a_mistake_of_the_program(model: Model) -> None:
    with pytest.raises(ValueError, match="no action"):
        rules(model, "boss").rule("deal", "destroy")


def test_the_most_generous_mask_counts(model: Model) -> None:
    assert rules(model, "lead").masks("deal")["cost"] == "hidden"
    assert rules(model, "editor").masks("deal")["cost"] == "masked"
    assert rules(model, "lead", "editor").masks("deal")["cost"] == "masked"
    assert rules(model, "lead", "seller").masks("deal")["cost"] == "write"


def test_who_may_write_but_not_read_sees_nothing(model: Model) -> None:
    writer = rules(model, "writer")

    assert writer.masks("deal")["cost"] == "hidden"
    assert {"cost", "note"} <= writer.writable("deal")


def test_who_may_read_but_not_write_writes_nothing(model: Model) -> None:
    assert rules(model, "hunter").masks("deal")["cost"] == "read"
    assert rules(model, "hunter").writable("deal") == frozenset()
    assert "note" not in rules(model, "editor").writable("deal")


def test_a_secret_is_at_most_a_mark_even_for_the_system(model: Model) -> None:
    assert rules(model, "boss").masks("deal")["pin"] == "masked"
    assert RoleRules(model, frozenset(), system=True).masks("deal")["pin"] == "masked"


def test_without_a_grant_only_the_title_is_seen(model: Model) -> None:
    masks = rules(model, "nobody").masks("company")

    assert {key for key, mask in masks.items() if mask != "hidden"} == {"id", "name"}


@pytest.mark.parametrize(
    ("scopes", "allowed"),
    [
        ({"*"}, {"deal read", "deal update", "company read"}),
        ({"read"}, {"deal read", "company read"}),
        ({"deal:*"}, {"deal read", "deal update"}),
        ({"deal:read"}, {"deal read"}),
        (set(), set()),
    ],
)
def test_scopes_take_away_and_never_give(model: Model, scopes: set[str], allowed: set[str]) -> None:
    narrowed = rules(model, "boss", scopes=frozenset(scopes))
    asked = [("deal", "read"), ("deal", "update"), ("company", "read")]

    assert {f"{entity} {action}" for entity, action in asked if not narrowed.rule(entity, action).nobody} == allowed
    assert rules(model, "nobody", scopes=frozenset({"*"})).rule("deal", "read").nobody


class Published:
    """As much of a publication as rights ask for."""

    def __init__(self, model: Model) -> None:
        self.model = model


def access(model: Model, principal: Principal) -> Access:
    return Access(Published(model), principal)  # type: ignore[arg-type]


def test_colleagues_share_what_their_roles_say_and_nothing_of_the_person(model: Model) -> None:
    ann, bob = (Principal(id=name, name=name, roles=frozenset({"seller"})) for name in ("ann", "bob"))

    assert access(model, ann).roles is access(model, bob).roles
    assert access(model, ann).env()["user.id"] == "ann"
    assert access(model, bob).env()["user.id"] == "bob"


def test_a_token_never_shares_the_rules_of_its_user(model: Model) -> None:
    ann = Principal(id="a", name="ann", roles=frozenset({"boss"}))
    token = Principal(id="a", name="ann", roles=frozenset({"boss"}), scopes=frozenset({"deal:read"}))

    assert access(model, ann).may("deal", "update")
    assert not access(model, token).may("deal", "update")


def test_what_no_role_grants_is_refused_in_the_askers_language(model: Model) -> None:
    with pytest.raises(AccessDenied) as refused:
        access(model, Principal(id="a", name="ann", roles=frozenset({"seller"}))).require("deal", "delete")

    assert str(refused.value) == "You may not delete deals"
    assert refused.value.in_("zh").startswith("您无权删除")
    access(model, SYSTEM).require("deal", "delete")
