"""Layers: what a higher one may change, what it may add, and who said what."""

# ruff: noqa: E501, ISC004 - documents and messages stand here as people see them

import pytest

from engine.metadata import compose
from tests.metadata.clinic import layers, model, said

LEAD = """
entity: lead
label: {en: Lead, zh: 线索}
title: name
features: [history]
fields:
  name: {type: text, required: true, max_length: 100, help: A name}
  stage: {type: select, options: {new: {color: blue}, won: {}}}
  score: {type: number, decimals: 1}
  double: {type: formula, result: number, expr: score * 2}
checks: {positive: {fail_when: score < 0, message: Negative}}
---
view: lead.all
entity: lead
title: {en: All, zh: 全部}
columns: {name: {}, stage: {widget: badge}, score: {}}
"""


def test_a_patch_holds_the_difference_only() -> None:
    made = model(
        LEAD,
        """
entity: lead
label: {zh: 商机线索}
fields:
  name: {max_length: 200, help: null, search: high}
  stage: {options: {lost: {color: red, after: new}, new: {label: Fresh}}}
  x_wechat: {type: text, after: name}
---
view: lead.all
columns: {x_wechat: {after: name}, score: null, stage: {align: right}}
""",
    )
    lead = made.entities["lead"]

    assert dict(lead.label) == {"en": "Lead", "zh": "商机线索"}
    assert lead.fields["name"].options["max_length"] == 200
    assert lead.fields["name"].help is None
    assert lead.fields["name"].required
    assert list(lead.fields["stage"].choices) == ["new", "lost", "won"]
    assert lead.fields["stage"].choices["new"].color == "blue"
    assert str(lead.fields["stage"].choices["new"].label) == "Fresh"
    assert [key for key, each in lead.fields.items() if not each.system] == [
        "name", "x_wechat", "stage", "score", "double",
    ]  # fmt: skip
    assert (lead.layer, lead.table, lead.fields["name"].layer, lead.fields["x_wechat"].layer) == (
        "a", "a_lead", "a", "site",
    )  # fmt: skip
    assert list(made.views["lead.all"].columns) == ["name", "x_wechat", "stage"]
    column = made.views["lead.all"].columns["stage"]
    assert (column.widget, column.align) == ("badge", "right")


def test_what_a_higher_layer_says_is_remembered() -> None:
    made = model(
        LEAD, "entity: lead\nfields: {name: {search: high, required: true}, score: {help: null}, x_a: {type: text}}"
    )

    assert made.provenance == {
        "entity/lead#/fields/name/search": "site",
        "entity/lead#/fields/x_a": "site",
    }


def test_taking_back_is_remembered_too() -> None:
    made = model(LEAD, "entity: lead\nchecks: {positive: null}\nfields: {name: {help: null}}")

    assert made.entities["lead"].checks == {}
    assert made.provenance == {"entity/lead#/checks/positive": "site", "entity/lead#/fields/name/help": "site"}


def test_the_rest_of_a_text_with_a_comma_is_no_language() -> None:
    told = said("entity: lead\ntitle: name\nfields: {name: {type: text, label: {en: over 2,000 people}}}")

    assert any("'000 people' is not written as it must be" in each for each in told)


@pytest.mark.parametrize(
    ("patch", "message"),
    [
        ("fields: {name: {type: longtext}}", "2:23: this cannot be changed (layer a says so)"),
        ("fields: {double: {expr: score * 3}}", "2:25: this cannot be changed (layer a says so)"),
        ("fields: {double: {stored: true}}", "2:27: this cannot be changed (layer a says so)"),
        ("parent: account", "2:9: this cannot be changed (layer a says so)"),
        ("fields: {name: {required: false}}", "2:27: this is true below and cannot be made false (layer a says so)"),
        ("fields: {name: {max_length: 50}}", "2:29: this may only grow: it is 100 below (layer a says so)"),
        ("features: [owned]", "2:11: this may only grow, and lacks history (layer a says so)"),
        ("fields: {name: null}", "2:16: 'name' of layer a cannot be taken away (say hidden: true to take it from the screens)"),
        ("fields: {stage: {options: {won: null}}}",
         "2:33: 'won' of layer a cannot be taken away (say hidden: true to take it from the screens)"),
        ("fields: {name: {required: null}}", "2:27: 'required' of layer a cannot be taken back"),
        ("fields: {wechat: {type: text}}",
         "2:10: 'wechat' is new in a document of layer a and must begin with x_ (write x_wechat)"),
        ("fields: {nmae: {required: true}}",
         "2:10: 'nmae' is new in a document of layer a and must begin with x_ (did you mean 'name'?)"),
        ("checks: {more: {fail_when: score > 9}}",
         "2:10: 'more' is new in a document of layer a and must begin with x_ (write x_more)"),
        ("fields: [name]", "2:9: this must be a map, not a list (write {name: {}})"),
        ("fields: {name: {required: maybe}}", "2:27: this must be true or false, not text"),
        ("fields: {name: {nonsense: 1}}", "2:17: unknown property 'nonsense'"),
    ],
)  # fmt: skip
def test_what_a_policy_forbids_is_said_at_the_patch(patch: str, message: str) -> None:
    assert said(LEAD, f"entity: lead\n{patch}\n") == [f"site.yaml:{message}"]


