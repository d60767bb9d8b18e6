"""What a trial costs: measured where the store has finished ones like it, else modelled from what it computes."""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from brainalign.artifacts import Part, TrialRow
from brainalign.planning.devices import CPU_CORE, REFERENCE, UNMEASURED, Device, gpu
from brainalign.planning.estimate import Estimate
from brainalign.planning.packing import Cluster, demand
from brainalign.study import Branch
from brainalign.trials import Ask, DataSize, Work, trial_kind
from brainalign.zoo import ModelFacts, model_facts

OVERHEAD_S = 0.3
"""What a trial costs beside its own work: reading and writing files, the way through the driver."""
CPU_NAME = "cpu"
_LEVEL = 0.95
_TRIMMED = 0.1
_OTHER_MODEL = 2.0
_OTHER_ARM = 1.5
_BYTES = {"float32": 4, "bfloat16": 2, "float16": 2}


START_S = 3.0
"""From asking Ray for a worker until its process has imported torch and transformers, measured on two cores, s."""


@dataclass(frozen=True)
class Calibration:
    """How much longer trials took than modelled: a robust mean of ratios with its interval, and from what."""

    ratio: float
    low: float
    high: float
    origin: str

    def applied(self, seconds: float) -> Estimate:
        """Correct a modelled time."""
        return Estimate(seconds * self.ratio, seconds * self.low, seconds * self.high, self.origin)


def robust_ratio(ratios: Iterable[float], spread: float, origin: str) -> Calibration:
    """Mean of ratios on the log scale, the most extreme tenth at each end left out, with Student's interval.

    Parameters
    ----------
    ratios : iterable of float
        Measured over modelled times, above 0.
    spread : float
        Factor by which the interval is widened where the ratios come from trials of another sort; 1 for none.
    origin : str
        In words, for people.
    """
    from scipy import stats  # slow to load, and not needed where nothing is measured

    logs = np.log(np.asarray(list(ratios), dtype=np.float64))
    centre = float(stats.trim_mean(logs, _TRIMMED))
    if len(logs) == 1:
        half = math.log(2.0)
    else:
        half = float(stats.t.ppf((1 + _LEVEL) / 2, len(logs) - 1) * logs.std(ddof=1) * math.sqrt(1 / len(logs)))
    half += math.log(spread)
    return Calibration(math.exp(centre), math.exp(centre - half), math.exp(centre + half), origin)


