"""How text is cut into words."""

import pytest

from engine.storage.words import GAP, Term, pinyin, plain, segment, terms


def test_latin_words_stand_in_lower_case_without_accents_and_full_width() -> None:
    assert segment("José's \uff21\uff22\uff23 Straße-7") == ["jose", "s", "abc", "strasse", "7"]


def test_chinese_becomes_pairs_and_single_characters() -> None:
    assert segment("客户经理") == ["客户", "户经", "经理", "客", "户", "经", "理"]
    assert segment("张") == ["张"]


def test_two_runs_that_touch_in_one_character_are_kept_apart() -> None:
    assert segment("张三,三丰")[:3] == ["张三", GAP, "三丰"]


def test_names_get_their_pinyin() -> None:
    assert segment("张三", name=True) == ["张三", "张", "三", "zs", "zhangsan"]
    assert pinyin("上海华为技术有限公司") == ("shhwjsyxgs",)


def test_names_with_two_readings_are_found_by_both() -> None:
    assert {"zxm", "cxm", "zengxiaoming", "cengxiaoming"} == set(pinyin("曾小明"))
    assert {"cq", "zq"} <= set(pinyin("重庆"))


def test_what_is_not_chinese_has_no_pinyin() -> None:
    assert pinyin("ひらがな") == ()


def test_long_numbers_are_found_by_their_endings() -> None:
    assert set(segment("+8613800138000")) >= {"8613800138000", "13800138000", "8000"}
    assert "021555" not in segment("021-5555 6666")
    assert "02155556666" in segment("021-5555 6666")


def test_a_query_is_what_must_all_occur() -> None:
    assert terms("张") == (Term(("张",)),)
    assert terms("华为") == (Term(("华为",)),)
    assert terms("上海市") == (Term(("上海", "海市")),)
    assert terms("ACME 上海 Cor") == (Term(("acme",)), Term(("上海",)), Term(("cor",), prefix=True))
    assert terms("138-0013 8000") == (Term(("13800138000",), prefix=True),)
    assert terms(" ,;!  ") == ()


@pytest.mark.parametrize("text", ["", "ascii", "ÀÉÎ", "Ελλάδα", "한국어", "が", "\U0002000b", "a\u0301"])
def test_making_text_plain_twice_changes_nothing_more(text: str) -> None:
    assert plain(plain(text)) == plain(text)
