"""Bytes that a training step keeps for its backward pass, counted tensor by tensor as the platform's forward pass does.

With T tokens in a pass, width d, inner width f, H heads over C columns, and b bytes a number, a layer keeps

    4 T d            for each norm (computed in float32)
    3 T f b          of the feed-forward
    T (2 q + 2 k) b  queries, mixed values, keys and values
    H T C b          attention weights, twice that under a soft cap
    T (d + q) b      inputs of the projections, where they are trained

since a frozen projection needs its weights only, not its input. Below the first trained layer nothing is kept.
"""

from dataclasses import dataclass

from brainalign.planning.prompt_sizes import PromptSizes
from brainalign.planning.shape import ModelShape

BYTES = {"float32": 4, "bfloat16": 2, "float16": 2}
_FLOAT32 = 4
_POSITION = 8


@dataclass(frozen=True)
class PassSetting:
    """What decides which tensors a pass keeps.

    Attributes
    ----------
    layers : tuple of int
        Trained and supervised layers, rising.
    rank : int or None
        Of the adapters; None trains attention modules in full.
    answers : bool
        The label's loss is asked for, so that all layers and the output head run.
    guided : bool
        The states of `layers` are supervised.
    dtype : str
        Of weights and states.
    checkpointing : bool
        Only what enters each layer is kept, and layers are computed anew.
    site : {"attention", "layer"}
        Whose outputs are supervised.
    on_gpu : bool
        A GPU raises 16-bit scores to float32 within the softmax; a CPU makes a copy first.
    """

    layers: tuple[int, ...]
    rank: int | None
    answers: bool
    guided: bool
    dtype: str
    checkpointing: bool
    site: str = "attention"
    on_gpu: bool = True

    @property
    def n_bytes(self) -> int:
        """Bytes of a number."""
        return BYTES[self.dtype]


def n_layers_run(shape: ModelShape, setting: PassSetting) -> int:
    """Layers that the forward pass runs through: up to the last supervised one where no answer is asked for."""
    return shape.n_layers if setting.answers else setting.layers[-1] + 1


def layer_bytes(shape: ModelShape, setting: PassSetting, sizes: PromptSizes, layer: int) -> int:
    """Bytes that one layer keeps for the backward pass when it is not checkpointed."""
    if layer < setting.layers[0]:
        return 0
    trained, b, n_tokens = layer in setting.layers, setting.n_bytes, sizes.n_tokens
    norms = shape.n_norms - (layer == setting.layers[0])  # what enters the first trained layer needs no gradient
    a_token = (
        norms * _FLOAT32 * (shape.width + 1)
        + 3 * shape.ffn * b
        + _attention_token(shape, b)
        + (_trained_token(shape, setting) if trained else 0)
    )
    return n_tokens * a_token + _scores_bytes(shape, b, sizes) * (1 + shape.soft_capped)


def _last_bytes(shape: ModelShape, setting: PassSetting, sizes: PromptSizes) -> int:
    """Count what the last layer of a pass keeps; a supervised attention output needs nothing of its second half."""
    whole = layer_bytes(shape, setting, sizes, n_layers_run(shape, setting) - 1)
    return whole - (_after_attention_bytes(shape, setting, sizes) if _is_cut(setting) else 0)


def _is_cut(setting: PassSetting) -> bool:
    return not setting.answers and setting.site == "attention"


def _after_attention_bytes(shape: ModelShape, setting: PassSetting, sizes: PromptSizes) -> int:
    """Count what a layer keeps of its second half."""
    norms = shape.n_norms - 1
    return sizes.n_tokens * (norms * _FLOAT32 * (shape.width + 1) + 3 * shape.ffn * setting.n_bytes)


def _attention_token(shape: ModelShape, b: int) -> int:
    # Phi's values are a part of one tensor with queries and keys, which stays whole.
    values = shape.query_width + 2 * shape.kv_width if shape.fused else shape.kv_width
    normed = (shape.query_width + shape.kv_width + shape.n_heads + shape.n_kv_heads) * _FLOAT32
    return (2 * shape.query_width + shape.kv_width + values) * b + (normed if shape.norms_heads else 0)


def _trained_token(shape: ModelShape, setting: PassSetting) -> int:
    inputs = (shape.width + shape.query_width) * setting.n_bytes
    if setting.rank is None:
        scaled = shape.query_width + shape.kv_width if shape.norms_heads else 0
        return inputs + scaled * setting.n_bytes
    return inputs + setting.rank * (2 if shape.fused else 4) * setting.n_bytes


def _scores_bytes(shape: ModelShape, b: int, sizes: PromptSizes) -> int:
    return shape.n_heads * sizes.n_tokens * sizes.longest * b


