"""The record of a nano model's training."""

from dataclasses import asdict

from brainalign.zoo.nano.sizes import Size
from brainalign.zoo.nano.training import VERSION, Plan, Run
from brainalign.zoo.training_record import TrainingRecord


def record_run(size: Size, plan: Plan, seed: int, run: Run) -> TrainingRecord:
    """Record a finished run."""
    n_questions = run.n_chats * plan.n_asked
    seconds = round(run.seconds, 1)
    return TrainingRecord(size.name, size.n_parameters, run.n_chats, n_questions, seed, seconds, VERSION, asdict(plan))
