"""A small simulated data set and what a tiny model says to it, made once for all tests."""

from functools import cache

from brainalign.activations import Activations, extract
from brainalign.betas import FmriDataset, SimulatorConfig, simulate_dataset
from brainalign.finetuning.config import NarfConfig
from brainalign.finetuning.examples import TrainingSet
from brainalign.zoo import LanguageModel, list_models, load_model

TINY = [facts.name for facts in list_models() if facts.name.startswith("tiny-random-")]
LAYERS = (1, 2)


@cache
def tiny(name: str = "tiny-random-llama") -> LanguageModel:
    return load_model(name)


@cache
def dataset() -> FmriDataset:
    return simulate_dataset(SimulatorConfig(n_subjects=3, n_problems_per_type=8))


@cache
def activations(name: str = "tiny-random-llama") -> Activations:
    return extract(tiny(name), dataset().problems, dataset().wording)


@cache
def training_set(name: str = "tiny-random-llama") -> TrainingSet:
    return TrainingSet.encode(tiny(name), dataset().problems, dataset().wording)


def both(**changes: object) -> NarfConfig:
    """Brain and label together on the middle layers."""
    settings: dict[str, object] = {"layers": LAYERS, "label_loss_weight": 0.5, "lora_rank": 2, **changes}
    return NarfConfig(**settings)  # type: ignore[arg-type]
