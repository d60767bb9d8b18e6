"""Trained weights in files that others read: adapters as peft saves them, weights trained in full by their names."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from brainalign.artifacts.files import write_bytes
from brainalign.finetuning.config import NarfConfig

if TYPE_CHECKING:
    from torch import Tensor

    from brainalign.zoo import LanguageModel

ADAPTER_FILE, WEIGHTS_FILE = "adapter_model.safetensors", "weights.safetensors"
_LORA, _NAMED = ".lora_", ".default."


def save_adapter(
    weights: "Mapping[str, Tensor]", model: "LanguageModel", config: NarfConfig, folder: Path, about: Mapping[str, str]
) -> Path:
    """Write trained weights so that they can be used without this package.

    Adapters are read back by ``peft.PeftModel.from_pretrained(base, folder)``.

    Parameters
    ----------
    weights : mapping of str to Tensor
        By the parameter's name in the module while it is trained, as checkpoints hold them.
    model : LanguageModel
        Their base.
    config : NarfConfig
        Which parameters were trained.
    folder : Path
        Made where it is not there.
    about : mapping of str to str
        Where they come from; kept in the file's metadata.

    Returns
    -------
    Path
        The file of weights.

    Raises
    ------
    StudyError
        It cannot be written.
    """
    from safetensors.torch import save

    is_adapter = config.lora_rank is not None
    path = folder / (ADAPTER_FILE if is_adapter else WEIGHTS_FILE)
    named = {_public_name(name) if is_adapter else name: value.contiguous() for name, value in weights.items()}
    content = save(named, metadata={"format": "pt", **about})
    write_bytes(path, content)
    if config.lora_rank is not None:
        from peft import LoraConfig

        alpha = 2 * config.lora_rank if config.lora_alpha is None else config.lora_alpha
        LoraConfig(
            r=config.lora_rank,
            lora_alpha=alpha,
            target_modules=sorted({name.split(_LORA)[0] for name in weights}),
            base_model_name_or_path=model.facts.hub_id or model.facts.name,
            task_type="CAUSAL_LM",
            inference_mode=True,
        ).save_pretrained(str(folder))
    return path


def _public_name(name: str) -> str:
    """Spell a parameter's name as peft saves it: under its own wrapping, without the name of the adapter."""
    return f"base_model.model.{name.replace(_NAMED, '.')}"
