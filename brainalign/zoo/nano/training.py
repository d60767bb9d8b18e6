"""Train a nano model from scratch: a curriculum of generated chats, all sizes on the same ones in the same order."""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch.nn.functional import cross_entropy

from brainalign.artifacts import hash_json, stream, write_atomically
from brainalign.errors import ModelError
from brainalign.stimuli import REASONING_TYPES
from brainalign.zoo.nano.chats import Batch, token, write_batch
from brainalign.zoo.nano.forward import Scene, final_states
from brainalign.zoo.nano.initial import initial_weights
from brainalign.zoo.nano.optimiser import Optimiser
from brainalign.zoo.nano.sizes import Size

VERSION = 1
_ROLE_SCALE = 0.3
_FOREIGN = (5, 140)  # words of an instruction that is not ours


@dataclass(frozen=True)
class Plan:
    """What a model is trained on, and how.

    Attributes
    ----------
    n_steps : int
        Each on `n_tokens` tokens of chats, half of either reasoning type.
    simple_until, all_from : float
        Shares of the steps. Until the first, three premises in forward order and conclusions without "not"; from then
        on both mix in more and more, with three or four premises; after the second, three to six in any order.
    n_asked : int
        Conclusions of a chat.
    foreign : float
        Share of batches whose instruction is replaced by random words.
    role_weight : float
        Of the loss of telling what the words of a conclusion are in the premises.
    matrix_rate, other_rate : float
        Learning rates, see `Optimiser`.
    warm_up, steady_until : float
        Shares of the steps: the rates rise linearly at first, and fall linearly to 0 after the second.
    """

    n_steps: int = 250
    simple_until: float = 0.4
    all_from: float = 0.8
    n_tokens: int = 2048
    n_asked: int = 4
    foreign: float = 0.15
    role_weight: float = 0.5
    matrix_rate: float = 0.004
    other_rate: float = 1e-3
    warm_up: float = 0.05
    steady_until: float = 0.6

    def batch(self, step: int, reasoning_type: str, seed: int) -> Batch:
        """Write the chats of a step; a function of its arguments."""
        rng = stream("nano chats", seed, step, reasoning_type)
        share = step / self.n_steps
        mixed = min(1.0, max(0.0, (share - self.simple_until) / (self.all_from - self.simple_until)))
        most = 3 if mixed == 0 else 4 if mixed < 1 else 6
        n_premises = int(rng.integers(3, most + 1))
        n_foreign = int(rng.integers(*_FOREIGN)) if rng.random() < self.foreign else 0
        length = 9 + n_foreign + 6 * n_premises + 9 * self.n_asked
        return write_batch(
            reasoning_type,
            n_premises,
            max(1, self.n_tokens // 2 // length),
            self.n_asked,
            rng,
            in_order=1 - mixed,
            affirmed=1 - mixed / 2,
            n_foreign=n_foreign,
        )

    def rate(self, step: int) -> float:
        """Share of the learning rates at a step."""
        share = (step + 1) / self.n_steps
        return min(1.0, share / self.warm_up) * min(1.0, (1 - step / self.n_steps) / (1 - self.steady_until))


@dataclass(frozen=True)
class Losses:
    """What a batch gave: cross-entropies in nats, and the share of right answers."""

    answer: float
    role: float
    accuracy: float


@dataclass
class Run:
    """A model in training.

    Attributes
    ----------
    weights : dict of str to Tensor
    optimiser : Optimiser
    step : int
        Steps done.
    seconds : float
        Processor seconds spent, over all restarts.
    n_chats : int
    """

    weights: dict[str, torch.Tensor]
    optimiser: Optimiser
    step: int = 0
    seconds: float = 0.0
    n_chats: int = 0


Progress = Callable[[Run, list[Losses]], None]


def train(size: Size, plan: Plan, seed: int, folder: Path, progress: Progress, *, save_every: int = 25) -> Run:
    """Train a model to the end, from the last checkpoint in `folder` where there is one.

    Raises
    ------
    ModelError
        A checkpoint that cannot be read, or one of another plan, size or seed.
    """
    checkpoint = folder / f"{size.name}.checkpoint"
    key = hash_json({"size": asdict(size), "plan": asdict(plan), "seed": seed, "version": VERSION})
    run = begin(size, plan, seed)
    if checkpoint.exists():
        _restore(run, checkpoint, key)
    while run.step < plan.n_steps:
        losses = advance(run, plan, size, seed)
        if run.step % save_every == 0 or run.step == plan.n_steps:
            _save(run, checkpoint, key)
        progress(run, losses)
    return run


def begin(size: Size, plan: Plan, seed: int) -> Run:
    """Make the run of a model before its first step."""
    weights = {name: value.requires_grad_() for name, value in initial_weights(size, seed).items()}
    return Run(weights, Optimiser(weights, plan.matrix_rate, plan.other_rate))


def advance(run: Run, plan: Plan, size: Size, seed: int) -> list[Losses]:
    """Take one step on a batch of each reasoning type."""
    started = time.process_time()
    losses = []
    for reasoning_type in REASONING_TYPES:
        batch = plan.batch(run.step, reasoning_type, seed)
        loss, found = batch_loss(run.weights, batch, size, plan)
        (loss / len(REASONING_TYPES)).backward()  # type: ignore[no-untyped-call]
        losses.append(found)
        run.n_chats += len(batch.tokens)
    run.optimiser.step(plan.rate(run.step))
    run.step += 1
    run.seconds += time.process_time() - started
    return losses


def batch_loss(weights: dict[str, torch.Tensor], batch: Batch, size: Size, plan: Plan) -> tuple[torch.Tensor, Losses]:
    """Loss of a batch: of the answers, and of the roles of the words that the conclusions are about."""
    scene = Scene.of(torch.from_numpy(batch.position), torch.from_numpy(batch.visible), size.head_dim)
    states = final_states(weights, torch.from_numpy(batch.tokens), scene)
    logits = states[:, torch.from_numpy(batch.answers)] @ weights["embedding"].T
    true, false = token("True"), token("False")
    labels = torch.from_numpy(batch.labels)
    answer = cross_entropy(logits.flatten(0, 1), torch.where(labels, true, false).flatten())
    told = states[:, torch.from_numpy(batch.words)] @ weights["roles"].T * _ROLE_SCALE
    role = cross_entropy(told.flatten(0, 2), torch.from_numpy(batch.roles).flatten())
    right = (logits[..., true] > logits[..., false]) == labels
    return answer + plan.role_weight * role, Losses(answer.item(), role.item(), float(right.float().mean()))


def _save(run: Run, checkpoint: Path, key: str) -> None:
    state: dict[str, Any] = {
        "key": key,
        "weights": {name: value.detach() for name, value in run.weights.items()},
        "first": run.optimiser.first,
        "second": run.optimiser.second,
        "step": run.step,
        "seconds": run.seconds,
        "n_chats": run.n_chats,
    }
    write_atomically(checkpoint, lambda temporary: torch.save(state, temporary))


def _restore(run: Run, checkpoint: Path, key: str) -> None:
    try:
        state = torch.load(checkpoint, weights_only=True)
        found = state["key"]
    except Exception as error:  # torch raises what the damaged bytes happen to cause
        raise ModelError(f"expected a whole checkpoint, found {error} in {checkpoint}: delete that file") from error
    if found != key:
        raise ModelError(
            f"expected a checkpoint of this size, plan and seed, found another's in {checkpoint}: "
            "delete it or give another folder"
        )
    with torch.no_grad():
        for name, value in run.weights.items():
            value.copy_(state["weights"][name])
    run.optimiser.first, run.optimiser.second = state["first"], state["second"]
    run.optimiser.step_number = run.step = state["step"]
    run.seconds, run.n_chats = state["seconds"], state["n_chats"]
