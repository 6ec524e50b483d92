"""Commands that were mistyped answer with one clear line, in the language of the terminal."""

from pathlib import Path

import pytest

from tests.functional.commands.conftest import Command


@pytest.mark.parametrize(
    ("words", "english", "chinese"),
    [
        (("demo", "--size", "0"), "--size: a whole number from 1 to 100000 is expected", "1 到 100000 的整数"),
        (("demo", "--seed", "x"), "--seed: a whole number is expected", "整数"),
        (("serve", "--port", "99999"), "--port: a whole number from 1 to 65535 is expected", "1 到 65535 的整数"),
        (("rollback", "two"), "NUMBER: a whole number is expected", "整数"),
        (("token", "add", "ann", "--days", "0"), "--days: a whole number from 1 is expected", "不小于 1 的整数"),
    ],
)
def test_a_wrong_number_is_told_in_words_of_ours(
    crm: Path,
    guanxi: Command,
    monkeypatch: pytest.MonkeyPatch,
    words: tuple[str, ...],
    english: str,
    chinese: str,
) -> None:
    done = guanxi(*words)
    assert (done.code, done.err.splitlines()[0]) == (1, english)

    monkeypatch.setenv("LANG", "zh_CN.UTF-8")
    assert chinese in guanxi(*words).err.splitlines()[0]


def test_an_action_that_is_none_is_told_with_those_that_are(crm: Path, guanxi: Command) -> None:
    assert guanxi("user", "add", "Ann", "--email", "ann@x.example", "--role", "sales_rep").code == 0

    done = guanxi("explain", "ann@x.example", "frob", "account")

    assert (done.code, len(done.err.splitlines())) == (1, 1)
    assert "read, create, update, delete" in done.err
