"""`brainalign zoo plan`: memory and time of a fine-tuning or of steering on a model, before any GPU is asked for."""

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from brainalign.cli.options import BetasOption, JsonOption
from brainalign.cli.output import print_json, print_table
from brainalign.cli.zoo_prompts import Prompts, count_prompts
from brainalign.errors import InputError, ModelError

if TYPE_CHECKING:
    from brainalign.planning.activation_bytes import PassSetting
    from brainalign.planning.shape import ModelShape
    from brainalign.planning.step_time import Machine
    from brainalign.planning.training_memory import TrainingSetting
    from brainalign.zoo import ModelFacts

KINDS = ("nari", "narf", "narf_label", "label")
GIB = float(1 << 30)


@dataclass(frozen=True)
class _Asked:
    """What was asked for, checked."""

    facts: "ModelFacts"
    shape: "ModelShape"
    kind: str
    lora: int | None
    n_gpus: int
    gpu_gib: float
    dtype: str
    micro_batch: int
    accumulation: int
    checkpointing: bool


def plan(
    model: Annotated[str, typer.Option("--model", help="A model of the zoo, or the only one whose name begins so.")],
    kind: Annotated[str, typer.Option(help="nari, narf, narf_label or label.")] = "narf_label",
    lora: Annotated[int | None, typer.Option(min=1, help="Rank of the adapters; without it attention in full.")] = None,
    gpus: Annotated[str, typer.Option(help="How many of how many GiB, such as 8x80.")] = "1x80",
    micro_batch: Annotated[int, typer.Option(min=1, help="Prompts of one pass on one GPU.")] = 14,
    accumulation: Annotated[int, typer.Option(min=1, help="Micro-batches of a step on each GPU.")] = 1,
    dtype: Annotated[str | None, typer.Option(help="float32, bfloat16 or float16; the model's own by default.")] = None,
    checkpointing: Annotated[bool, typer.Option(help="Compute layers anew in the backward pass.")] = True,
    tokens: Annotated[int | None, typer.Option(min=1, help="Tokens of a prompt, in place of counted ones.")] = None,
    shared: Annotated[int, typer.Option(min=0, help="Of these, tokens that all prompts begin with.")] = 0,
    peak_tflops: Annotated[float, typer.Option(min=0.001, help="Of one GPU's data sheet.")] = 312.0,
    utilisation: Annotated[float, typer.Option(min=0.001, max=1.0, help="Share of it that is reached.")] = 0.35,
    bus_gb_s: Annotated[float, typer.Option(min=0.001, help="GB/s between GPUs, for each.")] = 200.0,
    host_gb_s: Annotated[float, typer.Option(min=0.001, help="GB/s between a GPU and its host.")] = 20.0,
    measure: Annotated[bool, typer.Option("--measure", help="Run one step here and print its bytes beside.")] = False,
    betas: BetasOption = None,
    json: JsonOption = False,
) -> None:
    """Plan memory and time: parameters, gradients, optimiser, activations and buffers for every ZeRO stage.

    Example: brainalign zoo plan --model llama-3.3-70b --kind narf_label --lora 8 --gpus 8x80
    """
    from brainalign.planning.step_time import Machine

    facts, shape = _model(model)
    asked = _Asked(
        facts, shape, _kind(kind), lora, *_gpus(gpus), _dtype(dtype or facts.dtype), micro_batch, accumulation,
        checkpointing,
    )  # fmt: skip
    machine = Machine(peak_tflops * 1e12, utilisation, bus_gb_s * 1e9, host_gb_s * 1e9)
    whole = None if kind == "nari" else micro_batch
    prompts = count_prompts(facts, whole, betas=betas, tokens=tokens, shared=shared)
    found = _inference(asked, prompts) if kind == "nari" else _training(asked, prompts, machine)
    if measure:
        found["measured"] = _measured(asked, prompts, found)
    if json:
        print_json(found)
    else:
        _print(found)


def _model(name: str) -> "tuple[ModelFacts, ModelShape]":
    from brainalign.planning.shape import ModelShape
    from brainalign.zoo import list_models, load_model, model_facts
    from brainalign.zoo.recorded import recorded

    names = [facts.name for facts in list_models()]
    begun = [full for full in names if full.startswith(name)]
    facts = model_facts(begun[0] if name not in names and len(begun) == 1 else name)
    try:
        config = recorded(facts.base or facts.name.partition("@")[0]).config
    except ModelError:
        config = load_model(facts.name).module.config.to_dict()
    return facts, ModelShape.from_config(config)


