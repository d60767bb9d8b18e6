"""Train the adapter by the label alone, a block of questions a step; a training that was stopped goes on."""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

import torch

from brainalign.artifacts import hash_json, write_json
from brainalign.finetuning.checkpoints import Checkpoints
from brainalign.finetuning.config import NarfConfig
from brainalign.finetuning.examples import TrainingSet
from brainalign.finetuning.logic.plan import VERSION, Plan
from brainalign.finetuning.logic.questions import blocks
from brainalign.finetuning.narf import NarfObjective
from brainalign.finetuning.objective import Losses
from brainalign.finetuning.parameters import trainable
from brainalign.finetuning.record import TrainingRecord
from brainalign.finetuning.training import Training, train, training_identity
from brainalign.finetuning.training_config import TrainingConfig
from brainalign.spaces import resolve_layers
from brainalign.stimuli import ProblemSet, own_wording
from brainalign.zoo import LanguageModel

Progress = Callable[[int, float, float], None]
"""Told after each block its step, its loss in nats, and the processor seconds up to now."""


@dataclass(frozen=True)
class Adapter:
    """A trained adapter and how it came about.

    Attributes
    ----------
    weights : dict of str to Tensor
        float32, by the parameter's name in the module while it is trained.
    record : TrainingRecord
    seconds : float
        Processor seconds, over all restarts.
    """

    weights: dict[str, torch.Tensor]
    record: TrainingRecord
    seconds: float


@dataclass(frozen=True, eq=False)
class Blocks:
    """An objective whose examples are blocks of `n_each` neighbours among another one's.

    `seen` is told the loss of every block.
    """

    objective: NarfObjective
    n_each: int
    seen: Callable[[float], None]

    @property
    def n_examples(self) -> int:
        """How many blocks there are."""
        return self.objective.n_examples // self.n_each

    @cached_property
    def identity(self) -> str:
        """Hash of the other objective and the blocks' size."""
        return hash_json([self.objective.identity, self.n_each])

    def losses(self, model: LanguageModel, rows: Sequence[int], batch_size: int) -> Losses:
        """Run the model once on all questions of some blocks; see :class:`brainalign.finetuning.Objective`."""
        questions = [row * self.n_each + place for row in rows for place in range(self.n_each)]
        losses = self.objective.losses(model, questions, batch_size * self.n_each)
        self.seen(float(losses.total.detach()))
        return losses


def adapter_config(plan: Plan, n_layers: int) -> NarfConfig:
    """Spell which parameters are trained, and that the label alone is asked for."""
    layers = resolve_layers({"start": plan.start, "width": plan.width}, n_layers)
    return NarfConfig(layers=layers, train_weight=0.0, label_loss_weight=1.0, lora_rank=plan.rank)


def train_adapter(model: LanguageModel, plan: Plan, seed: int, folder: Path, progress: Progress) -> Adapter:
    """Train an adapter to the end, from the last checkpoint in `folder` where there is one; the model stays as it is.

    Parameters
    ----------
    model : LanguageModel
    plan : Plan
    seed : int
        Names the random streams of adapters, questions and their order.
    folder : Path
        Of the checkpoints.
    progress : Progress

    Raises
    ------
    TrainingError
        A checkpoint of another plan, seed or model, or a loss that is not finite.
    """
    config = adapter_config(plan, model.n_layers)
    watch = _Watch(folder, progress)
    names = ("adapter", VERSION, hash_json(asdict(plan)), seed)
    settings = TrainingConfig(n_epochs=plan.n_epochs, batch_size=1, learning_rate=plan.learning_rate)
    objective = Blocks(NarfObjective(_examples(model, plan, seed), config, ()), plan.n_asked, watch.see)
    with trainable(model, config, names) as trained:
        training = Training(objective, settings, names, folder)
        last = Checkpoints(folder, training_identity(model, training)).load_last()
        watch.n_steps = len(last.record.steps) if last else 0
        record = train(model, training)
        weights = {name: value.detach().clone() for name, value in trained.named.items()}
    return Adapter(weights, record, watch.seconds)


def _examples(model: LanguageModel, plan: Plan, seed: int) -> TrainingSet:
    written = blocks(plan.n_blocks, plan.n_each, plan.n_premises, seed)
    problems = ProblemSet(tuple(question for block in written for question in block), "generated")
    return TrainingSet.encode(model, problems, own_wording())


class _Watch:
    """Counts steps and processor seconds, over all restarts; the seconds are kept in the folder of the checkpoints."""

    def __init__(self, folder: Path, progress: Progress) -> None:
        self._path, self._progress = folder / "seconds.json", progress
        self.seconds = float(json.loads(self._path.read_text(encoding="utf-8"))) if self._path.is_file() else 0.0
        self._seen = time.process_time()
        self.n_steps = 0

    def see(self, loss: float) -> None:
        """Count a step."""
        now = time.process_time()
        self.seconds, self._seen = self.seconds + now - self._seen, now
        self.n_steps += 1
        write_json(self._path, self.seconds)
        self._progress(self.n_steps, loss, self.seconds)
