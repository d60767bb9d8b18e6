"""Sections of a study file that say what it stands on, with how much, and how it is run."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from brainalign.betas import DatasetName


class Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class SimulatorSection(Section):
    """The simulator's truth, where the study stands on simulated betas."""

    n_subjects: Annotated[int, Field(ge=1)] = 10
    n_problems_per_type: Annotated[int, Field(ge=10)] = 35
    noise_ceiling: Annotated[float, Field(gt=0, le=1)] = 0.5
    subject_spread: Annotated[float, Field(ge=0)] = 0.1
    planted_effect: bool = False
    seed: int = 0


class BetasSection(Section):
    """Which betas: ``auto`` takes the real ones where they are found, else says loudly that they are simulated."""

    dataset: DatasetName = "deductive"
    source: Literal["auto", "release", "simulated"] = "auto"
    subjects: Annotated[int, Field(ge=1)] | tuple[str, ...] | None = None
    simulator: SimulatorSection = SimulatorSection()


class ProblemsSection(Section):
    """How the problems are split into a part that searches see and a part that winners are reported on."""

    selection_share: Annotated[float, Field(gt=0, lt=1)] = 0.5
    seed: int = 0


class SeedsSection(Section):
    """Seeds of the search (which settings are tried) and of the execution (which draws the controls make)."""

    search: int = 0
    replicate: Annotated[int, Field(ge=0)] = 0


class BudgetSection(Section):
    """Trials an arm, readings of its winner, and hard caps on what all trials together may take.

    ``repeats`` is how often each arm's winner is run on the report part, each time with a replicate seed of its own. A
    cap ends a run at a consistent point. Neither is part of the study's identity: they may be changed at any time.
    """

    trials: Annotated[int, Field(ge=1)] = 20
    repeats: Annotated[int, Field(ge=1)] = 1
    max_trials: Annotated[int, Field(ge=1)] | None = None
    max_gpu_hours: Annotated[float, Field(gt=0)] | None = None
    max_cpu_hours: Annotated[float, Field(gt=0)] | None = None
    max_wall_s: Annotated[float, Field(gt=0)] | None = None
    max_disk_gib: Annotated[float, Field(gt=0)] | None = None


class ExecutionSection(Section):
    """How it is run. Nothing here changes a result, so nothing here is part of the study's identity.

    ``workers`` is the most trials at once, ``worker_failures`` how often a trial is tried again elsewhere when its
    worker or node is lost, ``trial_timeout_s`` after how long a silent worker counts as lost (by default ten times
    what a trial is expected to take, at least ten minutes), ``ahead`` how many trials are asked for beyond the room
    that there is, so that a cluster which grows on demand does, ``weights_gib`` how much room trained weights may take:
    beyond it those of dominated trials are deleted, never an arm's best.
    """

    workers: Annotated[int, Field(ge=1)] | None = None
    worker_failures: Annotated[int, Field(ge=0)] = 2
    trial_timeout_s: Annotated[float, Field(gt=0)] | None = None
    ahead: Annotated[int, Field(ge=0)] = 0
    weights_gib: Annotated[float, Field(gt=0)] | None = None


class LoadingSection(Section):
    """How models are held; part of what the study finds, so of its identity and of every result's key.

    Without a ``dtype`` each model has its own.
    """

    dtype: Literal["float32", "bfloat16", "float16"] | None = None
    quantisation: Literal["none", "fp8", "nf4"] = "none"
