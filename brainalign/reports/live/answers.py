"""From a trial to its answers: problem by problem what was won and lost, in each order of the premises."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from brainalign.artifacts import Part
from brainalign.errors import BrainalignError
from brainalign.reports.live.reading import Reader
from brainalign.reports.records import section
from brainalign.search.ledger import stored_study
from brainalign.stimuli import Problem, ProblemSet, generate_problems
from brainalign.stimuli.orders import OrderPlan, premise_orders
from brainalign.stimuli.problems import ALL_REASONING_TYPES
from brainalign.trials.tuning import VOCABULARIES

_ANSWERS = """
SELECT stimulus_id AS problem, reasoning_type AS type, "order", subject, label AS "right answer",
       CASE WHEN targeted AND success THEN 'won' WHEN NOT targeted AND success THEN 'lost'
            WHEN targeted THEN 'still wrong' ELSE 'still right' END AS change,
       margin_before, margin_after, margin_before > 0 AS said_before, margin_after > 0 AS said_after,
       n_invalid, n_checks, first_check, radius
FROM outcomes ORDER BY (NOT success), problem, "order", subject
"""


@dataclass(frozen=True)
class Texts:
    """Problems by id, as far as they are at hand; ``missing`` says why there are none."""

    problems: Mapping[str, Problem] = field(default_factory=dict)
    missing: str = ""

    def prompt(self, stimulus_id: str, order: int = 0) -> str:
        """Premises in an order, and the conclusion; empty where the problem is not at hand."""
        problem = self.problems.get(stimulus_id)
        if problem is None:
            return ""
        asked = premise_orders(problem, OrderPlan("all"))[order].apply(problem)
        lines = [f"{number}. {sentence}." for number, sentence in enumerate(asked.premises, start=1)]
        return "\n".join(["Premises:", *lines, f"Conclusion: {problem.conclusion}."])


def answers(reader: Reader, key: str) -> pd.DataFrame:
    """Answers of a result, what changed first.

    Returns
    -------
    pandas.DataFrame
        ``problem``, ``type``, ``order``, ``subject``, ``right answer``, ``change`` (won, lost, still wrong, still
        right), margins of True over False in logits before and at the last check, ``said_before`` and ``said_after``
        (their signs), ``n_invalid``, ``n_checks``, ``first_check``, ``radius``. Empty for a result without answers.
    """
    return reader.outcomes(key, _ANSWERS)


def problem_texts(reader: Reader, name: str, setting: Mapping[str, Any], part: Part) -> Texts:
    """Find the problems that a trial asked: those of the study's data, or those generated for a training."""
    manifest = reader.store.read_manifest(name)
    size = setting.get("validation_problems" if part == "selection" else "test_problems")
    if size is not None:
        types = tuple(name for name in ALL_REASONING_TYPES if name in section(manifest["data"], "problem_types"))
        return _texts(generate_problems(int(size), 0, reasoning_types=types, vocabulary=VOCABULARIES[part]))
    from brainalign.search.preparation import load_dataset

    try:
        return _texts(load_dataset(stored_study(reader.store, name), manifest["data"].get("location")).problems)
    except (BrainalignError, OSError) as error:
        return Texts(missing=f"The problems' texts are not at hand: {error}")


def _texts(problems: ProblemSet) -> Texts:
    return Texts({problem.stimulus_id: problem for problem in problems})
