"""A training in a process of its own: ``python -m tests.finetuning.trainings FOLDER STAGE KILL_AT``."""

import os
import signal
import sys
from pathlib import Path

import numpy as np

from brainalign.finetuning import NarfConfig, NarfObjective, build_objective, guidance_inputs, trainable
from brainalign.finetuning.training import Training, train
from brainalign.finetuning.training_config import Execution, TrainingConfig
from brainalign.zoo import LanguageModel
from tests.finetuning.examples import activations, both, dataset, tiny, training_set
from tests.finetuning.plain import NAMES

CONFIG = TrainingConfig(n_epochs=4, batch_size=10, learning_rate=1e-3)
PARAMETERS = both()


def guided(name: str = "tiny-random-llama", parameters: NarfConfig = PARAMETERS) -> NarfObjective:
    """Brain and label on the simulated data set."""
    return build_objective(training_set(name), parameters, guidance_inputs(activations(name), dataset(), parameters))


class Killing:
    """A validator that scores by the trained weights and kills its process, by the signal that nothing catches.

    Parameters
    ----------
    at : int
        The epoch counted by its calls; 0 for never.
    marker : Path, optional
        Made at the kill; where it is there already, nothing is killed.
    rank : int
        Of the process that is killed.
    """

    def __init__(self, at: int, marker: Path | None = None, rank: int = 0) -> None:
        self.at, self.marker, self.rank, self.n_calls = at, marker, rank, 0

    def __call__(self, model: LanguageModel) -> float:
        self.n_calls += 1
        is_due = self.n_calls == self.at and int(os.environ.get("RANK", "0")) == self.rank
        if is_due and not (self.marker is not None and self.marker.exists()):
            if self.marker is not None:
                self.marker.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return float(model.score(model.forward(training_set().prompts[0])[None]).margin[0])


def main(folder: str, stage: str, kill_at: str) -> None:
    training = Training(guided(), CONFIG, NAMES, Path(folder), Killing(int(kill_at)), Execution(zero_stage=int(stage)))
    with trainable(tiny(), PARAMETERS, NAMES) as trained:
        record = train(tiny(), training)
        weights = {name: parameter.detach().numpy() for name, parameter in trained.named.items()}
    np.savez(Path(folder) / "trained.npz", losses=[step.loss for step in record.steps], **weights)


if __name__ == "__main__":
    main(*sys.argv[1:])
