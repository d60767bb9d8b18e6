"""Checkpoints of a training: the best weights and the last, with all that is needed to go on.

Both are single safetensors files that hold whole tensors of what is trained, not the parts of workers, so a training
goes on with another number of workers or another ZeRO stage. Random numbers have no state to keep: they are functions
of names, see :mod:`brainalign.finetuning.batches`.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from brainalign.artifacts.files import write_bytes
from brainalign.errors import TrainingError
from brainalign.finetuning.engine import TrainedState
from brainalign.finetuning.record import TrainingRecord

VERSION = 1
"""Raised by hand when the layout of the files changes."""
BEST, LAST = "best.safetensors", "last.safetensors"
_WEIGHTS = "weights"


@dataclass(frozen=True)
class Checkpoint:
    """A state of a training and how it came there."""

    state: TrainedState
    record: TrainingRecord


class Checkpoints:
    """The checkpoints of one training in a folder of their own.

    Parameters
    ----------
    folder : Path
        Made at the first write; every worker must see it.
    identity : mapping
        What the training is, as JSON: model, hash of the base weights, objective, settings, names. A checkpoint of
        another training is refused.
    """

    def __init__(self, folder: Path | str, identity: Mapping[str, Any]) -> None:
        self.folder = Path(folder)
        self.identity = json.loads(json.dumps(dict(identity)))

    def save_last(self, state: TrainedState, record: TrainingRecord) -> None:
        """Keep what a training goes on from; when it is over, that is the record and the weights alone.

        Raises
        ------
        StudyError
            The disk is full or refuses; the checkpoint before still stands.
        """
        kept = TrainedState(state.n_steps, state.weights, {}) if record.is_finished else state
        self._write(LAST, kept, record)

    def save_best(self, state: TrainedState, record: TrainingRecord) -> None:
        """Keep the weights that validated best so far; raises as :meth:`save_last`."""
        self._write(BEST, TrainedState(state.n_steps, state.weights, {}), record)

    def load_last(self) -> Checkpoint | None:
        """Read the last checkpoint; None where there is none.

        Raises
        ------
        TrainingError
            It is of another training, of another version, or damaged.
        """
        return self._read(LAST)

    def load_best(self) -> Checkpoint | None:
        """Read the best checkpoint; None where there is none. Raises as :meth:`load_last`."""
        return self._read(BEST)

    def _write(self, name: str, state: TrainedState, record: TrainingRecord) -> None:
        from safetensors.torch import save

        tensors = {f"{_WEIGHTS}/{key}": value.contiguous() for key, value in state.weights.items()}
        for moment, values in state.moments.items():
            tensors |= {f"{moment}/{key}": value.contiguous() for key, value in values.items()}
        facts = {"version": VERSION, "identity": self.identity, "n_steps": state.n_steps, "record": record.to_json()}
        content = save(tensors, metadata={"brainalign": json.dumps(facts)})
        write_bytes(self.folder / name, content)

    def _read(self, name: str) -> Checkpoint | None:
        path = self.folder / name
        if not path.is_file():
            return None
        tensors, facts = _open(path)
        if facts["version"] != VERSION:
            raise TrainingError(
                f"expected version {VERSION} of a checkpoint in {path}, found {facts['version']}: use the brainalign "
                "that wrote it"
            )
        self._compare(path, facts["identity"])
        parts: dict[str, dict[str, Tensor]] = {}
        for key, value in tensors.items():
            part, _, parameter = key.partition("/")
            parts.setdefault(part, {})[parameter] = value
        weights = parts.pop(_WEIGHTS)
        return Checkpoint(TrainedState(facts["n_steps"], weights, parts), TrainingRecord.from_json(facts["record"]))

    def _compare(self, path: Path, found: Mapping[str, Any]) -> None:
        differing = [name for name in self.identity if self.identity[name] != found.get(name)]
        if differing:
            name = differing[0]
            raise TrainingError(
                f"expected a checkpoint of {name} {self.identity[name]} in {path}, found {found.get(name)}: "
                "choose another folder, or delete it"
            )


def _open(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as handle:
            facts: dict[str, Any] = json.loads(handle.metadata()["brainalign"])
            return {key: handle.get_tensor(key) for key in list(handle.keys())}, facts
    except (SafetensorError, OSError, TypeError, KeyError, ValueError) as error:
        raise TrainingError(
            f"expected a whole checkpoint in {path}, found {error}: delete it and train from the beginning"
        ) from error
