"""Deductive problems with stable ids: premises, a conclusion, and whether it follows."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np

from brainalign.artifacts import hash_json
from brainalign.errors import InputError

ReasoningType = Literal["syllogisms", "transitive", "propositional", "relational", "other"]
REASONING_TYPES: tuple[ReasoningType, ...] = ("syllogisms", "transitive")
"""Types of the problems that were heard in the scanner."""
ALL_REASONING_TYPES: tuple[ReasoningType, ...] = (*REASONING_TYPES, "propositional", "relational", "other")
"""All types; "other" is deduction in everyday language."""
ProblemSource = Literal["release", "generated", "file"]
_ID_PREFIX = {
    "syllogisms": "syl",
    "transitive": "tra",
    "propositional": "pro",
    "relational": "rel",
    "other": "oth",
}
_ID_DIGITS = 10


def clean_sentence(text: str) -> str:
    """Strip a sentence: outer and doubled spaces go, and final full stops, for wordings put one there.

    The release's scanner items carry stray spaces and no full stop, its generated items a full stop.
    """
    return " ".join(text.split()).rstrip(". ")


@dataclass(frozen=True)
class Problem:
    """One problem.

    Attributes
    ----------
    stimulus_id : str
        Stable name: a hash of type, premises and conclusion, such as ``"syl-1a2b3c4d5e"``.
    reasoning_type : {"syllogisms", "transitive", "propositional", "relational", "other"}
    premises : tuple of str
        Sentences without a final full stop.
    conclusion : str
        Sentence without a final full stop.
    label : bool
        True where the conclusion follows from the premises.
    category : str
        Sub-type: steps, truth and polarity of the conclusion, such as ``"2_true_affirm"``, or what its set calls it.
    """

    stimulus_id: str
    reasoning_type: ReasoningType
    premises: tuple[str, ...]
    conclusion: str
    label: bool
    category: str

    def __post_init__(self) -> None:
        if self.reasoning_type not in ALL_REASONING_TYPES:
            raise InputError(
                f"expected a reasoning type of {ALL_REASONING_TYPES}, found {self.reasoning_type!r}: "
                "'other' is for everything else"
            )
        if not self.premises or not all(self.premises) or not self.conclusion:
            raise InputError(
                f"expected premises and a conclusion, found {len(self.premises)} premises and conclusion "
                f"{self.conclusion!r} in {self.stimulus_id}: leave no sentence empty"
            )

    @classmethod
    def of(
        cls, reasoning_type: ReasoningType, premises: Iterable[str], conclusion: str, *, label: bool, category: str
    ) -> "Problem":
        """Make a problem from sentences as they stand in a file; they are cleaned and the id is computed."""
        cleaned = tuple(clean_sentence(premise) for premise in premises)
        ending = clean_sentence(conclusion)
        digest = hash_json([reasoning_type, list(cleaned), ending])[:_ID_DIGITS]
        prefix = _ID_PREFIX.get(reasoning_type, "")
        return cls(f"{prefix}-{digest}", reasoning_type, cleaned, ending, bool(label), category)


@dataclass(frozen=True)
class ProblemSet:
    """Problems in a fixed order, each id once.

    Attributes
    ----------
    problems : tuple of Problem
    source : {"release", "generated", "file"}
        Where the sentences come from: the public release, the platform's own words, or any other set.

    Raises
    ------
    InputError
        Two problems have one id.
    """

    problems: tuple[Problem, ...]
    source: ProblemSource

    def __post_init__(self) -> None:
        seen: set[str] = set()
        for problem in self.problems:
            if problem.stimulus_id in seen:
                raise InputError(
                    f"expected each stimulus id once, found {problem.stimulus_id} twice "
                    f"({problem.conclusion!r}): drop one of the two problems"
                )
            seen.add(problem.stimulus_id)

    def __len__(self) -> int:
        return len(self.problems)

    def __iter__(self) -> Iterator[Problem]:
        return iter(self.problems)

    def __getitem__(self, index: int) -> Problem:
        return self.problems[index]

    @cached_property
    def ids(self) -> tuple[str, ...]:
        """Stimulus ids in order."""
        return tuple(problem.stimulus_id for problem in self.problems)

    @cached_property
    def labels(self) -> np.ndarray:
        """Labels in order, bool (n_problems,)."""
        return np.array([problem.label for problem in self.problems], dtype=bool)

    @cached_property
    def types(self) -> np.ndarray:
        """Reasoning types in order, str (n_problems,)."""
        return np.array([problem.reasoning_type for problem in self.problems], dtype=np.str_)

    @cached_property
    def content_hash(self) -> str:
        """Hash of everything that the problems say, in order."""
        return hash_json(
            [
                [p.stimulus_id, p.reasoning_type, list(p.premises), p.conclusion, p.label, p.category]
                for p in self.problems
            ]
        )

    def subset(self, ids: Iterable[str]) -> "ProblemSet":
        """Problems of the given ids, in the order of `ids`.

        Raises
        ------
        InputError
            An id is not in the set.
        """
        by_id = dict(zip(self.ids, self.problems, strict=True))
        wanted = tuple(ids)
        unknown = [name for name in wanted if name not in by_id]
        if unknown:
            raise InputError(
                f"expected ids of these {len(self)} problems, found {len(unknown)} others ({unknown[0]}, …): "
                "take ids from ProblemSet.ids"
            )
        return ProblemSet(tuple(by_id[name] for name in wanted), self.source)
