"""The objective of brain-guided fine-tuning: betas or reached states, the answer, or both, in one forward pass."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property

import torch

from brainalign.artifacts import content_key
from brainalign.errors import InputError
from brainalign.finetuning.config import VERSION, NarfConfig
from brainalign.finetuning.examples import TrainingSet
from brainalign.finetuning.forward import Outputs, run_forward
from brainalign.finetuning.guidance import betas_targets, states_targets
from brainalign.finetuning.losses import answer_loss
from brainalign.finetuning.objective import Losses
from brainalign.finetuning.targets import Targets
from brainalign.steering import Displacements, NariInputs
from brainalign.zoo import LanguageModel


@dataclass(frozen=True, eq=False)
class NarfObjective:
    """Weighted sum of the losses that a configuration names.

    An example without betas or reached state has the label's loss alone.

    Attributes
    ----------
    examples : TrainingSet
    config : NarfConfig
    targets : tuple of Targets
        Terms of the losses ``"brain"`` and ``"regulariser"``.
    """

    examples: TrainingSet
    config: NarfConfig
    targets: tuple[Targets, ...]

    @property
    def n_examples(self) -> int:
        """How many examples there are."""
        return len(self.examples)

    @property
    def n_guided(self) -> int:
        """Examples with a brain loss."""
        return len({int(row) for term in self.targets if term.name == "brain" for row in term.examples})

    @cached_property
    def identity(self) -> str:
        """Hash of examples, settings and targets."""
        settings = {
            "examples": self.examples.content_hash,
            "config": asdict(self.config),
            "targets": [[term.name, term.content_hash] for term in self.targets],
        }
        return content_key("objective", VERSION, settings)

    def losses(self, model: LanguageModel, rows: Sequence[int], batch_size: int) -> Losses:
        """Run the model once on some examples, with gradient; see :class:`brainalign.finetuning.Objective`."""
        if not len(rows) or not all(0 <= row < self.n_examples for row in rows):
            raise InputError(
                f"expected examples from 0 to {self.n_examples - 1}, found {list(rows)}: give at least one of them"
            )
        weights = self.config.weights
        supervises = any(name != "label" for name in weights)
        outputs = run_forward(
            model,
            [self.examples.prompts[row] for row in rows],
            self.config.layers if supervises else (),
            site=self.config.site,
            answers="label" in weights,
        )
        return self.weigh(outputs, model, rows, batch_size)

    def weigh(self, outputs: Outputs, model: LanguageModel, rows: Sequence[int], batch_size: int) -> Losses:
        """Compute the losses from what a forward pass gave, in the order of `rows`."""
        weights = self.config.weights
        parts = {name: self._part(name, outputs, model, rows) / batch_size for name in weights}
        total = torch.stack([weight * parts[name] for name, weight in weights.items()]).sum()
        return Losses(total, parts, weights)

    def _part(self, name: str, outputs: Outputs, model: LanguageModel, rows: Sequence[int]) -> torch.Tensor:
        if name == "label":
            labels = torch.tensor([self.examples.labels[row] for row in rows], device=outputs.logits.device)
            return answer_loss(outputs.logits, labels, (model.true_ids, model.false_ids)).sum()
        terms = [term.loss(outputs.states, rows) for term in self.targets if term.name == name]
        return torch.stack(terms).sum() if terms else outputs.states[..., :0].sum()


def build_objective(
    examples: TrainingSet,
    config: NarfConfig,
    inputs: NariInputs | None = None,
    *,
    arm: str = "guided",
    names: tuple[str | int, ...] = (),
    displacements: Displacements | None = None,
) -> NarfObjective:
    """Build the objective of kinds ``narf`` (brain alone), ``narf_label`` (both) and ``label`` (the answer alone).

    Which kind it is follows from the configuration's weights.

    Parameters
    ----------
    examples : TrainingSet
        Scanner problems, generated ones, or both.
    config : NarfConfig
    inputs : NariInputs, optional
        What guides, see :func:`brainalign.finetuning.guidance.guidance_inputs`; not needed where ``train_weight`` is 0.
    arm : {"guided", "random_betas", "label_as_betas"}
        Whose betas guide ``targets="direct"``. States reached by a search are those of the arm that was searched.
    names : tuple of str or int
        Start of the names of the arm's random streams: the result key and the replicate seed.
    displacements : Displacements, optional
        What a search found, for ``targets`` of ``"nearest"`` and ``"all"``.

    Raises
    ------
    InputError
        A brain loss without what guides it, or with no example that it could guide.
    """
    if config.train_weight == 0:
        return NarfObjective(examples, config, ())
    if inputs is None or (config.targets != "direct" and displacements is None):
        missing = "inputs" if inputs is None else "displacements"
        raise InputError(
            f"expected {missing} for a brain loss with targets {config.targets!r}, found none: "
            "give them, or set train_weight to 0"
        )
    numbers = {name: number for number, name in enumerate(examples.stimulus_ids)}
    targets: tuple[Targets, ...]
    if config.targets == "direct" or displacements is None:
        targets = betas_targets(inputs, numbers, config, arm, names)
    else:
        targets = states_targets(inputs, displacements, numbers, config)
    if not any(term.name == "brain" for term in targets):
        raise InputError(
            "expected an example that a subject solved, or that a search mended, found none: "
            "train on other problems, search with a larger radius, or set train_weight to 0"
        )
    return NarfObjective(examples, config, targets)
