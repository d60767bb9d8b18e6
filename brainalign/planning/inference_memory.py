"""Memory of steering at inference: weights, stored prompts, and one packed pass."""

from collections.abc import Iterator
from dataclasses import dataclass

from brainalign.planning.activation_bytes import BYTES
from brainalign.planning.prompt_sizes import PromptSizes
from brainalign.planning.shape import ModelShape
from brainalign.planning.training_memory import CONTEXT_BYTES, FILL, GIB

BLOCK_ROWS = 768
"""Rows of one packed pass, at most, as :mod:`brainalign.activations` packs them."""
_FLOAT32 = 4


@dataclass(frozen=True)
class InferenceMemory:
    """Bytes on each GPU where a model is spread over some of them.

    Attributes
    ----------
    n_gpus : int
        GPUs that share one copy of the model.
    parameters, stored, activations, buffers : int
        Weights; keys, values and residual states of the prompts; one pass; what CUDA takes.
    fits : bool
    """

    n_gpus: int
    parameters: int
    stored: int
    activations: int
    buffers: int
    fits: bool

    @property
    def total(self) -> int:
        """Bytes on each GPU."""
        return self.parameters + self.stored + self.activations + self.buffers


def stored_bytes(shape: ModelShape, sizes: PromptSizes, b: int) -> int:
    """Keys and values of all tokens, and what enters each layer at each prompt's last token."""
    return shape.n_layers * b * (2 * sizes.n_tokens * shape.kv_width + sizes.n_prompts * shape.width)


def pass_bytes(shape: ModelShape, sizes: PromptSizes, b: int) -> int:
    """One layer of a packed pass: scores in the model's type and in float32, then the feed-forward, then logits."""
    rows = min(BLOCK_ROWS, max(sizes.n_tokens, sizes.n_prompts))
    scores = shape.n_heads * rows * sizes.longest * (_FLOAT32 + (2 * b if b < _FLOAT32 else _FLOAT32))
    scores += shape.n_heads * rows * sizes.longest * b * shape.soft_capped
    states = rows * b * (4 * shape.width + 3 * shape.query_width + 2 * shape.kv_width)
    feed_forward = 3 * rows * shape.ffn * b
    return states + max(scores, feed_forward)


def spreads(
    shape: ModelShape, sizes: PromptSizes, dtype: str, n_gpus: int, gpu_gib: float
) -> Iterator[InferenceMemory]:
    """Count the bytes for a model on one GPU, on two, and so on up to all of them; layers are not cut."""
    b = BYTES[dtype]
    n_share = 1
    while n_share <= n_gpus:
        layers = -(-shape.n_layers // n_share)
        ends = shape.n_parameters - shape.n_layers * shape.n_layer
        parameters = b * (layers * shape.n_layer + (ends if n_share == 1 else shape.vocabulary * shape.width))
        stored = stored_bytes(shape, sizes, b) * layers // shape.n_layers
        memory = InferenceMemory(n_share, parameters, stored, pass_bytes(shape, sizes, b), CONTEXT_BYTES, False)
        fits = memory.total <= FILL * gpu_gib * GIB
        yield InferenceMemory(n_share, parameters, stored, memory.activations, CONTEXT_BYTES, fits)
        n_share *= 2
