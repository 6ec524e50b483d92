"""Types: what fits, and what is said where it does not."""

from __future__ import annotations

import pytest

from engine.errors import ExpressionInvalid
from engine.expression import Call, Path, Type, check, compile_python, from_json, parse
from tests.unit.expression.clinic import Clinic


def problems(text: str, expect: Type | None = None) -> list[str]:
    return [str(each) for each in check(parse(text), Clinic(), expect).problems]


@pytest.mark.parametrize(
    ("text", "kind", "scale"),
    [
        ("subject", Type.TEXT, None),
        ("stage == 'seen' and fee is None", Type.BOOLEAN, None),
        ("fee", Type.NUMBER, 2),
        ("fee + age", Type.NUMBER, 2),
        ("fee * rate", Type.NUMBER, 6),
        ("fee / 3", Type.NUMBER, 10),
        ("fee // 3", Type.NUMBER, 0),
        ("fee % 0.125", Type.NUMBER, 3),
        ("round(fee * rate, 2)", Type.NUMBER, 2),
        ("round(fee)", Type.NUMBER, 0),
        ("1.50", Type.NUMBER, 1),
        ("fee if urgent else rate", Type.NUMBER, 4),
        ("sum_of(items, amount) - count(items)", Type.NUMBER, 2),
        ("number(subject)", Type.NUMBER, 10),
        ("input.share", Type.NUMBER, 10),
        ("on_date + 7", Type.DATE, None),
        ("7 + now", Type.DATETIME, None),
        ("date(created_at)", Type.DATE, None),
        ("datetime(on_date, starts)", Type.DATETIME, None),
        ("add_months(created_at, age)", Type.DATE, None),
        ("coalesce(subject, patient)", Type.TEXT, None),
        ("owner", Type.LINK, None),
        ("None", Type.NULL, None),
        ("None if urgent else subject", Type.TEXT, None),
    ],
)
def test_the_type_and_decimals_of_a_value_are_known(text: str, kind: Type, scale: int | None) -> None:
    checked = check(parse(text), Clinic())

    assert (checked.type, checked.scale, checked.problems) == (kind, scale, ())


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("stge == 'seen'", "1:1: There is no field stge (did you mean stage?)"),
        ("seen", "1:1: There is no field seen (a text stands in quotes: 'seen')"),
        ("fee > high", "1:7: There is no field high (a text stands in quotes: 'high')"),
        ("patient.nme == 'x'", "1:1: There is no field patient.nme (did you mean name?)"),
        ("subject.x", "1:1: subject does not lead to one kind of record"),
        ("about.name == 'x'", "1:1: about does not lead to one kind of record"),
        ("items.amount > 1", "1:1: items is many records (write any(items, condition) or count(items))"),
        (
            "patient.visits.fee > 1",
            ("1:1: patient.visits is many records "
             "(write any(patient.visits, condition) or count(patient.visits))"),
        ),
        ("owner == user", "1:10: There is no user here (write user.id)"),
        ("user.rolls", "1:1: There is no user.rolls here (did you mean user.roles?)"),
        ("stage == 'bookd'", "1:10: 'bookd' is no option of stage (did you mean booked?)"),
        ("'x' != old.stage", "1:1: 'x' is no option of old.stage (options are booked, missed, seen)"),
        ("stage in ['seen', 'mised']", "1:10: 'mised' is no option of stage (did you mean missed?)"),
        ("'insurd' in tags", "1:1: 'insurd' is no option of tags (did you mean insured?)"),
        ("on_date == '2026-01-31'", "1:9: a date cannot be compared with a text (write date('2026-01-31'))"),
        ("fee > '3'", "1:5: a number cannot be compared with a text (write number(...))"),
        (
            "created_at >= today",
            ("1:12: a date with time cannot be compared with a date "
             "(date(...) gives the date of a moment, datetime(...) the beginning of a date)"),
        ),
        ("urgent == 1", "1:8: true or false cannot be compared with a number"),
        ("urgent > fee", "1:1: Expected a number, text, date or time, but this is true or false"),
        ("tags == 'new'", "1:1: a list cannot be compared (write value in list)"),
        ("extra == 'x'", "1:1: free-form data cannot be compared (ask `... is not None`)"),
        ("items is None", "1:7: Related records are never None (write count(...) == 0)"),
        ("not extra", "1:5: free-form data is neither true nor false (ask `... is not None`)"),
        ("items and urgent", "1:1: related records is neither true nor false (write any(relation, condition))"),
        ("'a' in subject", "1:8: Expected a list, but this is a text (write contains(text, part))"),
        ("fee in 3", "1:8: Expected a list, but this is a number (a list is written ['a', 'b'])"),
        ("fee in ['a']", "1:8: a number cannot be compared with a text (write number(...))"),
        ("fee in tags", "1:1: Expected a text or a link, but this is a number"),
        ("'n' + age", "1:5: a text and a number cannot be added (text(...) turns it into one)"),
        ("on_date + 1.5", "1:11: Expected a whole number (use round(...) or //)"),
        ("on_date + age / 2", "1:11: Expected a whole number (use round(...) or //)"),
        (
            "today - on_date",
            "1:7: a date and a date cannot be subtracted (days_between(from, to) counts the days)",
        ),
        ("subject * 2", "1:1: Expected a number, but this is a text (number(...) turns it into one)"),
        ("lower(age)", "1:7: Expected a text, but this is a number (text(...) turns it into one)"),
        ("len(items)", "1:1: Related records have no length (write count(...))"),
        ("any(fee, True)", "1:5: any needs related records first, such as a table field"),
        ("any(items, fee > 1)", "1:12: There is no field fee (did you mean old.fee?)"),
        ("sum_of(items, what)", "1:15: Expected a number, but this is a text (number(...) turns it into one)"),
        ("round(fee, age)", "1:12: The number of decimals is a whole number from 0 to 10"),
        ("round(fee, 11)", "1:12: The number of decimals is a whole number from 0 to 10"),
        ("round()", "1:1: round does not take 0 arguments (write round(number, decimals))"),
        ("date(2026, 1)", "1:1: date does not take 2 arguments (write date(year, month, day))"),
        (
            "on_date == date('2026-02-30')",
            "1:17: '2026-02-30' is no date or time that exists (write it as '2026-01-31')",
        ),
        ("starts == time('25:00')", "1:16: '25:00' is no date or time that exists (write it as '09:00')"),
        (
            "now > datetime('2026-1-1')",
            "1:16: '2026-1-1' is no date or time that exists (write it as '2026-01-31T09:00')",
        ),
        ("fee if urgent else subject", "1:20: All values here must be of one kind: this is a text, not a number"),
        ("coalesce(tags, ['a'])", "1:16: a list cannot stand here"),
        (
            "in_subtree(owner, user.id)",
            ("1:12: in_subtree needs a link to records that form a tree "
             "(the records need a link to their own kind, such as a parent)"),
        ),
        (" * ".join(["rate"] * 16) + " > 1",
            "1:104: The result can have more digits than a number may have (use round(...) in between)"),
        ("replace(replace(replace(subject, 'a', subject), 'b', subject), 'c', subject) == 'x'",
            "1:1: The text can become too long"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_told_with_its_place_and_advice(text: str, problem: str) -> None:
    assert problems(text) == [problem]


def test_every_mistake_is_told_not_only_the_first() -> None:
    assert problems("stge == 'a' and\n  fee > '3' and lower(age) == 'x'") == [
        "1:1: There is no field stge (did you mean stage?)",
        "2:7: a number cannot be compared with a text (write number(...))",
        "2:23: Expected a text, but this is a number (text(...) turns it into one)",
    ]


def test_a_mistake_is_not_told_again_by_what_stands_around_it() -> None:
    assert problems("(stge + 1 > 2 or lower(stge) == 'x') and round(stge)") == [
        "1:2: There is no field stge (did you mean stage?)",
        "1:24: There is no field stge (did you mean stage?)",
        "1:48: There is no field stge (did you mean stage?)",
    ]


@pytest.mark.parametrize(
    ("text", "expect", "told"),
    [
        ("fee > 1", Type.BOOLEAN, []),
        ("None", Type.DATE, []),
        ("patient", Type.TEXT, []),
        ("'0198'", Type.LINK, []),
        ("fee", Type.BOOLEAN, [("1:1: This must give true or false, but gives a number "
            "(write a comparison, such as amount > 0, or ... is not None)")]),
        ("now", Type.DATE, ["1:1: This must give a date, but gives a date with time (date(...) turns it into one)"]),
        ("fee + 1", Type.TEXT, ["1:1: This must give a text, but gives a number (text(...) turns it into one)"]),
    ],
)  # fmt: skip
def test_the_place_where_it_stands_asks_for_a_type(text: str, expect: Type, told: list[str]) -> None:
    assert problems(text, expect) == told


def test_a_problem_reads_in_chinese_down_to_the_names_of_types() -> None:
    (problem,) = check(parse("on_date == 'x'"), Clinic()).problems

    assert problem.message.in_("zh") == "日期不能与文本比较"
    assert problem.advice is not None
    assert problem.advice.in_("zh") == "请写 date('2026-01-31')"


def test_a_tree_from_json_is_checked_like_one_from_text() -> None:
    deep: object = {"path": ["urgent"]}
    for _ in range(38):
        deep = {"call": "not", "args": [deep]}

    assert check(from_json(deep), Clinic()).problems == ()
    assert [each.code for each in check(Call("nonsense", (Path(("fee",)),)), Clinic()).problems] == ["unknown_function"]
    assert [each.code for each in check(Call("not", ()), Clinic()).problems] == ["arguments"]


def test_what_does_not_fit_is_not_compiled() -> None:
    with pytest.raises(ExpressionInvalid, match="There is no field stge"):
        compile_python(parse("stge == 'a'"), Clinic())
