"""Weights to begin with: random, but for heads that already look where looking pays.

Half of the heads of the first layer look at the token before; half of those of the others look for tokens like their
own. Training from plain random weights had found neither when these had long begun to answer. The first follows from
a constant direction that all embeddings share, and that these heads alone read: q = R(-1) k, so that q'R(i - j)k is
largest one place back. The second has equal projections of queries and keys, on which the constant direction is silent.

References
----------
A. Trockman, J. Z. Kolter, Mimetic initialization of self-attention layers, 2023, arXiv 2305.09828.
"""

import torch

from brainalign.artifacts import stream
from brainalign.zoo.nano.forward import THETA
from brainalign.zoo.nano.sizes import N_LAYERS, VOCABULARY, Size

ROLES = 3
_N_FAST_PAIRS = 3  # of rotations, those that turn most between neighbours
_LOOK_BACK = 32.0
_LIKENESS = 2.2
# Largest scores of heads whose queries and keys are normed, in the first layer and in the others.
_NORMED_SCORES = (16.0, 9.0)
_BRANCH_SCALE = 0.5


def initial_weights(size: Size, seed: int) -> dict[str, torch.Tensor]:
    """Make the weights of a size, and a head for the roles of words that is left out of the finished model."""
    rng = stream("nano weights", size.name, seed)

    def drawn(*shape: int, scale: float) -> torch.Tensor:
        return torch.from_numpy(rng.standard_normal(shape)).float() * scale

    width, inner = size.width, size.mlp_width
    constant = torch.from_numpy(rng.choice((-1.0, 1.0), width)).float()
    words = drawn(VOCABULARY, width, scale=1.0)
    words = words - torch.outer(words @ constant, constant) / width + constant
    weights = {
        "embedding": words * width**-0.5,
        "final_norm": torch.ones(width),
        "attention_norm": torch.ones(N_LAYERS, width),
        "mlp_norm": torch.ones(N_LAYERS, width),
        "qkv": drawn(N_LAYERS, 3, width, width, scale=width**-0.5),
        "out": drawn(N_LAYERS, width, width, scale=_BRANCH_SCALE / width),
        "gate_up": drawn(N_LAYERS, 2, inner, width, scale=width**-0.5),
        "down": drawn(N_LAYERS, width, inner, scale=_BRANCH_SCALE * (width * inner) ** -0.5),
        "roles": drawn(ROLES, width, scale=width**-0.5),
    }
    if size.family == "qwen3":
        scores = torch.tensor([_NORMED_SCORES[layer > 0] for layer in range(N_LAYERS)])
        norms = (scores * size.head_dim**-0.5).sqrt()
        weights["qk_norm"] = norms[:, None, None].expand(N_LAYERS, 2, size.head_dim).contiguous()
    heads = weights["qkv"].view(N_LAYERS, 3, -1, size.head_dim, width)
    n_wired = max(1, heads.shape[2] // 2)
    heads[0, 1, :n_wired], heads[0, 0, :n_wired] = _looking_back(size.head_dim, constant)
    for layer in range(1, N_LAYERS):
        for head in range(n_wired):
            heads[layer, :2, head] = _looking_for_like(drawn(size.head_dim, width, scale=width**-0.5), constant)
    return weights


def _looking_back(head_dim: int, constant: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Projections (head_dim, width) of keys and queries that meet one place back."""
    pairs = head_dim // 2
    angle = THETA ** (-torch.arange(pairs) * 2 / head_dim)
    strength = torch.zeros(pairs)
    strength[:_N_FAST_PAIRS] = _LOOK_BACK**0.5
    key = torch.cat([strength, torch.zeros(pairs)])
    query = torch.cat([strength * angle.cos(), -strength * angle.sin()])
    # The normed embedding has half of its square along the constant direction.
    reading = constant * 2**0.5 / len(constant)
    return torch.outer(key, reading), torch.outer(query, reading)


def _looking_for_like(projection: torch.Tensor, constant: torch.Tensor) -> torch.Tensor:
    """One projection for queries and keys, on pairs that turn slowly, so that likeness counts at any distance."""
    pairs = projection.shape[0] // 2
    slow = (torch.arange(pairs) >= pairs // 4).repeat(2)
    silent = projection - torch.outer(projection @ constant, constant) / len(constant)
    return silent * slow[:, None] * _LIKENESS
