"""Other instructions for the same problems, and the model's answers under each."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from brainalign.activations import answer_prompts, encode_problems, is_edited
from brainalign.artifacts import Store, content_key, hash_json, stream
from brainalign.errors import InputError
from brainalign.stimuli import REASONING_TYPES
from brainalign.zoo import Answers

if TYPE_CHECKING:
    from brainalign.stimuli import ProblemSet, Wording
    from brainalign.zoo import LanguageModel

STAGE = "instructions"
VERSION = 1

_OPENINGS = (
    "You are a careful logician.",
    "You are a patient teacher of logic.",
    "You check proofs for a living.",
    "This is a test of deductive reasoning.",
    "Below is a puzzle with exactly one right answer.",
    "Please help to judge arguments.",
)
_TASKS = (
    "You will read {count} premises and a conclusion; decide whether the conclusion must hold if they all do.",
    "Given {count} premises, say whether they prove the conclusion.",
    "Take {count} premises as facts and test the conclusion against them.",
    "From {count} premises that are true beyond doubt, find out whether the conclusion is true.",
)
_PICTURE_TASKS = (
    "You will read what {count} images look like, each by its {first} and {second}. A and B differ in one of the two; "
    "decide whether C and D differ in that one as well.",
    "Given the {first} and {second} of {count} images, say whether what tells A from B also tells C from D.",
    "Find the one feature, {first} or {second}, in which image A and image B are unlike, and test whether image C and "
    "image D are unlike in it too.",
    "Of {count} images you are told {first} and {second}. Compare A with B, then ask of C and D only what differed.",
)
_METHODS = (
    "",
    "Go through the premises one by one before you decide.",
    "Link the premises into a chain and see whether it reaches the conclusion.",
    "Watch every 'not' closely: two of them cancel out.",
    "Forget what you know of the world and use the premises alone.",
    "Ask yourself what would have to be the case for the conclusion to fail.",
    "The order of the premises does not matter.",
    "Both answers are equally frequent, so do not prefer one.",
    "Be strict: what does not follow is False.",
)
_PICTURE_METHODS = (
    "",
    "Go through the images one by one before you decide.",
    "First name to yourself what differs between A and B.",
    "Look at one feature at a time.",
    "What else differs between C and D does not matter.",
    "Ask yourself what would have to be the case for the answer to be False.",
    "That C and D differ in something is not enough.",
    "Both answers are equally frequent, so do not prefer one.",
    "Be strict: if C and D share the feature, the answer is False.",
)
_ENDINGS = (
    "Answer with 'True' or 'False' and nothing else.",
    "Begin your reply with 'True' or 'False'.",
    "Reply with one word, 'True' or 'False'.",
)
_PICTURES = "relational"
_HINTS = {
    "syllogisms": "The words are made up; they name things and properties.",
    "transitive": "The people are made up; they are compared with one another.",
}


def instructions() -> tuple[dict[str, str], ...]:
    """Instructions by reasoning type, in an order in which neighbours differ; the first forty are as good as any."""
    every = list(product(_OPENINGS, _TASKS, _METHODS, _ENDINGS))
    order = stream("steering.instructions", VERSION).permutation(len(every))
    return tuple(_by_type(*every[place]) for place in order)


def _by_type(opening: str, task: str, method: str, ending: str) -> dict[str, str]:
    pictures = _PICTURE_TASKS[_TASKS.index(task)], "", _PICTURE_METHODS[_METHODS.index(method)]
    middles = {kind: (task, _HINTS[kind], method) for kind in REASONING_TYPES} | {_PICTURES: pictures}
    return {kind: " ".join(part for part in (opening, *middle, ending) if part) for kind, middle in middles.items()}


def _reworded(wording: "Wording", texts: dict[str, str]) -> "Wording":
    """Put other instructions into a wording; acknowledgement and layout stay."""
    scanner: dict[str, str] = {kind: texts[kind] for kind in REASONING_TYPES}
    others = {
        kind: replace(old, instruction=texts[kind]) if kind in texts else old for kind, old in wording.others.items()
    }
    # A base model is told the same by the chat's texts put together, not by the experiment's own for it.
    return replace(wording, instructions=scanner, others=others, base=None)


class InstructionVariants:
    """A model's answers to problems under other instructions; the rest of the chat stays as it is.

    Each instruction is read once for all problems, when it is first asked for, and kept in the store.

    Parameters
    ----------
    model : LanguageModel
    problems : ProblemSet
        Rows of :meth:`answer` count these.
    wording : Wording
        Acknowledgement and layout of the chat.
    store : Store, optional
        Where answers are found and kept.

    Raises
    ------
    InputError
        Problems of a type that there are no other instructions for.
    """

    def __init__(
        self, model: "LanguageModel", problems: "ProblemSet", wording: "Wording", store: Store | None = None
    ) -> None:
        self._model, self._problems, self._store = model, problems, store
        known = instructions()
        without = sorted(set(problems.types.tolist()) - set(known[0]))
        if without:
            raise InputError(
                f"expected problems of {', '.join(known[0])}, found {', '.join(without)}: there are no other "
                "instructions for these, leave the arm prompt out"
            )
        self._wordings = tuple(_reworded(wording, texts) for texts in known)
        self._answers: dict[int, Answers] = {}

    def __len__(self) -> int:
        return len(self._wordings)

    def __iter__(self) -> "Iterator[Wording]":
        return iter(self._wordings)

    def answer(self, variant: int, rows: np.ndarray) -> Answers:
        """Answers of some problems (int64 rows) under instruction number ``variant``.

        Raises
        ------
        InputError
            There are not so many instructions.
        """
        if not 0 <= variant < len(self):
            raise InputError(f"expected an instruction from 0 to {len(self) - 1}, found {variant}: ask less often")
        if variant not in self._answers:
            self._answers[variant] = self._read(variant)
        found = self._answers[variant]
        return Answers(found.margin[rows], found.answer[rows])

    def _read(self, variant: int) -> Answers:
        prompts = encode_problems(self._model, self._problems, self._wordings[variant])
        key = content_key(STAGE, VERSION, {"weights": self._model.weights_hash, "prompts": hash_json(prompts)})
        store = None if is_edited(self._model) else self._store
        found = None if store is None else store.load_arrays(STAGE, key)
        if found is not None:
            return Answers(found["margin"], found["answer"])
        answers = answer_prompts(self._model, prompts)
        if store is not None:
            arrays = {"margin": answers.margin, "answer": answers.answer}
            store.save_arrays(STAGE, key, arrays, {"model": self._model.facts.name, "instruction": variant})
        return answers
