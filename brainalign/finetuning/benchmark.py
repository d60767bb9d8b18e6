"""One epoch of gradients for brain and label, beside a plain loop in the release's manner and padded batches."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from brainalign.activations import extract, hooked
from brainalign.activations.continuation import cache_name
from brainalign.finetuning.config import NarfConfig
from brainalign.finetuning.diagnostics import gradients
from brainalign.finetuning.examples import TrainingSet
from brainalign.finetuning.forward import Outputs
from brainalign.finetuning.guidance import guidance_inputs
from brainalign.finetuning.narf import NarfObjective, build_objective
from brainalign.finetuning.parameters import trainable
from brainalign.steering import middle_half

if TYPE_CHECKING:
    from brainalign.betas import FmriDataset
    from brainalign.zoo import LanguageModel

N_MICRO = 10
"""Examples of a micro-batch."""


@dataclass(frozen=True)
class FinetuningBenchmark:
    """One comparison in one process: the gradient of one epoch in a single batch, wall time in s.

    The ways take turns, micro-batch by micro-batch, so that what else the machine does falls on all alike.

    Attributes
    ----------
    n_examples, n_micro, n_trainable : int
        Examples, those of a micro-batch, and trained numbers.
    plain_s : float
        The release's manner: one example at a time, a forward pass for its states and another for its answer.
    padded_s : float
        Padded micro-batches of transformers behind one pass over the instruction that they share.
    packed_s : float
        The platform's objective.
    diagnosed_s : float
        The same with a backward pass for each loss, which gives their norms and cosine.
    ratio, ratio_padded : float
        ``plain_s`` and ``padded_s`` over ``packed_s``.
    largest_difference : float
        Between the gradients of ``plain_s`` and ``packed_s``, over the largest entry.
    largest_difference_padded : float
        The same for ``padded_s``.
    n_threads : int
    """

    n_examples: int
    n_micro: int
    n_trainable: int
    plain_s: float
    padded_s: float
    packed_s: float
    diagnosed_s: float
    ratio: float
    ratio_padded: float
    largest_difference: float
    largest_difference_padded: float
    n_threads: int


def benchmark_finetuning(
    model: "LanguageModel", dataset: "FmriDataset", config: NarfConfig | None = None, *, n_micro: int = N_MICRO
) -> FinetuningBenchmark:
    """Time the gradient of one epoch over all problems in four ways.

    Parameters
    ----------
    model : LanguageModel
    dataset : FmriDataset
        All its subjects and problems take part.
    config : NarfConfig, optional
        By default brain and label on the middle half of the layers with adapters of rank 8.
    n_micro : int
        Examples of a micro-batch.
    """
    config = config or NarfConfig(layers=middle_half(model.n_layers), label_loss_weight=1.0)
    activations = extract(model, dataset.problems, dataset.wording)
    examples = TrainingSet.encode(model, dataset.problems, dataset.wording)
    objective = build_objective(examples, config, guidance_inputs(activations, dataset, config))
    with trainable(model, config, ("benchmark",)) as trained:
        leave_start(trained.named)
        n_trainable = trained.n_trainable
        seconds, found = _take_turns(objective, model, list(_micro_batches(examples, n_micro)), trained.parameters)
    return FinetuningBenchmark(
        n_examples=len(examples),
        n_micro=n_micro,
        n_trainable=n_trainable,
        plain_s=seconds["plain"],
        padded_s=seconds["padded"],
        packed_s=seconds["packed"],
        diagnosed_s=seconds["diagnosed"],
        ratio=seconds["plain"] / seconds["packed"],
        ratio_padded=seconds["padded"] / seconds["packed"],
        largest_difference=_difference(found["packed"], found["plain"]),
        largest_difference_padded=_difference(found["packed"], found["padded"]),
        n_threads=torch.get_num_threads(),
    )


def _micro_batches(examples: TrainingSet, n_micro: int) -> Iterator[list[int]]:
    """Rows in micro-batches; sorted by prompt, so that those under one instruction are together."""
    rows = sorted(range(len(examples)), key=lambda row: examples.prompts[row])
    for start in range(0, len(rows), n_micro):
        yield rows[start : start + n_micro]


@torch.no_grad()
def leave_start(named: dict[str, nn.Parameter]) -> None:
    """Give second factors of adapters, which begin at zero, values, so that all factors have a gradient."""
    for name, parameter in named.items():
        if "lora_B" in name:
            parameter.copy_(torch.linspace(-0.01, 0.01, parameter.numel()).view_as(parameter))


def _take_turns(
    objective: NarfObjective,
    model: "LanguageModel",
    batches: Sequence[Sequence[int]],
    parameters: Sequence[nn.Parameter],
) -> tuple[dict[str, float], dict[str, Tensor]]:
    """Seconds and gradient of each way over all micro-batches."""
    ways = {"plain": _plain, "padded": _padded, "packed": _packed, "diagnosed": _diagnosed}
    _plain(objective, model, batches[0][:1], parameters)  # what only a process's first pass costs
    seconds = dict.fromkeys(ways, 0.0)
    found: dict[str, Tensor] = {}
    for rows in batches:
        for name, take in ways.items():
            start = time.perf_counter()
            gradient = take(objective, model, rows, parameters)
            seconds[name] += time.perf_counter() - start
            found[name] = found[name] + gradient if name in found else gradient
    return seconds, found


def _plain(
    objective: NarfObjective, model: "LanguageModel", rows: Sequence[int], parameters: Sequence[nn.Parameter]
) -> Tensor:
    """Run one example after the other, a forward pass for its states and one for its answer."""
    _clear(parameters)
    for row in rows:
        ids = torch.tensor([objective.examples.prompts[row]], device=model.device)
        held: dict[int, Tensor] = {}
        with hooked(model, objective.config.site, objective.config.layers, held.__setitem__):
            model.module(input_ids=ids, use_cache=False, logits_to_keep=1)
        logits = model.module(input_ids=ids, use_cache=False, logits_to_keep=1).logits[0].float()
        states = torch.stack([held[layer][0, -1:].float() for layer in objective.config.layers])
        objective.weigh(Outputs(states, logits), model, [row], objective.n_examples).total.backward()
    return _collected(parameters)


def _packed(
    objective: NarfObjective, model: "LanguageModel", rows: Sequence[int], parameters: Sequence[nn.Parameter]
) -> Tensor:
    """Take the platform's own way."""
    _clear(parameters)
    objective.losses(model, rows, objective.n_examples).total.backward()
    return _collected(parameters)


