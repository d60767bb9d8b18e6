"""Control: a better instruction and no steering."""

import numpy as np
from numpy.typing import NDArray

from brainalign.errors import InputError
from brainalign.steering.arms.arm import Arm
from brainalign.steering.inputs import Rows, Variants
from brainalign.steering.ledger import Attempt
from brainalign.steering.pairs import Group, Pairs


class Prompt(Arm):
    """Put the problem under another instruction at every check, as many instructions as the others have checks.

    Nothing is displaced, so the radius of a success is 0 and alpha means nothing here.
    """

    name = "prompt"

    def start(self, pairs: Pairs) -> "PromptAttempts":
        """Begin the search of a block.

        Raises
        ------
        InputError
            The inputs came without instructions, or with fewer than there are checks.
        """
        variants = self.group.inputs.variants
        found = 0 if variants is None else len(variants)
        if variants is None or found < self.n_checks:
            raise InputError(
                f"expected {self.n_checks} instructions for the arm prompt, found {found}: "
                "ask less often or leave the arm out"
            )
        return PromptAttempts(self.group, pairs, variants)


class PromptAttempts:
    """The instructions of one block of pairs."""

    def __init__(self, group: Group, pairs: Pairs, variants: Variants) -> None:
        self._prompt_rows = group.inputs.prompt_rows[pairs.problems]
        self._variants = variants

    def attempt(self, check: int, rows: Rows) -> Attempt:
        """Ask under the check's instruction."""
        answers = self._variants.answer(check, self._prompt_rows[rows])
        return Attempt(answers, np.zeros(len(rows), dtype=np.float32))

    def settle(self, valid: NDArray[np.bool_]) -> None:
        """Nothing to learn: the instructions stand."""
