"""Control: a constant added to the True/False margin, with no look at the brain or the problem."""

import numpy as np
from numpy.typing import NDArray

from brainalign.steering.arms.arm import Arm
from brainalign.steering.inputs import Rows
from brainalign.steering.ledger import Attempt
from brainalign.steering.pairs import Group, Pairs
from brainalign.zoo import Answers


class Bias(Arm):
    """Add a constant to the margin (logit True minus logit False); as many constants as the others have checks.

    The constants are +-1, +-2, … steps of equal size up to alpha times the spread (standard deviation) of the model's
    own margins over the pool, tried from small to large, towards True first. The model is not asked again: with a
    constant in place the answer is the larger of True and False, so this arm never gives an invalid answer and is the
    stronger for it. A constant of zero (alpha 0) leaves the model's own answer, also where that is neither.
    """

    name = "bias"

    def start(self, pairs: Pairs) -> "BiasAttempts":
        """Begin the search of a block."""
        margins = self.group.inputs.answers.margin[self.group.pool].astype(np.float64)
        return BiasAttempts(self.group, pairs, bias_grid(self.n_checks, self.config.alpha), float(margins.std()))


def bias_grid(n_checks: int, alpha: float) -> NDArray[np.float64]:
    """Constants in units of the margins' spread, symmetric but for an odd last one.

    Examples
    --------
    >>> bias_grid(4, 10.0)
    array([  5.,  -5.,  10., -10.])
    """
    steps = np.arange(n_checks) // 2 + 1
    signs = np.where(np.arange(n_checks) % 2 == 0, 1.0, -1.0)
    return alpha * signs * steps / steps.max()


class BiasAttempts:
    """The constants of one block of pairs."""

    def __init__(self, group: Group, pairs: Pairs, grid: NDArray[np.float64], spread: float) -> None:
        self._answers = group.inputs.answers
        self._pairs = pairs
        self._grid = grid
        self._spread = spread

    def attempt(self, check: int, rows: Rows) -> Attempt:
        """Shift the margins of the model as it is."""
        problems = self._pairs.problems[rows]
        bias = self._grid[check] * self._spread
        margin = (self._answers.margin[problems] + bias).astype(np.float32)
        answer = self._answers.answer[problems] if bias == 0 else (margin > 0).astype(np.int8)
        radius = np.full(len(rows), abs(self._grid[check]), dtype=np.float32)
        return Attempt(Answers(margin, answer), radius)

    def settle(self, valid: NDArray[np.bool_]) -> None:
        """Nothing to learn: the constants stand."""
