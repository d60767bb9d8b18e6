"""Make targets from what steering works with: its inputs, its arms' betas, and the displacements that it found."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from brainalign.activations import Activations
from brainalign.errors import InputError
from brainalign.finetuning.config import ARMS, NarfConfig
from brainalign.finetuning.targets import BetasTargets, StatesTargets
from brainalign.steering import Displacements, NariInputs, assemble, find_arm
from brainalign.steering.arms.guided import Guided
from brainalign.steering.inputs import Rows, Singles
from brainalign.steering.objectives import Forms
from brainalign.steering.pairs import Group, form_groups
from brainalign.zoo import Answers

if TYPE_CHECKING:
    from collections.abc import Iterable

    from torch import Tensor

    from brainalign.betas import FmriDataset


class _NotAsked:
    """In the place of prompts: training asks no steered question."""

    def answer(self, rows: Rows, layers: Sequence[int], displacements: "Tensor") -> Answers:
        raise InputError("expected prompts to steer, found the inputs of a fine-tuning: assemble inputs with prompts")


def guidance_inputs(
    activations: Activations,
    dataset: "FmriDataset",
    config: NarfConfig,
    parts: "tuple[Iterable[str], Iterable[str]] | None" = None,
) -> NariInputs:
    """Align the base model's states with betas and answers.

    Parameters
    ----------
    activations : Activations
        Of the base model, on the dataset's problems.
    dataset : FmriDataset
        Problems and betas of the subjects that guide.
    config : NarfConfig
    parts : (pool, targets), optional
        Stimulus ids that maps are fitted on and stimulus ids that guide; all problems for both by default.
    """
    inputs = assemble(activations, dataset, _NotAsked(), roi=config.roi, parts=parts)
    if config.site == "attention":
        return inputs
    order = activations.select(inputs.stimulus_ids)
    return replace(inputs, states=np.stack([order.site("layer", layer) for layer in range(order.n_layers)]))


def betas_targets(
    inputs: NariInputs, examples: Mapping[str, int], config: NarfConfig, arm: str, names: tuple[str | int, ...]
) -> tuple[BetasTargets, ...]:
    """Make the targets of each reasoning type from an arm's betas.

    Parameters
    ----------
    inputs : NariInputs
        Its targets among `examples` guide.
    examples : mapping of str to int
        Number of each example by stimulus id.
    config : NarfConfig
    arm : {"guided", "random_betas", "label_as_betas"}
    names : tuple of str or int
        Start of the names of random streams: the result key and the replicate seed.

    Raises
    ------
    InputError
        An unknown arm, a layer beyond the model, or a pool too small for its maps.
    """
    if arm not in ARMS:
        raise InputError(f"expected an arm among {', '.join(ARMS)}, found {arm!r}: choose one of them")
    kind = find_arm(ARMS[arm])
    chosen = replace(inputs, targets=_shown(inputs, examples))
    found = []
    for group in form_groups(chosen, config.layers):
        if len(group.pairs):
            fitted = kind(group, config.maps, names)
            assert isinstance(fitted, Guided)  # all arms of fine-tuning are guided by betas of some kind
            found.append(_of_group(group, fitted, examples, config))
    return tuple(found)


def _of_group(group: Group, arm: Guided, examples: Mapping[str, int], config: NarfConfig) -> BetasTargets:
    rows = np.array([examples[group.inputs.stimulus_ids[problem]] for problem in group.pairs.problems], dtype=np.int64)
    order = np.argsort(rows, kind="stable")
    numbers, counts = np.unique(rows, return_counts=True)
    shares = 1.0 / counts[np.searchsorted(numbers, rows[order])]
    places = np.searchsorted(arm.targets, group.pairs.problems[order])
    return BetasTargets(
        examples=torch.from_numpy(rows[order]),
        shares=torch.from_numpy(shares.astype(np.float32)),
        reference=torch.from_numpy(arm.maps.reference),
        basis=torch.from_numpy(arm.maps.basis),
        forms=Forms.of_pairs(arm.maps, group.pairs.subjects[order], places),
        loss_name=config.loss,
    )


def states_targets(
    inputs: NariInputs, found: Displacements, examples: Mapping[str, int], config: NarfConfig
) -> tuple[StatesTargets, ...]:
    """Make targets of the problems that a search mended, and of those that the model had right.

    Parameters
    ----------
    inputs : NariInputs
        The search's, or others with the same problems and subjects: its own states are the base model's.
    found : Displacements
        What the search mended; problems outside the inputs' targets are left out.
    examples : mapping of str to int
        Number of each example by stimulus id.
    config : NarfConfig

    Raises
    ------
    InputError
        Displacements of other layers than those to supervise.
    """
    if found.layers != config.layers:
        raise InputError(
            f"expected displacements at layers {list(config.layers)}, found {list(found.layers)}: search these layers"
        )
    inputs.check_layers(config.layers)
    own = inputs.states[list(config.layers)]
    shown = _shown(inputs, examples)
    right = inputs.answers.answer == inputs.labels.astype(np.int8)
    mended: dict[int, Singles] = {}
    for problem in shown[~right[shown]]:
        values = found.values[found.problems == problem]
        if len(values):
            shift = values if config.targets == "all" else values[[_smallest(values)]]
            mended[int(problem)] = own[None, :, problem] + shift
    held = {int(problem): own[None, :, problem] for problem in shown[right[shown]]}
    made = (("brain", mended), ("regulariser", held))
    return tuple(_as_targets(name, inputs, states, examples) for name, states in made if states)


def _smallest(values: Singles) -> int:
    """Find the displacement of least length over all layers together."""
    return int(np.argmin(np.linalg.norm(values.astype(np.float64), axis=(1, 2))))


def _as_targets(
    name: str, inputs: NariInputs, states: Mapping[int, Singles], examples: Mapping[str, int]
) -> StatesTargets:
    numbers = {examples[inputs.stimulus_ids[problem]]: problem for problem in states}
    exact = [states[numbers[number]].astype(np.float64) for number in sorted(numbers)]
    spread: list[NDArray[np.float64]] = [every.var(axis=0).mean(axis=-1).sum() for every in exact]
    return StatesTargets(
        name=name,
        examples=torch.tensor(sorted(numbers), dtype=torch.int64),
        values=torch.from_numpy(np.stack([every.mean(axis=0) for every in exact], axis=1).astype(np.float32)),
        spread=torch.from_numpy(np.array(spread, dtype=np.float32)),
    )


def _shown(inputs: NariInputs, examples: Mapping[str, int]) -> Rows:
    """Rows of the targets that are examples, rising."""
    return np.array([row for row in inputs.targets if inputs.stimulus_ids[row] in examples], dtype=np.int64)