@dataclass
class CostModel:
    """Times of trials on one kind of device.

    Parameters
    ----------
    cluster : Cluster
        Where they run.
    data : DataSize
        What they work on.
    rows : iterable of TrialRow
        Finished trials of any study; those that found their result, failed, or ran on another kind of device (CPU or
        GPU) say nothing and are left out.
    """

    cluster: Cluster
    data: DataSize
    rows: Iterable[TrialRow] = ()
    _known: dict[tuple[str, str, str], Calibration] = field(default_factory=dict)

    def seconds(self, branch: Branch, setting: Mapping[str, Any], part: Part = "selection") -> Estimate:
        """Time of a trial on a slot that has its model loaded, s."""
        return self._calibration(branch).applied(self.modelled_s(branch, setting, part))

    def work(self, branch: Branch, setting: Mapping[str, Any], part: Part = "selection") -> Work:
        """Count what the trial computes and keeps."""
        ask = Ask(setting, branch.arm, part, 0)
        return trial_kind(branch.kind).work(ask, model_facts(branch.model), self.data)

    def modelled_s(self, branch: Branch, setting: Mapping[str, Any], part: Part) -> float:
        """Time that the work takes on the stated device, s.

        A model that is split over several GPUs goes through them one after another, so they count as one; trials that
        share a GPU get their share of it.
        """
        model, device = model_facts(branch.model), self.device(branch)
        gpus = demand(trial_kind(branch.kind).resources(model), self.cluster).gpus
        share = min(gpus, 1.0) or 1.0
        return OVERHEAD_S + device_s(self.work(branch, setting, part), model, device, share)

    def load_s(self, model: ModelFacts) -> float:
        """Time to start a worker's process, load a model into it and prefill the prompts of all problems, s."""
        device = gpu(self.cluster.gpu_memory_gib) if self.cluster.n_gpus else CPU_CORE
        weights = _weight_bytes(model)
        n_tokens = sum(self.data.n_problems.values()) * self.data.n_prompt_tokens
        prefill = 2 * model.n_parameters * n_tokens / device.flops
        return START_S + weights / device.load_bytes_per_s + prefill

    def device(self, branch: Branch) -> Device:
        """Return the device that a trial computes on."""
        on_gpu = self.cluster.n_gpus and trial_kind(branch.kind).resources(model_facts(branch.model)).device_memory_gib
        return gpu(self.cluster.gpu_memory_gib) if on_gpu else CPU_CORE

    def origin(self, branch: Branch) -> str:
        """Where the times of a branch come from, in words."""
        return self._calibration(branch).origin

    def _calibration(self, branch: Branch) -> Calibration:
        key = (branch.model, branch.kind, branch.arm)
        if key not in self._known:
            self._known[key] = self._calibrate(branch)
        return self._known[key]

    def _calibrate(self, branch: Branch) -> Calibration:
        """Prefer the same branch, then the same kind and model, then the same kind, then the stated speed."""
        exact = self._ratios.get((branch.kind, branch.model, branch.arm))
        if exact:
            return robust_ratio(exact, 1.0, f"measured on {len(exact)} trials")
        for key, spread, words in (
            ((branch.kind, branch.model), _OTHER_ARM, "other arms"),
            ((branch.kind, "", branch.arm), _OTHER_MODEL, "other models, scaled by the work"),
        ):
            near = self._ratios.get(key)
            if near:
                return robust_ratio(near, spread, f"measured on {len(near)} trials of {words}")
        device = self.device(branch)
        return Calibration(1.0, 1 / UNMEASURED, UNMEASURED, f"modelled: {device.flops / 1e12:g} TFLOP/s {device.name}")

    @cached_property
    def _ratios(self) -> dict[tuple[str, ...], list[float]]:
        """Measured over modelled times of the rows that say something, under each key that they may serve."""
        found: dict[tuple[str, ...], list[float]] = defaultdict(list)
        for row in self.rows:
            branch = Branch(row.model, row.kind, row.arm)
            if row.state != "COMPLETE" or row.reused or row.seconds <= 0 or not self._same_device(row, branch):
                continue
            try:
                ratio = row.seconds / self.modelled_s(branch, row.setting, row.part)
            except (KeyError, ValueError, TypeError):
                continue  # of an older version of the kind, whose settings had other names
            for key in ((row.kind, row.model, row.arm), (row.kind, row.model), (row.kind, "", row.arm)):
                found[key].append(ratio)
        return found

    def _same_device(self, row: TrialRow, branch: Branch) -> bool:
        return (row.device == CPU_NAME) == (self.device(branch) is CPU_CORE)


def reference_s(kind: str, ask: Ask, model: ModelFacts, data: DataSize) -> float:
    """Time that a trial's work takes on the reference GPU, s: a function of its setting, on no clock and no cluster.

    Neither patience nor early stopping is foreseen.
    """
    return device_s(trial_kind(kind).work(ask, model, data), model, REFERENCE)


def device_s(work: Work, model: ModelFacts, device: Device, share: float = 1.0) -> float:
    """Time of work on a share of a device: products or reading weights, what takes longer, and starting layers."""
    weights = _weight_bytes(model)
    slower = _BYTES[_dtype(model)] / 2 if device is not CPU_CORE else 1.0
    compute = work.flops * slower / device.flops
    return (
        max(compute, work.passes * weights / device.bytes_per_s) / share
        + work.passes * model.n_layers * device.launch_s
    )


def _dtype(model: ModelFacts) -> str:
    return str(getattr(model, "dtype", "float32"))


def _weight_bytes(model: ModelFacts) -> float:
    return model.n_parameters * float(_BYTES[_dtype(model)])