def _kind(kind: str) -> str:
    if kind not in KINDS:
        raise InputError(f"expected --kind among {', '.join(KINDS)}, found {kind!r}: choose one of them")
    return kind


def _dtype(dtype: str) -> str:
    from brainalign.planning.activation_bytes import BYTES

    if dtype not in BYTES:
        raise InputError(f"expected --dtype among {', '.join(BYTES)}, found {dtype!r}: choose one of them")
    return dtype


def _gpus(text: str) -> tuple[int, float]:
    count, _, size = text.lower().partition("x")
    try:
        n_gpus, gib = int(count), float(size)
    except ValueError:
        n_gpus, gib = 0, 0.0
    if n_gpus < 1 or not 0 < gib < float("inf"):
        raise InputError(f"expected --gpus as count x GiB, such as 8x80, found {text!r}: write it so")
    return n_gpus, gib


def _step(asked: _Asked, *, on_gpu: bool = True) -> "PassSetting":
    from brainalign.planning.activation_bytes import PassSetting
    from brainalign.steering.config import middle_half

    return PassSetting(
        layers=middle_half(asked.shape.n_layers),
        rank=asked.lora,
        answers=asked.kind != "narf",
        guided=asked.kind != "label",
        dtype=asked.dtype,
        checkpointing=asked.checkpointing,
        on_gpu=on_gpu,
    )


def _training(asked: _Asked, prompts: Prompts, machine: "Machine") -> dict[str, Any]:
    from brainalign.planning.training_memory import TrainingSetting, all_stages, n_trained, smallest_that_fits

    setting = TrainingSetting(asked.kind, _step(asked), prompts.sizes, asked.n_gpus, asked.gpu_gib)
    stages = tuple(all_stages(asked.shape, setting))
    best = smallest_that_fits(stages)
    return {
        **_heading(asked, prompts),
        "layers": [setting.step.layers[0], setting.step.layers[-1]],
        "lora": asked.lora,
        "n_trained": n_trained(asked.shape, setting.step),
        "batch_size": asked.micro_batch * asked.accumulation * asked.n_gpus,
        "smallest": None if best is None else {"stage": best.stage, "offloaded": best.offloaded},
        "stages": [
            {
                "stage": memory.stage,
                "offloaded": memory.offloaded,
                **_gib(memory, ("parameters", "gradients", "optimiser", "activations", "buffers", "total", "host")),
                "fits": memory.fits,
                **_seconds(asked, setting, memory, machine),
            }
            for memory in stages
        ],
        "assumptions": [*prompts.assumptions, *_memory_assumptions(asked), *machine.assumptions()],
    }


def _seconds(asked: _Asked, setting: "TrainingSetting", memory: Any, machine: "Machine") -> dict[str, float]:
    from brainalign.planning.step_time import step_time

    time = step_time(asked.shape, setting, memory, machine, asked.accumulation)
    return {**asdict(time), "step_s": time.total_s}


def _inference(asked: _Asked, prompts: Prompts) -> dict[str, Any]:
    from brainalign.planning.inference_memory import BLOCK_ROWS, spreads

    found = list(spreads(asked.shape, prompts.sizes, asked.dtype, asked.n_gpus, asked.gpu_gib))
    best = next((memory for memory in found if memory.fits), None)
    return {
        **_heading(asked, prompts),
        "smallest": None if best is None else {"n_gpus": best.n_gpus},
        "spreads": [
            {
                "n_gpus": memory.n_gpus,
                **_gib(memory, ("parameters", "stored", "activations", "buffers", "total")),
                "fits": memory.fits,
            }
            for memory in found
        ],
        "assumptions": [
            *prompts.assumptions,
            f"passes of {BLOCK_ROWS} rows; layers are not cut, one copy of the model is spread over the GPUs",
            "a trial takes no step: its time is the study's plan",
        ],
    }


def _heading(asked: _Asked, prompts: Prompts) -> dict[str, Any]:
    return {
        "model": asked.facts.name,
        "kind": asked.kind,
        "dtype": asked.dtype,
        "n_parameters": asked.shape.n_parameters,
        "gpus": {"count": asked.n_gpus, "gib": asked.gpu_gib},
        "prompts": asdict(prompts.sizes),
    }


