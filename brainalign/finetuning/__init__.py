"""Brain-guided fine-tuning (NARF): losses, parameters, the training loop on DeepSpeed, checkpoints."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from brainalign.finetuning.config import NarfConfig
from brainalign.finetuning.disk_budget import KeptWeights, choose_deletions, keep_within, measure_weights
from brainalign.finetuning.record import Step, TrainingRecord, Validation
from brainalign.finetuning.training_config import Execution, TrainingConfig

if TYPE_CHECKING:
    from brainalign.finetuning.adapters import save_adapter
    from brainalign.finetuning.checkpoints import Checkpoints
    from brainalign.finetuning.diagnostics import Gradients, gradients
    from brainalign.finetuning.distributed import trained
    from brainalign.finetuning.examples import TrainingSet, generate_training_problems
    from brainalign.finetuning.forward import checkpointed
    from brainalign.finetuning.guidance import guidance_inputs
    from brainalign.finetuning.narf import NarfObjective, build_objective
    from brainalign.finetuning.objective import Losses, Objective
    from brainalign.finetuning.outcomes import tuning_outcomes
    from brainalign.finetuning.parameters import Trainable, hash_weights, trainable
    from brainalign.finetuning.training import Training, Validator, train, trained_parameters
    from brainalign.finetuning.validation import OrderValidator

_HOMES = {
    "Checkpoints": "checkpoints",
    "Gradients": "diagnostics",
    "Losses": "objective",
    "NarfObjective": "narf",
    "Objective": "objective",
    "OrderValidator": "validation",
    "Trainable": "parameters",
    "Training": "training",
    "TrainingSet": "examples",
    "Validator": "training",
    "build_objective": "narf",
    "checkpointed": "forward",
    "generate_training_problems": "examples",
    "gradients": "diagnostics",
    "guidance_inputs": "guidance",
    "hash_weights": "parameters",
    "save_adapter": "adapters",
    "train": "training",
    "trainable": "parameters",
    "trained": "distributed",
    "trained_parameters": "training",
    "tuning_outcomes": "outcomes",
}

__all__ = [
    "Checkpoints",
    "Execution",
    "Gradients",
    "KeptWeights",
    "Losses",
    "NarfConfig",
    "NarfObjective",
    "Objective",
    "OrderValidator",
    "Step",
    "Trainable",
    "Training",
    "TrainingConfig",
    "TrainingRecord",
    "TrainingSet",
    "Validation",
    "Validator",
    "build_objective",
    "checkpointed",
    "choose_deletions",
    "generate_training_problems",
    "gradients",
    "guidance_inputs",
    "hash_weights",
    "keep_within",
    "measure_weights",
    "save_adapter",
    "train",
    "trainable",
    "trained",
    "trained_parameters",
    "tuning_outcomes",
]


def __getattr__(name: str) -> Any:
    """Load what needs torch at its first use, so that reading a study's settings stays cheap."""
    if name not in _HOMES:
        raise AttributeError(f"module 'brainalign.finetuning' has no attribute {name!r}; it has {', '.join(__all__)}")
    return getattr(import_module(f"brainalign.finetuning.{_HOMES[name]}"), name)
