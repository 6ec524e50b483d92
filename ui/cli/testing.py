"""`guanxi test`: the examples that documents carry."""

from __future__ import annotations

from pathlib import Path

import click

from engine import Message, run_scenarios
from ui.cli.command import DONE, PROBLEMS, Command, Face, existing, pass_face, shared


@click.command(cls=Command)
@shared
@click.argument("path", required=False, type=click.Path(path_type=Path), callback=existing)
@pass_face
def test(face: Face, path: Path | None) -> int:
    """Run the tests that documents carry, in a database of their own that is thrown away."""
    outcome = run_scenarios(face.site_folder, path)
    for result in outcome.results:
        if not result.passed and not face.as_json:
            face.say(f"{result.place}: {result.name}", error=True)
            for line in result.failures:
                face.say(f"    {face.words(line)}", error=True)
    face.say(Message("{passed} passed, {failed} failed", passed=outcome.passed, failed=outcome.failed))
    covered, rules = len(outcome.covered), len(outcome.rules)
    if rules:
        face.say(Message("Rules covered: {covered} of {rules}", covered=covered, rules=rules))
        for rule in sorted(outcome.rules - outcome.covered):
            face.say(Message("  not covered: {rule}", rule=rule))
    face.answer(
        {
            "passed": outcome.passed,
            "failed": outcome.failed,
            "tests": [
                {
                    "name": each.name,
                    "place": str(each.place),
                    "passed": each.passed,
                    "failures": [face.words(line) for line in each.failures],
                }
                for each in outcome.results
            ],
            "rules": sorted(outcome.rules),
            "covered": sorted(outcome.covered),
        }
    )
    return PROBLEMS if outcome.failed else DONE
