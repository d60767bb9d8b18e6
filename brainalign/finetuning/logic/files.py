"""The files of a trained adapter: its factors as peft reads them, and the record of its training."""

from dataclasses import asdict
from pathlib import Path

from brainalign.finetuning.adapters import save_adapter
from brainalign.finetuning.logic.plan import NAME, STRENGTH, VERSION, Plan
from brainalign.finetuning.logic.training import Adapter, adapter_config
from brainalign.zoo import LanguageModel
from brainalign.zoo.training_record import TrainingRecord, write_record


def write_adapter(found: Adapter, model: LanguageModel, plan: Plan, seed: int, folder: Path) -> TrainingRecord:
    """Write an adapter at its strength, in bfloat16, and its record.

    Raises
    ------
    StudyError
        They cannot be written.
    """
    scales = {name: STRENGTH if ".lora_B." in name else 1.0 for name in found.weights}
    weights = {name: (scales[name] * value).bfloat16() for name, value in found.weights.items()}
    save_adapter(weights, model, adapter_config(plan, model.n_layers), folder, {"model": NAME})
    n_questions = len(found.record.steps) * plan.n_asked
    record = TrainingRecord(
        name=NAME,
        n_parameters=sum(value.numel() for value in weights.values()),
        n_chats=n_questions,
        n_questions=n_questions,
        seed=seed,
        seconds=round(found.seconds, 1),
        version=VERSION,
        plan={**asdict(plan), "strength": STRENGTH},
    )
    write_record(record, folder)
    return record
