"""What is trained on: problems as prompts of token ids with their right answers."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from brainalign.activations import encode_problems
from brainalign.artifacts import hash_json
from brainalign.errors import InputError
from brainalign.finetuning.config import DATA_SIZES
from brainalign.stimuli import ProblemSet, Wording, generate_problems
from brainalign.zoo import LanguageModel


@dataclass(frozen=True)
class TrainingSet:
    """Examples in a fixed order.

    Attributes
    ----------
    stimulus_ids : tuple of str
        (n,), each once.
    prompts : tuple of tuple of int
        (n,): token ids up to where the model answers.
    labels : tuple of bool
        (n,): the right answers.
    """

    stimulus_ids: tuple[str, ...]
    prompts: tuple[tuple[int, ...], ...]
    labels: tuple[bool, ...]

    def __post_init__(self) -> None:
        """Refuse an empty set, and a problem that would count twice."""
        n_examples = len(self.stimulus_ids)
        if not n_examples or len(set(self.stimulus_ids)) < n_examples:
            raise InputError(
                f"expected problems to train on, each once, found {n_examples} with "
                f"{len(set(self.stimulus_ids))} distinct: drop those that stand twice"
            )

    @classmethod
    def encode(cls, model: LanguageModel, problems: ProblemSet, wording: Wording) -> "TrainingSet":
        """Spell problems as the model's prompts."""
        prompts = encode_problems(model, problems, wording)
        labels = tuple(bool(label) for label in problems.labels)
        return cls(tuple(problems.ids), tuple(tuple(prompt) for prompt in prompts), labels)

    def join(self, other: "TrainingSet") -> "TrainingSet":
        """Both sets' examples, the other's behind."""
        return TrainingSet(
            (*self.stimulus_ids, *other.stimulus_ids), (*self.prompts, *other.prompts), (*self.labels, *other.labels)
        )

    def __len__(self) -> int:
        return len(self.stimulus_ids)

    @cached_property
    def content_hash(self) -> str:
        """Hash of ids, prompts and labels in order."""
        return hash_json([list(self.stimulus_ids), [list(prompt) for prompt in self.prompts], list(self.labels)])


def generate_training_problems(n_problems: int, seed: int, sizes: Sequence[int] = DATA_SIZES) -> ProblemSet:
    """Generate the problems of a data-size arm, half of them syllogisms and half transitive.

    They use the words of the training vocabulary, so no validation or test problem shares one. A larger set begins each
    type with the problems of the smaller.

    Raises
    ------
    InputError
        A size that no arm has.
    """
    if n_problems not in sizes:
        raise InputError(
            f"expected a training set of {', '.join(map(str, sizes))} problems, found {n_problems}: choose one of them"
        )
    return generate_problems(n_problems // 2, seed, vocabulary="train")
