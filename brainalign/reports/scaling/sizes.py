"""The models of a scaling report by size and family."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from brainalign.reports.numbers import is_number
from brainalign.reports.records import StudyRecord, section
from brainalign.zoo import model_facts

_SIZE = re.compile(r"-\d+(\.\d+)?[mb](?=-|$)")


@dataclass(frozen=True, order=True)
class ModelSize:
    """A model with its number of parameters and the family that it is of."""

    n_parameters: int
    name: str
    family: str


def model_size(name: str, facts: Mapping[str, object]) -> ModelSize:
    """Size of a model by what a study noted of it, else by the registry.

    Raises
    ------
    ModelError
        Neither knows the model.
    """
    noted = facts.get("n_parameters")
    n_parameters = int(noted) if is_number(noted) else model_facts(name).n_parameters
    return ModelSize(n_parameters, name, family(name))


def model_sizes(studies: Sequence[StudyRecord]) -> list[ModelSize]:
    """All models of some studies, by size."""
    found = {
        name: model_size(name, section(section(study.manifest, "models"), name))
        for study in studies
        for name in study.study.models
    }
    return sorted(found.values())


def family(name: str) -> str:
    """Name of a model without its size: models of one family are of one recipe.

    Examples
    --------
    >>> family("llama-3.3-70b-instruct"), family("nano-qwen3-0.9m")
    ('llama-3.3-instruct', 'nano-qwen3')
    """
    return _SIZE.sub("", name)