def kept_bytes(shape: ModelShape, setting: PassSetting, sizes: PromptSizes) -> int:
    """Bytes alive at the end of the forward pass, weights and gradients not counted."""
    n_run = n_layers_run(shape, setting)
    if setting.checkpointing:
        entering = sizes.n_tokens * shape.width * setting.n_bytes
        n_whole = 0 if setting.answers else 1  # the layer where the pass ends is not computed anew
        layers = (n_run - setting.layers[0] - n_whole) * entering + n_whole * _last_bytes(shape, setting, sizes)
    else:
        layers = sum(layer_bytes(shape, setting, sizes, layer) for layer in range(n_run - 1))
        layers += _last_bytes(shape, setting, sizes)
    return layers + _shared_bytes(shape, setting, sizes) + _ends_bytes(shape, setting, sizes)


def _shared_bytes(shape: ModelShape, setting: PassSetting, sizes: PromptSizes) -> int:
    """Rotations, positions and the mask, which all layers share."""
    rotation = 2 * shape.head_width * setting.n_bytes + 3 * _POSITION
    return sizes.n_tokens * (rotation + shape.n_windows * sizes.longest)


def _ends_bytes(shape: ModelShape, setting: PassSetting, sizes: PromptSizes) -> int:
    """Count the final norm, logits and their loss, and supervised states."""
    norm = sizes.n_tokens * shape.width * _FLOAT32 if setting.answers else 0
    logits = sizes.n_prompts * shape.vocabulary * _FLOAT32 if setting.answers else 0
    # Hooks hold each supervised layer's attention output until the states are read.
    states = len(setting.layers) * sizes.n_prompts * shape.width * 2 * _FLOAT32 if setting.guided else 0
    return norm + logits + states


def working_bytes(shape: ModelShape, setting: PassSetting, sizes: PromptSizes) -> int:
    """Bytes beyond :func:`kept_bytes` at the fullest moment of a step."""
    layer = n_layers_run(shape, setting) - 1
    half = _after_attention_bytes(shape, setting, sizes)
    forward = _attention_working(shape, setting, sizes)
    spread = _spread_bytes(shape, setting, sizes)
    backward = spread + _backward_working(shape, setting, sizes)
    loss = 3 * sizes.n_prompts * shape.vocabulary * _FLOAT32 if setting.answers else 0
    if setting.checkpointing and setting.answers:
        whole = layer_bytes(shape, setting, sizes, layer)
        return max(loss, whole - half + forward, whole + backward)
    is_cut = _is_cut(setting)
    fullest = max(loss, forward - (0 if is_cut else half), spread + (half if is_cut else 0), backward)
    if setting.checkpointing and layer > setting.layers[0]:  # the last layer's tensors are gone when others come anew
        anew = layer_bytes(shape, setting, sizes, layer - 1) - _last_bytes(shape, setting, sizes)
        return max(fullest, anew + backward)
    return fullest


def _spread_bytes(shape: ModelShape, setting: PassSetting, sizes: PromptSizes) -> int:
    """Count gradients of the supervised states: each begins as zeros over all tokens, all layers' at once."""
    return len(setting.layers) * sizes.n_tokens * shape.width * setting.n_bytes * setting.guided


def _attention_working(shape: ModelShape, setting: PassSetting, sizes: PromptSizes) -> int:
    """Scores beside the weights that become of them, and what a soft cap was computed from."""
    scores = _scores_bytes(shape, setting.n_bytes, sizes)
    held = scores * (1 + shape.soft_capped)
    if setting.n_bytes == _FLOAT32:
        return held
    raised = scores * _FLOAT32 // setting.n_bytes
    return held + (raised if setting.on_gpu else 2 * raised - scores)


def _backward_working(shape: ModelShape, setting: PassSetting, sizes: PromptSizes) -> int:
    """Gradients of a layer's feed-forward, or of its attention when the feed-forward's tensors are gone."""
    b, n_tokens = setting.n_bytes, sizes.n_tokens
    residual = 2 * n_tokens * shape.width * b
    feed_forward = 3 * n_tokens * shape.ffn * b
    scores = shape.n_heads * n_tokens * sizes.shared * b
    gradients = n_tokens * (3 * shape.query_width + 2 * shape.kv_width) * b
    return residual + max(feed_forward, scores + gradients - _after_attention_bytes(shape, setting, sizes))


def activation_bytes(shape: ModelShape, setting: PassSetting, sizes: PromptSizes) -> int:
    """Bytes at the fullest moment of a step, weights and gradients not counted."""
    return kept_bytes(shape, setting, sizes) + working_bytes(shape, setting, sizes)