def _diagnosed(
    objective: NarfObjective, model: "LanguageModel", rows: Sequence[int], parameters: Sequence[nn.Parameter]
) -> Tensor:
    """Do the same with a backward pass for each loss."""
    return gradients(objective.losses(model, rows, objective.n_examples), parameters).total


def _padded(
    objective: NarfObjective, model: "LanguageModel", rows: Sequence[int], parameters: Sequence[nn.Parameter]
) -> Tensor:
    """Run the instruction once with its keys and values, then all that follows it as a padded batch."""
    _clear(parameters)
    prompts = [objective.examples.prompts[row] for row in rows]
    n_shared = _shared(prompts)
    rest = [prompt[n_shared:] for prompt in prompts]
    widest = max(len(part) for part in rest)
    ids = torch.tensor([[*part, *[0] * (widest - len(part))] for part in rest], device=model.device)
    mask = torch.tensor([[1] * (n_shared + len(p)) + [0] * (widest - len(p)) for p in rest], device=model.device)
    last = torch.tensor([len(part) - 1 for part in rest], device=model.device)
    kept = torch.unique(last)
    options: dict[str, Any] = {"attention_mask": mask, "logits_to_keep": kept, "use_cache": bool(n_shared)}
    if n_shared:
        name = cache_name(model)
        instruction = torch.tensor([prompts[0][:n_shared]], device=model.device)
        options[name] = model.decoder(input_ids=instruction, use_cache=True)[name]
        options[name].batch_repeat_interleave(len(rows))
    held: dict[int, Tensor] = {}
    with hooked(model, objective.config.site, objective.config.layers, held.__setitem__):
        logits = model.module(input_ids=ids, **options).logits.float()
    every = torch.arange(len(rows), device=model.device)
    states = torch.stack([held[layer][every, last].float() for layer in objective.config.layers])
    outputs = Outputs(states, logits[every, torch.searchsorted(kept, last)])
    objective.weigh(outputs, model, rows, objective.n_examples).total.backward()
    return _collected(parameters)


def _shared(prompts: Sequence[Sequence[int]]) -> int:
    """Tokens that all prompts begin with, at most all but the last of the shortest."""
    longest = min(len(prompt) for prompt in prompts) - 1
    same = (len({prompt[place] for prompt in prompts}) == 1 for place in range(longest))
    return next((place for place, is_same in enumerate(same) if not is_same), longest)


def _clear(parameters: Sequence[nn.Parameter]) -> None:
    for parameter in parameters:
        parameter.grad = None


def _collected(parameters: Sequence[nn.Parameter]) -> Tensor:
    """Gradients that backward passes have left, one after the other."""
    return torch.cat([parameter.grad.flatten() for parameter in parameters if parameter.grad is not None])


def _difference(found: Tensor, expected: Tensor) -> float:
    return float((found - expected).abs().max() / expected.abs().max())
