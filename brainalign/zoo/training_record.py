"""How a model of the package was made: the file that stands beside its weights."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from brainalign.artifacts import write_json
from brainalign.errors import ModelError


@dataclass(frozen=True)
class TrainingRecord:
    """How a model was made.

    Attributes
    ----------
    name : str
    n_parameters, n_chats, seed : int
        Of an adapter, its own parameters.
    n_questions : int
        Answers that were trained on; a chat may ask several questions.
    seconds : float
        Processor seconds of training.
    version : int
        Of the training's meaning.
    plan : mapping
        Fields of the training's plan.
    """

    name: str
    n_parameters: int
    n_chats: int
    n_questions: int
    seed: int
    seconds: float
    version: int
    plan: Mapping[str, Any]

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def write_record(record: TrainingRecord, folder: Path) -> None:
    """Write a record beside the weights."""
    write_json(folder / f"{record.name}.json", record.to_json())


def read_record(name: str, folder: Path) -> TrainingRecord:
    """Read the record of a model.

    Raises
    ------
    ModelError
        There is none, or it is damaged.
    """
    path = folder / f"{name}.json"
    try:
        return TrainingRecord(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise ModelError(f"expected how {name} was trained in {path}, found {error}: train it again") from error
