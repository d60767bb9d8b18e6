"""The forward pass for training: the one of transformers' Llama and Qwen 3, with fewer passes over memory.

Matrix products are taken in bfloat16, all else in float32. A norm's weights are multiplied into the matrix behind it,
and matrices of one shape are one tensor over all layers.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn.functional import embedding, scaled_dot_product_attention, silu

Parameters = Mapping[str, torch.Tensor]
EPSILON = 1e-6
THETA = 1e4
LAYERED = ("attention_norm", "qkv", "qk_norm", "out", "mlp_norm", "gate_up", "down")


@dataclass(frozen=True)
class Scene:
    """Where tokens stand and what they see: rotations (n_tokens, head_dim / 2) and mask (n_tokens, n_tokens)."""

    cos: torch.Tensor
    sin: torch.Tensor
    mask: torch.Tensor

    @classmethod
    def of(cls, position: torch.Tensor, visible: torch.Tensor, head_dim: int) -> "Scene":
        """Make it from positions int64 (n_tokens,) and bool (n_tokens, n_tokens)."""
        frequencies = THETA ** (-torch.arange(0, head_dim, 2) / head_dim)
        angles = position[:, None] * frequencies
        mask = torch.zeros(visible.shape).masked_fill_(~visible, -torch.inf)
        return cls(angles.cos(), angles.sin(), mask)


def final_states(
    weights: Parameters, tokens: torch.Tensor, scene: Scene, dtype: torch.dtype = torch.bfloat16
) -> torch.Tensor:
    """Normed states (n_chats, n_tokens, d) before the output head."""
    state = embedding(tokens, weights["embedding"])
    for layer in range(len(weights["out"])):
        own = {name: value[layer] for name, value in weights.items() if name in LAYERED}
        state = state + _attention(own, _scaled(state, dtype), scene)
        state = state + _mlp(own, _scaled(state, dtype))
    return _scaled(state, torch.float32) * weights["final_norm"]


def _attention(own: Parameters, inner: torch.Tensor, scene: Scene) -> torch.Tensor:
    n_chats, n_tokens, width = inner.shape
    head_dim = 2 * scene.cos.shape[-1]
    matrix = (own["qkv"] * own["attention_norm"]).flatten(0, 1)
    heads = (inner @ matrix.to(inner.dtype).T).float().view(n_chats, n_tokens, 3, -1, head_dim)
    queries, keys, values = heads.permute(2, 0, 3, 1, 4)
    if "qk_norm" in own:
        queries = _scaled(queries, torch.float32) * own["qk_norm"][0]
        keys = _scaled(keys, torch.float32) * own["qk_norm"][1]
    seen = scaled_dot_product_attention(_turned(queries, scene), _turned(keys, scene), values, attn_mask=scene.mask)
    joined = seen.transpose(1, 2).reshape(n_chats, n_tokens, width).to(inner.dtype)
    return joined @ own["out"].to(inner.dtype).T


def _mlp(own: Parameters, inner: torch.Tensor) -> torch.Tensor:
    matrix = (own["gate_up"] * own["mlp_norm"]).flatten(0, 1)
    gate, up = (inner @ matrix.to(inner.dtype).T).chunk(2, dim=-1)
    return (silu(gate) * up) @ own["down"].to(inner.dtype).T


def _turned(heads: torch.Tensor, scene: Scene) -> torch.Tensor:
    one, two = heads.chunk(2, dim=-1)
    first = torch.addcmul(one * scene.cos, two, scene.sin, value=-1)
    return torch.cat([first, torch.addcmul(two * scene.cos, one, scene.sin)], dim=-1)


def _scaled(x: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    scaled: torch.Tensor = _Scale.apply(x, dtype)
    return scaled


class _Scale(torch.autograd.Function):
    """x / sqrt(mean x^2 + eps) over the last axis; the gradient is g' = (g - y mean(g y)) / sqrt(...)."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
        inverse = (torch.linalg.vector_norm(x, dim=-1, keepdim=True).square_() / x.shape[-1] + EPSILON).rsqrt_()
        scaled = x * inverse
        ctx.save_for_backward(scaled, inverse)
        return scaled.to(dtype)

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> Any:
        scaled, inverse = ctx.saved_tensors
        gradient = gradients[0].float()
        along = torch.linalg.vecdot(gradient, scaled).unsqueeze(-1) / scaled.shape[-1]
        return torch.addcmul(gradient, scaled, along, value=-1).mul_(inverse), None
