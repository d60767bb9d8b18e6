"""What the model cards of the package have in common: problems in unseen words, and tables of what models score."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from brainalign.evaluation.evaluation import Evaluation
from brainalign.evaluation.order_scores import score_orders
from brainalign.statistics import Interval
from brainalign.stimuli import REASONING_TYPES, ProblemSet, generate_problems
from brainalign.stimuli.generator import N_PREMISES

CARD = "MODEL_CARD.md"
VOCABULARY = "test"
SEED = 0
N_PER_TYPE = 96
ORDERS = "sample:6"
_FIGURE = "balanced_accuracy"


def card_problems(n_per_type: int = N_PER_TYPE, vocabulary: str = VOCABULARY) -> ProblemSet:
    """Problems of three to six premises in the words of a vocabulary, so many of each type and length."""
    sets = [generate_problems(n_per_type, SEED, n_premises=n, vocabulary=vocabulary) for n in N_PREMISES]
    return ProblemSet(tuple(problem for problems in sets for problem in problems), "generated")


def overall_table(found: Sequence[Evaluation]) -> str:
    """Balanced accuracy over all and by type, beside what guessing from the surface scores."""
    shortcut = found[0].shortcut
    surface = [f"{shortcut[kind].balanced_accuracy:.3f}" for kind in REASONING_TYPES]
    rows = {"shortcut classifier (surface)": ["", *surface, "", ""]}
    for evaluation in found:
        scores = evaluation.overall.intervals
        parts = [scores[_FIGURE], *(evaluation.by_type[kind].intervals[_FIGURE] for kind in REASONING_TYPES)]
        shares = [f"{scores[name].estimate:.3f}" for name in ("share_true", "invalid")]
        rows[evaluation.model] = [*map(cell, parts), *shares]
    return table(("model", "all", *REASONING_TYPES, "says True", "says neither"), rows)


def length_table(found: Sequence[Evaluation]) -> str:
    """Balanced accuracy by number of premises."""
    rows = {}
    for evaluation in found:
        lengths = [len(problem.premises) for problem in evaluation.answers.problems]
        parts = [_select(evaluation, [length == n for length in lengths], n) for n in N_PREMISES]
        rows[evaluation.model] = [cell(part) for part in parts]
    return table(("model", *(f"{n} premises" for n in N_PREMISES)), rows)


def _select(evaluation: Evaluation, keep: Sequence[bool], n_premises: int) -> Interval:
    return score_orders(evaluation.answers.select(np.array(keep)), "premises", n_premises).intervals[_FIGURE]


def category_table(found: Sequence[Evaluation]) -> str:
    """Accuracy by sub-type; each has one label."""
    rows = {
        name: [cell(evaluation.by_category[name].intervals["accuracy"]) for evaluation in found]
        for name in sorted(found[0].by_category)
    }
    return table(("sub-type", *(evaluation.model.removeprefix("nano-") for evaluation in found)), rows)


def cell(interval: Interval, least: int = 0) -> str:
    """Spell a share, or a difference of shares (`least` -1), with its interval."""
    if math.isnan(interval.low):  # nothing varied
        return f"{interval.estimate:.3f}"
    shares = interval.cut(least, 1)
    return f"{shares.estimate:.3f} [{shares.low:.3f}, {shares.high:.3f}]"


def table(columns: Sequence[str], rows: Mapping[str, Sequence[Any]]) -> str:
    """Write a table in Markdown; the first column names the rows."""
    lines = [list(columns), ["---"] * len(columns), *([name, *cells] for name, cells in rows.items())]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)
