"""DeepSpeed's settings: files of ``cluster/deepspeed``, one a ZeRO stage, whose ``"auto"`` are filled in."""

import json
from importlib.resources import files
from typing import Any

from brainalign.errors import InputError
from brainalign.finetuning.training_config import Execution, TrainingConfig

AUTO = "auto"


def deepspeed_settings(
    config: TrainingConfig, execution: Execution, *, n_examples: int, has_bf16: bool, has_gpu: bool
) -> dict[str, Any]:
    """Read the file of a ZeRO stage and fill in what a training says.

    Batches are cut by the training itself, so DeepSpeed's own batch sizes stay at one.

    Raises
    ------
    InputError
        A value is still ``"auto"``: the file asks for what a training does not say.
    """
    name = f"zero{execution.zero_stage}{'_offload' if execution.offload else ''}.json"
    text = files("brainalign.finetuning").joinpath("deepspeed", name).read_text(encoding="utf-8")
    settings: dict[str, Any] = json.loads(text)
    settings["gradient_clipping"] = config.clip
    settings["bf16"]["enabled"] = has_bf16
    settings["optimizer"]["params"] |= {"lr": config.learning_rate, "weight_decay": config.weight_decay}
    if not has_bf16:
        settings.pop("data_types", None)  # float32 throughout: DeepSpeed knows no other type to add gradients in
    if execution.offload:
        for part in ("offload_optimizer", "offload_param"):
            settings["zero_optimization"][part]["pin_memory"] = has_gpu  # only copies to a GPU gain by it
    if config.schedule == "constant":
        del settings["scheduler"]
    else:
        settings["scheduler"]["params"] |= {
            # Two more than there are, so that the last step's rate is still above the final one.
            "total_num_steps": config.n_steps(n_examples) + 2,
            "warmup_num_steps": config.n_warmup_steps(n_examples),
            "cos_min_ratio": config.final_rate,
        }
    left = _places_of_auto(settings)
    if left:
        raise InputError(f"expected no 'auto' left in {name}, found it at {', '.join(left)}: give values there")
    return settings


def _places_of_auto(value: Any, place: str = "") -> list[str]:
    if isinstance(value, dict):
        return [found for name, part in value.items() for found in _places_of_auto(part, f"{place}/{name}")]
    return [place] if value == AUTO else []
