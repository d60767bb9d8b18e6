"""Expected time of one optimiser step: operations at a stated utilisation, communication at a stated bandwidth."""

from dataclasses import dataclass

from brainalign.planning.activation_bytes import BYTES, PassSetting, n_layers_run
from brainalign.planning.shape import ModelShape
from brainalign.planning.training_memory import StageMemory, TrainingSetting, n_held, n_trained

_MULTIPLY_ADD = 2


@dataclass(frozen=True)
class Machine:
    """What the step's time is reckoned with; each is an assumption.

    Attributes
    ----------
    peak_flops : float
        Operations a second of one GPU's data sheet, dense, in the type of the weights.
    utilisation : float
        Share of the peak that is reached.
    bus_bytes_per_s : float
        Between GPUs, one direction, for each GPU.
    host_bytes_per_s : float
        Between a GPU and its host.
    host_numbers_per_s : float
        Numbers that the host's AdamW updates a second, for each GPU.
    """

    peak_flops: float = 312e12
    utilisation: float = 0.35
    bus_bytes_per_s: float = 2e11
    host_bytes_per_s: float = 2e10
    host_numbers_per_s: float = 5e8

    def assumptions(self) -> tuple[str, ...]:
        """Say each in a sentence."""
        return (
            f"{self.peak_flops / 1e12:g} TFLOP/s a GPU at {100 * self.utilisation:g} % utilisation",
            f"{self.bus_bytes_per_s / 1e9:g} GB/s between GPUs, {self.host_bytes_per_s / 1e9:g} GB/s to the host",
            f"the host's AdamW updates {self.host_numbers_per_s:.0e} numbers a second for each GPU",
            "computing and communicating do not overlap, so this is an upper bound of the model",
        )


@dataclass(frozen=True)
class StepTime:
    """Seconds of one optimiser step.

    Attributes
    ----------
    compute_s, communication_s, offload_s : float
    """

    compute_s: float
    communication_s: float
    offload_s: float

    @property
    def total_s(self) -> float:
        """All of it, one after the other."""
        return self.compute_s + self.communication_s + self.offload_s


def step_flops(shape: ModelShape, setting: TrainingSetting) -> float:
    """Operations of the forward and backward pass of one micro-batch on one GPU.

    Forward through all layers that run; backward to the states from the first trained layer up, as much again; the
    gradient of what is trained; with checkpointing these layers' forward pass once more.
    """
    step, sizes = setting.step, setting.sizes
    run = n_layers_run(shape, step)
    passed = run - step.layers[0]
    scores = 2 * shape.query_width * sizes.longest
    a_layer = _MULTIPLY_ADD * sizes.n_tokens * (shape.n_layer + scores)
    head = _MULTIPLY_ADD * sizes.n_prompts * shape.vocabulary * shape.width if step.answers else 0
    trained = _MULTIPLY_ADD * sizes.n_tokens * n_trained(shape, step)
    again = passed if step.checkpointing else 0
    return float(a_layer * (run + passed + again) + 2 * head + trained)


def communicated_bytes(shape: ModelShape, step: PassSetting, stage: int, n_gpus: int, accumulation: int) -> float:
    """Bytes that each GPU sends for one optimiser step, by rings: (n - 1) / n of a tensor for each pass over it.

    Stages 0 and 1 reduce gradients once a step and share them (2 passes); stage 2 reduces them each micro-batch and
    gathers the weights trained (1 and 1); stage 3 gathers all weights for the forward and again for the backward pass
    of every micro-batch, and reduces gradients.
    """
    if n_gpus == 1:
        return 0.0
    b = BYTES[step.dtype]
    trained, held = b * n_trained(shape, step), b * n_held(shape, step)
    passes = {
        0: 2.0 * trained,
        1: 2.0 * trained,
        2: (accumulation + 1.0) * trained,
        3: accumulation * (2.0 * held + trained),
    }
    return passes[stage] * (n_gpus - 1) / n_gpus


def step_time(
    shape: ModelShape, setting: TrainingSetting, memory: StageMemory, machine: Machine, accumulation: int
) -> StepTime:
    """Reckon one optimiser step of `accumulation` micro-batches on each GPU."""
    step, n = setting.step, setting.n_gpus
    compute = accumulation * step_flops(shape, setting) / (machine.peak_flops * machine.utilisation)
    sent = communicated_bytes(shape, step, memory.stage, n, accumulation)
    offload = 0.0
    if memory.offloaded:
        own = n_trained(shape, step) / n
        b = BYTES[step.dtype]
        moved = 2 * b * own
        if memory.stage == 3:
            moved += 2 * accumulation * b * n_held(shape, step) / n
        offload = moved / machine.host_bytes_per_s + own / machine.host_numbers_per_s
    return StepTime(compute, sent / machine.bus_bytes_per_s, offload)
