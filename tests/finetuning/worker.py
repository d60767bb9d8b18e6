"""One of two gloo workers that train what a file says: ``python -m tests.finetuning.worker RANK FOLDER``."""

import pickle
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import distributed

from brainalign.finetuning import NarfConfig, NarfObjective, trainable
from brainalign.finetuning.record import TrainingRecord
from brainalign.finetuning.training import Training, Validator, train
from brainalign.finetuning.training_config import Execution, TrainingConfig
from brainalign.zoo import LanguageModel, load_model
from tests.finetuning.plain import NAMES

Found = tuple[TrainingRecord, dict[str, torch.Tensor]]


@dataclass(frozen=True)
class Case:
    """A training of a tiny model and the folder of its checkpoints."""

    name: str
    model: str
    parameters: NarfConfig
    objective: NarfObjective
    config: TrainingConfig
    execution: Execution
    folder: Path


class Keeping:
    """A validator that keeps the checkpoint of the epoch before, as a kill in an epoch would leave it."""

    def __init__(self, folder: Path, epoch: int) -> None:
        self.folder, self.epoch, self.n_calls = folder, epoch, 0

    def __call__(self, model: LanguageModel) -> float:
        self.n_calls += 1
        last = self.folder / "last.safetensors"
        if self.n_calls == self.epoch + 1 and last.exists():
            kept = self.folder.with_name(self.folder.name + "-halfway")
            kept.mkdir(exist_ok=True)
            shutil.copy(last, kept)
        return float(self.n_calls)


def run(case: Case, validator: Validator | None = None) -> Found:
    model = load_model(case.model)
    with trainable(model, case.parameters, NAMES) as trained:
        training = Training(case.objective, case.config, NAMES, case.folder, validator, case.execution)
        record = train(model, training)
        return record, {name: parameter.detach().clone() for name, parameter in trained.named.items()}


def main(rank: str, folder: str) -> None:
    place = Path(folder)
    distributed.init_process_group("gloo", init_method=f"file://{place / 'meeting'}", rank=int(rank), world_size=2)
    with (place / "cases.pickle").open("rb") as handle:
        cases: list[Case] = pickle.load(handle)
    found = {case.name: run(case, Keeping(case.folder, 1) if "halfway" in case.name else None) for case in cases}
    if rank == "0":
        with (place / "found.pickle").open("wb") as handle:
            pickle.dump(found, handle)
    distributed.destroy_process_group()


if __name__ == "__main__":
    main(*sys.argv[1:])
