"""Case is the same everywhere: Python (and so SQLite), PostgreSQL and the browser, letter by letter."""

from __future__ import annotations

import json
import subprocess
import unicodedata
from pathlib import Path

import psycopg
import pytest

from engine.expression import texts

ROOT = Path(__file__).parents[3]
LETTERS = [chr(code) for code in range(1, 0x110000) if not 0xD800 <= code < 0xE000]
FUNCTIONS = {"lower": texts.lower, "upper": texts.upper}
SCRIPT = """
const { compile } = await import(%s);
const given = %s;
const run = (name) => compile({ call: name, args: [{ path: ["x"], type: "text" }] });
const answers = {};
for (const name of ["lower", "upper"]) {
  const evaluate = run(name);
  answers[name] = {};
  for (let code = 1; code < 0x110000; code += 1) {
    if (code >= 0xd800 && code < 0xe000) continue;
    const letter = String.fromCodePoint(code);
    const made = evaluate({ x: letter }, {});
    if (made !== letter) answers[name][letter] = made;
  }
}
answers.words = given.map((word) => [run("lower")({ x: word }, {}), run("upper")({ x: word }, {})]);
process.stdout.write(JSON.stringify(answers));
"""
WORDS = ("ΟΔΥΣΣΕΥΣ", "İSTANBUL", "Straße", "ŉ ǰ ΐ ﬃ ᾳ", "ᾈ", "ǅ", "张三 ABC")


@pytest.mark.parametrize("name", FUNCTIONS)
def test_postgresql_maps_the_case_of_every_letter_alike(postgres_url: str, name: str) -> None:
    with psycopg.connect(postgres_url) as connection:
        query = (
            f'SELECT chr(i), {name}(chr(i) COLLATE "default") FROM generate_series(1, 1114111) i '
            f'WHERE i NOT BETWEEN 55296 AND 57343 AND {name}(chr(i) COLLATE "default") <> chr(i)'
        )
        mapped: dict[str, str] = dict(connection.execute(query.encode()).fetchall())

    ours = {letter: made for letter in LETTERS if (made := FUNCTIONS[name](letter)) != letter}
    assert {letter for letter in LETTERS if mapped.get(letter) != ours.get(letter) and _known(letter, mapped)} == set()


def test_the_browser_maps_the_case_of_every_letter_alike(node: Path) -> None:
    module = json.dumps((ROOT / "ui/frontend/src/expression.js").as_uri())
    script = SCRIPT % (module, json.dumps(WORDS))
    done = subprocess.run(
        [node, "--input-type=module", "-e", script], capture_output=True, check=True, encoding="utf-8"
    )
    answers = json.loads(done.stdout)

    for name, function in FUNCTIONS.items():
        mapped = answers[name]
        wrong = {
            letter for letter in LETTERS if mapped.get(letter, letter) != function(letter) and _known(letter, mapped)
        }
        assert wrong == set()
    assert answers["words"] == [[texts.lower(word), texts.upper(word)] for word in WORDS]


def _known(letter: str, mapped: dict[str, str]) -> bool:
    """Whether this Python's Unicode knows both letters: younger ones got a case later."""
    return all(unicodedata.category(each) != "Cn" for each in letter + mapped.get(letter, ""))


def test_a_text_keeps_its_length_in_another_case() -> None:
    assert all(len(function(letter)) == 1 for function in FUNCTIONS.values() for letter in LETTERS)
