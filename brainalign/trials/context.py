"""What a worker holds from trial to trial: the data, one loaded model, and what trials share."""

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from brainalign.artifacts import Part, Store
from brainalign.betas import FmriDataset
from brainalign.stimuli import Split
from brainalign.zoo import load_model

if TYPE_CHECKING:
    from brainalign.activations import Activations, PrefilledPrompts
    from brainalign.evaluation.order_answers import OrderAnswers
    from brainalign.finetuning import Execution
    from brainalign.steering.instructions import InstructionVariants
    from brainalign.stimuli import ProblemSet
    from brainalign.zoo import LanguageModel


@dataclass
class Context:
    """Data and model of a worker. What is costly is made at the first use and kept while the model stays.

    Attributes
    ----------
    store : Store
        Where shared stages and results are found and kept.
    dataset : FmriDataset
        Problems, betas of the study's subjects, and the experiment's wording.
    split : Split
        Selection part and report part of the problems.
    model_name : str
        Name in the zoo.
    device : str
        Where the model is loaded; no result depends on it but in the last digits.
    batch_divisor : int
        Kinds that compute in batches make them so many times smaller, for want of memory.
    execution : Execution, optional
        How trainings are carried out; no result depends on it. By default in this process.
    dtype : str, optional
        Type of the weights; by default the model's own.
    quantisation : {"none", "fp8", "nf4"}
        How the model is held; like its type part of its weights' hash, so of every key.
    """

    store: Store
    dataset: FmriDataset
    split: Split
    model_name: str
    device: str = "cpu"
    batch_divisor: int = 1
    execution: "Execution | None" = None
    dtype: str | None = None
    quantisation: str = "none"
    _asked: "dict[tuple[str, ...], OrderAnswers]" = field(default_factory=dict, repr=False)

    def smaller(self) -> "Context":
        """Return a context for batches of half the size, with the same loaded model and nothing else kept."""
        half = replace(self, batch_divisor=2 * self.batch_divisor, _asked={})
        if "model" in self.__dict__:
            half.__dict__["model"] = self.model
        return half

    @cached_property
    def model(self) -> "LanguageModel":
        """The loaded model."""
        return load_model(self.model_name, dtype=self.dtype, device=self.device, quantisation=self.quantisation)

    @cached_property
    def activations(self) -> "Activations":
        """States of all problems, found in the store or extracted."""
        from brainalign.activations import extract

        return extract(self.model, self.dataset.problems, self.dataset.wording, store=self.store)

    @cached_property
    def stands_on(self) -> dict[str, Any]:
        """What every result of this worker stands on: states, betas, and the meaning of the stages between."""
        from brainalign.activations import activations_key
        from brainalign.encoding.ridge import VERSION as ENCODING_VERSION
        from brainalign.steering.config import VERSION as STEERING_VERSION

        return {
            "states": activations_key(self.model, self.dataset.problems, self.dataset.wording),
            "data": self.dataset.source.content_hash,
            "subjects": list(self.dataset.betas.subjects),
            "encoding": ENCODING_VERSION,
            "steering": STEERING_VERSION,
        }

    def targets(self, part: Part) -> tuple[str, ...]:
        """Stimulus ids of a part of the problems."""
        return self.split.selection if part == "selection" else self.split.report

    @cached_property
    def prompts(self) -> "PrefilledPrompts":
        """Prompts of all problems, prefilled up to the last token, in the order of the activations."""
        from brainalign.activations import prefill

        return prefill(self.model, self.dataset.problems, self.dataset.wording, first_layer=0)

    @cached_property
    def variants(self) -> "InstructionVariants":
        """The same prompts under other instructions, read when they are asked for."""
        from brainalign.steering.instructions import InstructionVariants

        return InstructionVariants(self.model, self.dataset.problems, self.dataset.wording, self.store)

    def order_answers(self, problems: "ProblemSet") -> "OrderAnswers":
        """Ask the model as it was loaded problems in all orders of their premises; answers are kept."""
        from brainalign.evaluation import answer_orders

        if problems.ids not in self._asked:
            self._asked[problems.ids] = answer_orders(self.model, problems, self.dataset.wording)
        return self._asked[problems.ids]