def test_a_policy_lets_more_of_the_same_through() -> None:
    text = """
entity: lead
features: [history, owned]
fields:
  name: {type: text, required: true, max_length: 100}
  score: {decimals: 4, required: true, unique: true}
  double: {stored: false}
checks: {x_big: {fail_when: score > 9}, positive: {severity: warning, message: {zh: 负数}}}
"""
    assert said(LEAD, text) == []


def test_two_layers_that_define_one_entity_need_advice() -> None:
    second = "entity: lead\ntitle: name\nfields: {name: {type: text}, budget: {type: money}}\n"

    assert said(LEAD, second) == [
        "site.yaml:1:1: the layers a and site both define entity 'lead'"
        " (give yours another key and say renamed_from: lead, or keep only the difference, new keys with x_)"
    ]


def test_a_patch_for_what_nobody_defines_is_a_definition() -> None:
    text = "entity: plan\nfields: {name: {type: text}}\n"

    made = model(LEAD, text)

    assert made.entities["plan"].table == "s_plan"
    assert made.provenance == {}


def test_a_plugin_brings_its_own_prefix() -> None:
    assert said(
        LEAD, "entity: lead\nfields: {risk: {type: number}}\n", "entity: lead\nfields: {b_risk: {label: Risk}}\n"
    ) == [
        "b.yaml:2:10: 'risk' is new in a document of layer a and must begin with b_ (write b_risk)",
        "site.yaml:2:10: 'b_risk' is new in a document of layer a and must begin with x_ (write x_b_risk)",
    ]


def test_three_layers_say_each_their_part() -> None:
    made = model(
        LEAD,
        "entity: lead\nfields: {b_risk: {type: number, help: Low}, name: {help: From b}}\n",
        "entity: lead\nfields: {b_risk: {help: High}, name: {search: low}}\n",
    )

    name, risk = made.entities["lead"].fields["name"], made.entities["lead"].fields["b_risk"]
    assert (str(name.help), name.search, str(risk.help), risk.layer) == ("From b", "low", "High", "b")
    assert made.provenance == {
        "entity/lead#/fields/b_risk": "b",
        "entity/lead#/fields/name/help": "b",
        "entity/lead#/fields/b_risk/help": "site",
        "entity/lead#/fields/name/search": "site",
    }


def test_a_lower_mistake_is_said_where_it_stands() -> None:
    lower = LEAD.replace("score < 0", "scoer < 0")

    assert said(lower, "entity: lead\nfields: {name: {help: x}}\n") == [
        "a.yaml:11:32: There is no field scoer (did you mean score?)"
    ]


def test_composing_leaves_the_documents_of_the_layers_as_they_are() -> None:
    given = layers(LEAD, "entity: lead\nfields: {name: {help: Other}}\n")
    before = [repr(document.body) for layer in given for document in layer.documents]

    composed = compose(given)

    assert composed.documents["entity/lead"]["fields"]["name"]["help"] == "Other"
    assert [repr(document.body) for layer in given for document in layer.documents] == before


def test_an_empty_entry_is_an_empty_map() -> None:
    made = model("entity: a\nfields:\n  name: {type: text}\n  s: {type: select, options: {x: , y: }}\nchecks:\nhelp:\n")

    assert list(made.entities["a"].fields["s"].choices) == ["x", "y"]
    assert made.documents["entity/a"]["fields"]["s"]["options"] == {"x": {}, "y": {}}


def test_a_null_that_is_a_value_stays() -> None:
    text = "test: t\ngiven: {account: {a: {name: x, industry: null}}}\nwhen: {update: a, set: {industry: null}}\nthen: {done: true}\n"

    documents = model(text).documents["test/t"]

    assert documents["given"]["account"]["a"] == {"name": "x", "industry": None}
    assert documents["when"]["set"] == {"industry": None}
