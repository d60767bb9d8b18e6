"""The words around a problem: instruction, acknowledgement and the layout of premises and conclusion."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from brainalign.artifacts import hash_json
from brainalign.errors import InputError
from brainalign.stimuli.problems import REASONING_TYPES, Problem

_COUNT_WORDS = {2: "two", 3: "three", 4: "four", 5: "five", 6: "six", 7: "seven", 8: "eight"}


@dataclass(frozen=True)
class Wording:
    """Texts of a chat of three messages: instruction, acknowledgement, problem.

    Attributes
    ----------
    source : {"release", "brainalign"}
        Whose words these are.
    instructions : mapping of reasoning type to str
        ``{count}`` stands for the number of premises as a word.
    acknowledgement : str
        What the assistant says to the instruction.
    heading : str
        What stands before the premises.
    premise : str
        One premise; ``{number}`` counts from 1, ``{sentence}`` is the premise without a full stop.
    conclusion : str
        What follows the premises; ``{sentence}`` is the conclusion without a full stop.
    """

    source: Literal["release", "brainalign"]
    instructions: Mapping[str, str]
    acknowledgement: str
    heading: str
    premise: str
    conclusion: str

    def __post_init__(self) -> None:
        missing = [name for name in REASONING_TYPES if not self.instructions.get(name)]
        if missing:
            raise InputError(f"expected an instruction for each of {REASONING_TYPES}, found none for {missing}: add it")
        if "{sentence}" not in self.premise or "{sentence}" not in self.conclusion:
            raise InputError(
                f"expected {{sentence}} in the layout of premises and conclusion, found {self.premise!r} and "
                f"{self.conclusion!r}: say where the sentence goes"
            )

    def messages(self, problem: Problem) -> list[dict[str, str]]:
        """Chat that puts a problem to a model, without a system message (the model's template adds its own).

        Raises
        ------
        InputError
            More premises than there are number words for.
        """
        n_premises = len(problem.premises)
        count = _COUNT_WORDS.get(n_premises)
        if count is None:
            allowed = f"{min(_COUNT_WORDS)} to {max(_COUNT_WORDS)}"
            raise InputError(
                f"expected {allowed} premises, found {n_premises} in {problem.stimulus_id}: shorten the problem"
            )
        return [
            {"role": "user", "content": self.instructions[problem.reasoning_type].replace("{count}", count)},
            {"role": "assistant", "content": self.acknowledgement},
            {"role": "user", "content": self._body(problem)},
        ]

    def _body(self, problem: Problem) -> str:
        premises = [
            self.premise.replace("{number}", str(number)).replace("{sentence}", sentence)
            for number, sentence in enumerate(problem.premises, start=1)
        ]
        return self.heading + "".join(premises) + self.conclusion.replace("{sentence}", problem.conclusion)

    @cached_property
    def content_hash(self) -> str:
        """Hash of all texts; whose they are does not matter to a result."""
        texts = [self.acknowledgement, self.heading, self.premise, self.conclusion]
        return hash_json({"instructions": dict(self.instructions), "texts": texts})


def own_wording() -> Wording:
    """Words of the platform itself, used wherever the release's are not there."""
    task = (
        "You are good at logic. Each round gives you {count} premises and a conclusion. %s Take every premise to be"
        " true. Work out whether the conclusion follows from the premises. Say 'True' if the conclusion follows and"
        " 'False' if it does not. Start your response with 'True' or 'False' only."
    )
    return Wording(
        source="brainalign",
        instructions={
            "syllogisms": task % "The premises link made-up words with properties.",
            "transitive": task % "The premises compare imaginary people with one another.",
        },
        acknowledgement=(
            "All right. I will work out whether the conclusion follows from the premises, and start my response with"
            " 'True' or 'False' only."
        ),
        heading="Premises:\n",
        premise="{number}. {sentence}.\n",
        conclusion="Conclusion:\n{sentence}.",
    )
