"""Memory of a fine-tuning on each GPU and on its host, for every ZeRO stage."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from brainalign.planning.activation_bytes import BYTES, PassSetting, activation_bytes
from brainalign.planning.prompt_sizes import PromptSizes
from brainalign.planning.shape import ModelShape

FILL = 0.92
"""Share of a GPU's memory that tensors may fill; the rest is fragmentation's."""
CONTEXT_BYTES = 1 << 30
"""What CUDA, cuBLAS and NCCL take on a GPU before any tensor."""
BUCKET = 50_000_000
"""Numbers that DeepSpeed reduces or gathers at once, at most."""
GIB = float(1 << 30)
STAGES = (0, 1, 2, 3)
OFFLOADED_STAGES = (3,)
"""Stages whose off-load the engine of :mod:`brainalign.finetuning` runs; DeepSpeed knows it for 1 and 2 too."""
# AdamW keeps two moments in float32. 16-bit weights have a float32 copy, as ZeRO 1 to 3 make of float32 weights too,
# and their gradients are added up in float32.
_FLOAT32 = 4
_MOMENTS_BYTES = 2 * _FLOAT32


@dataclass(frozen=True)
class TrainingSetting:
    """A fine-tuning as memory sees it.

    Attributes
    ----------
    kind : str
        ``"narf"``, ``"narf_label"`` or ``"label"``.
    step : PassSetting
    sizes : PromptSizes
        Of one micro-batch.
    n_gpus : int
    gpu_gib : float
        Memory of each, GiB.
    """

    kind: str
    step: PassSetting
    sizes: PromptSizes
    n_gpus: int
    gpu_gib: float


@dataclass(frozen=True)
class StageMemory:
    """Bytes on each GPU, and on the host for each GPU, under one ZeRO stage.

    Attributes
    ----------
    stage : int
    offloaded : bool
        The optimiser's states live on the host, under stage 3 the weights too.
    parameters, gradients, optimiser, activations, buffers : int
        On a GPU. `buffers` are DeepSpeed's buckets, weights that stage 3 gathers, and what CUDA takes.
    host : int
        On the host, for each GPU.
    fits : bool
        All of it is within the part of the GPU that may be filled.
    """

    stage: int
    offloaded: bool
    parameters: int
    gradients: int
    optimiser: int
    activations: int
    buffers: int
    host: int
    fits: bool

    @property
    def total(self) -> int:
        """Bytes on each GPU."""
        return self.parameters + self.gradients + self.optimiser + self.activations + self.buffers


def n_trained(shape: ModelShape, step: PassSetting) -> int:
    """Numbers that are trained."""
    a_layer = shape.n_attention if step.rank is None else shape.n_adapter(step.rank)
    return len(step.layers) * a_layer


def n_held(shape: ModelShape, step: PassSetting) -> int:
    """Numbers of the model with its adapters."""
    return shape.n_parameters + (0 if step.rank is None else n_trained(shape, step))


def stage_memory(shape: ModelShape, setting: TrainingSetting, stage: int, *, offloaded: bool) -> StageMemory:
    """Count the bytes of one ZeRO stage."""
    step, n = setting.step, setting.n_gpus
    b, trained = BYTES[step.dtype], n_trained(shape, step)
    parameters = b * n_held(shape, step) // (n if stage == 3 else 1)
    gradients = _gradient_bytes(trained, b, stage) // (n if stage >= 2 else 1)
    optimiser = _optimiser_bytes(trained, b, stage) // (n if stage >= 1 else 1)
    host = 0
    if offloaded:
        host, optimiser = optimiser + (gradients if stage >= 2 else 0), 0
        gradients = 0 if stage >= 2 else gradients
    if offloaded and stage == 3:
        host, parameters = host + parameters, 0
    activations = activation_bytes(shape, step, setting.sizes)
    buffers = CONTEXT_BYTES + _buffer_bytes(shape, setting, stage, trained)
    total = parameters + gradients + optimiser + activations + buffers
    fits = total <= FILL * setting.gpu_gib * GIB
    return StageMemory(stage, offloaded, parameters, gradients, optimiser, activations, buffers, host, fits)


def _optimiser_bytes(trained: int, b: int, stage: int) -> int:
    master = _FLOAT32 if b < _FLOAT32 or stage >= 1 else 0
    return trained * (_MOMENTS_BYTES + master)


def _gradient_bytes(trained: int, b: int, stage: int) -> int:
    arriving = b if b < _FLOAT32 and stage < 2 else 0
    return trained * (_FLOAT32 + arriving)


def _buffer_bytes(shape: ModelShape, setting: TrainingSetting, stage: int, trained: int) -> int:
    if setting.n_gpus == 1:
        return 0
    b = BYTES[setting.step.dtype]
    if stage < 3:
        return 2 * b * min(BUCKET, trained)
    # Stage 3 keeps a whole bucket, and fetches ahead another; two layers are whole, the running one and the next, and
    # the larger of the embeddings.
    return b * (2 * BUCKET + 2 * shape.n_layer + shape.vocabulary * shape.width)


def all_stages(shape: ModelShape, setting: TrainingSetting) -> Iterator[StageMemory]:
    """Count every ZeRO stage, without and (where DeepSpeed can) with CPU off-load."""
    for stage in STAGES:
        yield stage_memory(shape, setting, stage, offloaded=False)
        if stage:
            yield stage_memory(shape, setting, stage, offloaded=True)


def smallest_that_fits(stages: Sequence[StageMemory]) -> StageMemory | None:
    """Lowest stage that fits: it communicates least; off-load only where no stage fits without. None: nothing fits."""
    fitting = [
        memory for memory in stages if memory.fits and (not memory.offloaded or memory.stage in OFFLOADED_STAGES)
    ]
    return min(fitting, key=lambda memory: (memory.offloaded, memory.stage), default=None)
