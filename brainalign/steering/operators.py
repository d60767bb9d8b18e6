"""Ways to change a state by a direction, and a context in which a model is steered by them."""

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor

from brainalign.activations import edited
from brainalign.activations.hooks import Tokens
from brainalign.errors import InputError
from brainalign.steering.vectors import SteeringVectors
from brainalign.zoo.language_model import Firings, LanguageModel, Site

Strength = float | Mapping[int, float]


def add(states: Tensor, vector: Tensor, strength: float) -> Tensor:
    """Add: x + s v, for states (n, d) and a vector (d,)."""
    return states + strength * vector


def project_out(states: Tensor, vector: Tensor, strength: float) -> Tensor:
    """Project out: x - s (x . u) u with u = v / |v|.

    Strength 1 leaves nothing along v, 2 mirrors; a vector of zeros does nothing.
    """
    norm = torch.linalg.vector_norm(vector)
    if norm == 0:
        return states
    unit = vector / norm
    return states - strength * (states @ unit).unsqueeze(-1) * unit


def add_rescaled(states: Tensor, vector: Tensor, strength: float) -> Tensor:
    """Add and rescale: (x + s v) |x| / |x + s v|, turned towards v and as long as it was."""
    moved = add(states, vector, strength)
    before = torch.linalg.vector_norm(states, dim=-1, keepdim=True, dtype=torch.float64)
    after = torch.linalg.vector_norm(moved, dim=-1, keepdim=True, dtype=torch.float64)
    return moved * (before / after.clamp_min(torch.finfo(torch.float32).tiny)).to(moved)


OPERATORS: dict[str, Callable[[Tensor, Tensor, float], Tensor]] = {
    "add": add,
    "project_out": project_out,
    "add_rescaled": add_rescaled,
}


@contextmanager
def steered(
    model: LanguageModel,
    vectors: SteeringVectors,
    strength: Strength = 1.0,
    *,
    operator: str = "add",
    site: Site | None = None,
    tokens: Tokens | None = None,
) -> Iterator[Mapping[int, Firings]]:
    """Steer every pass of a model until the context is left, also by an exception.

    Plain forward passes and generation, packed extraction and prefilled answers are all steered. Nothing is stored
    under the unsteered model's keys meanwhile.

    Parameters
    ----------
    model : LanguageModel
    vectors : SteeringVectors
        Made on this model.
    strength : float or mapping of int to float
        Of all layers, or of each of the vectors' layers. With strength 0 a layer's bits stay as they are.
    operator : {"add", "project_out", "add_rescaled"}
    site, tokens : optional
        Where to act, see :func:`brainalign.activations.edited`; by default where the vectors were made.

    Yields
    ------
    mapping of int to Firings
        How many passes each layer's hook has changed.

    Raises
    ------
    ModelError
        Vectors of another model.
    InputError
        An unknown operator, strengths that are no numbers, or so large that a displacement is none.
    """
    if operator not in OPERATORS:
        raise InputError(f"expected an operator among {', '.join(OPERATORS)}, found {operator!r}: choose one of them")
    vectors.check(model)
    strengths = _strengths(vectors, strength)
    by_layer = {layer: vector.to(model.device) for layer, vector in vectors.to_dict().items()}
    _check_finite(by_layer, strengths, model.module.dtype)

    def edit(layer: int, states: Tensor) -> Tensor:
        if strengths[layer] == 0:
            return states
        vector = by_layer[layer].to(states.device)
        return OPERATORS[operator](states.float(), vector, strengths[layer])

    with edited(model, site or vectors.site, vectors.layers, edit, tokens or vectors.tokens) as firings:
        yield firings


def _strengths(vectors: SteeringVectors, strength: Strength) -> dict[int, float]:
    given = strength if isinstance(strength, Mapping) else dict.fromkeys(vectors.layers, strength)
    if set(given) != set(vectors.layers):
        raise InputError(
            f"expected a strength for each of the layers {list(vectors.layers)}, found {sorted(given)}: "
            "name these layers, or give one number"
        )
    for layer, value in given.items():
        if not math.isfinite(value):
            raise InputError(f"expected a finite strength, found {value} at layer {layer}: give a number")
    return {layer: float(value) for layer, value in given.items()}


def _check_finite(vectors: Mapping[int, Tensor], strengths: Mapping[int, float], dtype: torch.dtype) -> None:
    for layer, vector in vectors.items():
        if not bool(torch.isfinite((strengths[layer] * vector).to(dtype)).all()):
            raise InputError(
                f"expected a displacement of finite numbers at layer {layer}, found infinite ones at strength "
                f"{strengths[layer]:g} in {str(dtype).removeprefix('torch.')}: lower the strength"
            )
