"""Bytes of tensors that one training step really holds, and of the process: what memory plans are compared with."""

import resource
import weakref
from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from brainalign.finetuning.config import NarfConfig
from brainalign.finetuning.forward import checkpointed, run_forward
from brainalign.finetuning.losses import answer_loss
from brainalign.finetuning.parameters import trainable

if TYPE_CHECKING:
    from brainalign.zoo import LanguageModel

_KIB = 1024


class LiveBytes(TorchDispatchMode):
    """Counts the storages that operations make while they live; a storage that was known before is not counted.

    Attributes
    ----------
    live, peak : int
        Bytes alive now, and the most since the start.
    """

    def __init__(self, known: Iterable[Tensor]) -> None:
        super().__init__()
        self.live = 0
        self.peak = 0
        self._held: dict[int, int] = {}
        self._known = [tensor.untyped_storage() for tensor in known]  # kept, so that no new one takes its address
        self._known_places = {storage._cdata for storage in self._known}

    def __torch_dispatch__(
        self, func: Callable[..., Any], types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Run an operation and note what it made."""
        output = func(*args, **(kwargs or {}))
        for tensor in tree_leaves(output):
            if isinstance(tensor, Tensor):
                self._note(tensor.untyped_storage())
        return output

    def _note(self, storage: torch.UntypedStorage) -> None:
        place = storage._cdata
        if place in self._held or place in self._known_places:
            return
        self._held[place] = storage.nbytes()
        self.live += storage.nbytes()
        self.peak = max(self.peak, self.live)
        weakref.finalize(storage, self._drop, place)

    def _drop(self, place: int) -> None:
        self.live -= self._held.pop(place)


@dataclass(frozen=True)
class StepBytes:
    """What one training step on one device held, in bytes.

    Attributes
    ----------
    parameters, trainable_parameters : int
        All weights with buffers and adapters; of these the trained ones.
    gradients : int
    optimiser : int
        States of AdamW.
    saved : int
        Alive at the end of the forward pass: what the backward pass needs, and the losses.
    activations : int
        The most alive at once from the start of the forward pass to the end of the backward pass.
    resident : int or None
        Most physical memory that the process has had so far; None on the meta device.
    """

    parameters: int
    trainable_parameters: int
    gradients: int
    optimiser: int
    saved: int
    activations: int
    resident: int | None


def measure_step(
    model: "LanguageModel", config: NarfConfig, prompts: Sequence[Sequence[int]], *, checkpointing: bool
) -> StepBytes:
    """Run two steps of one micro-batch and count the second, when gradients and optimiser states are there.

    The brain loss is stood in for by the squares of the supervised states, which costs as much within the model.
    Weights are as before when it is over. A model on the meta device is counted without its numbers.

    Parameters
    ----------
    model : LanguageModel
    config : NarfConfig
        Layers, rank and which losses there are.
    prompts : sequence of token ids
        One micro-batch.
    checkpointing : bool
        Keep what enters each layer only.
    """
    with (
        trainable(model, config, ("tensor-bytes",)) as trained,
        checkpointed(model) if checkpointing else nullcontext(),
    ):
        optimiser = torch.optim.AdamW(trained.parameters, lr=0.0, weight_decay=0.0, foreach=False)
        _loss(model, config, prompts).backward()
        optimiser.step()
        gradients = [parameter.grad for parameter in trained.parameters if parameter.grad is not None]
        weights = [*model.module.parameters(), *model.module.buffers()]
        counted = LiveBytes([*weights, *gradients])
        with counted:
            loss = _loss(model, config, prompts)
            saved = counted.live
            loss.backward()
        return StepBytes(
            parameters=_bytes(weights),
            trainable_parameters=_bytes(trained.parameters),
            gradients=_bytes(gradients),
            optimiser=_bytes(tree_leaves([optimiser.state[parameter] for parameter in trained.parameters])),
            saved=saved,
            activations=counted.peak,
            resident=None if model.device.type == "meta" else _most_resident(),
        )


def _loss(model: "LanguageModel", config: NarfConfig, prompts: Sequence[Sequence[int]]) -> Tensor:
    weights = config.weights
    layers = config.layers if set(weights) - {"label"} else ()
    outputs = run_forward(model, prompts, layers, site=config.site, answers="label" in weights)
    loss = outputs.states.square().mean() if layers else outputs.logits.new_zeros(())
    if "label" in weights:
        labels = torch.zeros(len(prompts), dtype=torch.bool, device=outputs.logits.device)
        loss = loss + answer_loss(outputs.logits, labels, (model.true_ids, model.false_ids)).mean()
    return loss


def _bytes(tensors: Iterable[Any]) -> int:
    storages = {}
    for tensor in tensors:
        if isinstance(tensor, Tensor):
            storage = tensor.untyped_storage()
            storages[storage._cdata] = storage.nbytes()
    return sum(storages.values())


def _most_resident() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _KIB