def _memory_assumptions(asked: _Asked) -> tuple[str, ...]:
    from brainalign.planning.training_memory import BUCKET, CONTEXT_BYTES, FILL, OFFLOADED_STAGES

    keeping = "each layer computed anew in the backward pass" if asked.checkpointing else "all layers' tensors kept"
    stages = ", ".join(str(stage) for stage in OFFLOADED_STAGES)
    return (
        f"a GPU is filled to {FILL:.0%}; CUDA takes {CONTEXT_BYTES / GIB:g} GiB, a bucket {BUCKET:.0e} numbers",
        keeping,
        "AdamW with float32 moments and a float32 copy of what is trained; gradients added in float32",
        f"off-load of stages 1 and 2 is DeepSpeed's, the engine here runs that of stage {stages}",
        "ridge maps and targets stay on the host between steps and are not counted",
    )


def _gib(memory: Any, names: tuple[str, ...]) -> dict[str, float]:
    return {f"{name}_gib": getattr(memory, name) / GIB for name in names}


def _measured(asked: _Asked, prompts: Prompts, found: dict[str, Any]) -> dict[str, Any]:
    from brainalign.finetuning.config import NarfConfig
    from brainalign.finetuning.tensor_bytes import measure_step
    from brainalign.planning.activation_bytes import BYTES, activation_bytes
    from brainalign.planning.training_memory import n_held, n_trained
    from brainalign.zoo import load_model

    if asked.kind == "nari" or not prompts.ids:
        raise InputError(
            "expected a fine-tuning of a model whose prompts are counted by its own tokenizer for --measure, found "
            f"{asked.kind} on {asked.facts.name}: choose narf, narf_label or label on an embedded model"
        )
    step = _step(asked, on_gpu=False)
    config = NarfConfig(
        layers=step.layers,
        lora_rank=asked.lora,
        train_weight=0.0 if asked.kind == "label" else 1.0,
        label_loss_weight=0.0 if asked.kind == "narf" else 1.0,
    )
    model = load_model(asked.facts.name, dtype=asked.dtype)
    real = measure_step(model, config, prompts.ids, checkpointing=asked.checkpointing)
    b = BYTES[asked.dtype]
    trained = n_trained(asked.shape, step)
    planned = {
        "parameters": b * n_held(asked.shape, step),
        "gradients": b * trained,
        "optimiser": 2 * b * trained,
        "activations": activation_bytes(asked.shape, step, prompts.sizes),
    }
    return {
        "what": "one process on this machine, plain AdamW in the weights' type",
        "planned_bytes": planned,
        "measured_bytes": {name: getattr(real, name) for name in planned},
        "resident_bytes": real.resident,
    }


def _print(found: dict[str, Any]) -> None:
    gpus, sizes = found["gpus"], found["prompts"]
    title = f"{found['model']}, {found['kind']}, {found['dtype']}, {gpus['count']} x {gpus['gib']:g} GiB"
    key = "stages" if "stages" in found else "spreads"
    rows = found[key]
    hidden = ("compute_s", "communication_s", "offload_s")
    columns = [name for name in rows[0] if name not in hidden]
    heads = [name.removesuffix("_gib") + (" GiB" if name.endswith("_gib") else "") for name in columns]
    print_table(title, heads, [[_cell(row[name]) for name in columns] for row in rows])
    smallest = found["smallest"]
    notes = [
        (
            "smallest that fits",
            "none" if smallest is None else ", ".join(f"{k} {_cell(v)}" for k, v in smallest.items()),
        ),
        ("a pass", f"{sizes['n_prompts']} prompts, {sizes['n_tokens']} tokens, the longest {sizes['longest']}"),
        *(("trained", f"{found['n_trained']:,} numbers"), ("batch", found["batch_size"])) * ("n_trained" in found),
        *(("assumed", text) for text in found["assumptions"]),
    ]
    print_table("", ("what", "value"), notes)
    if "measured" in found:
        measured = found["measured"]
        planned, real = measured["planned_bytes"], measured["measured_bytes"]
        table = [[name, planned[name], real[name], planned[name] / real[name]] for name in planned]
        print_table(f"Measured: {measured['what']}", ("bytes of", "planned", "measured", "ratio"), table)
        print_table("", ("what", "bytes"), [("resident memory of the process", measured["resident_bytes"])])


def _cell(value: Any) -> Any:
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else value
