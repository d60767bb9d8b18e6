"""What the model cards of the package have in common."""

import numpy as np

from brainalign.evaluation.card import card_problems, cell, table
from brainalign.statistics import Interval


def test_card_problems_are_balanced_in_type_length_and_label() -> None:
    problems = card_problems(8)
    lengths = np.array([len(problem.premises) for problem in problems])
    for n_premises in (3, 4, 5, 6):
        for kind in ("syllogisms", "transitive"):
            chosen = (lengths == n_premises) & (problems.types == kind)
            assert (chosen.sum(), problems.labels[chosen].sum()) == (8, 4)


def test_a_share_is_cut_to_what_shares_can_be() -> None:
    assert cell(Interval(0.9, 0.85, 1.02, 0.95, 10, "")) == "0.900 [0.850, 1.000]"
    assert cell(Interval(0.5, float("nan"), float("nan"), 0.95, 0, "")) == "0.500"


def test_a_table_names_its_rows_first() -> None:
    assert table(("model", "score"), {"a": [1], "b": [2]}) == "| model | score |\n| --- | --- |\n| a | 1 |\n| b | 2 |"
