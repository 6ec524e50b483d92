"""`test` documents: given these records, when one thing happens, then this holds. `guanxi test` runs them."""

from engine.scenario.outcome import Outcome, ScenarioResult
from engine.scenario.run import run_scenarios

__all__ = ["Outcome", "ScenarioResult", "run_scenarios"]
