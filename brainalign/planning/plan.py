"""What a study costs before it starts: trials, hours, wall time on a cluster, disk and money, each with an interval."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Literal

from brainalign.planning.caps import Spent
from brainalign.planning.costs import OVERHEAD_S, CostModel, device_s
from brainalign.planning.devices import CPU_CORE, FASTEST, UNMEASURED
from brainalign.planning.draws import drawn_settings
from brainalign.planning.estimate import Estimate, exactly, total
from brainalign.planning.packing import MOST_SHARING, Cluster, demand
from brainalign.planning.prices import Prices
from brainalign.planning.simulation import Chain, Schedule, amount, simulate
from brainalign.study import Branch, Study, branches, n_awaited
from brainalign.trials import Ask, DataSize, Resources, trial_kind
from brainalign.zoo import model_facts

GIB = float(1 << 30)
_HOUR_S = 3600.0
_DISK_DOUBT = 2.0
# A trial's row, its entry in Optuna's journal and its run in MLflow, measured on studies of this platform.
_MIRROR_BYTES = 60_000
START_S = 3.0
"""What a run takes at least before its first trial and after its last, s."""
_N_DRAWN = 16
End = Literal["value", "low", "high"]


@dataclass(frozen=True)
class BranchPlan:
    """What a branch will cost.

    ``seconds`` are the times of its trials by number, the ``n_reports`` readings on the report part last.
    """

    branch: Branch
    needs: Resources
    seconds: tuple[Estimate, ...]
    kept_bytes: float
    waits: tuple[int, ...]
    n_reports: int
    origin: str

    @property
    def total_s(self) -> Estimate:
        """Time of all its trials, one after another."""
        return total(self.seconds, self.origin)

    def chain(self, end: End) -> Chain:
        """Say the same to a schedule, at one end of the interval."""
        times = [getattr(estimate, end) for estimate in self.seconds]
        report_s = times[-1] if self.n_reports else None
        trials = times[: len(times) - self.n_reports]
        return Chain(self.branch, self.needs, trials, self.waits, report_s, n_reports=self.n_reports)


@dataclass(frozen=True)
class Plan:
    """A study's costs.

    Attributes
    ----------
    n_trials, gpu_hours, cpu_hours, wall_s, disk_gib, price : Estimate
    schedule : Schedule
        The simulation behind ``wall_s``.
    parts : tuple of BranchPlan
    """

    n_trials: Estimate
    gpu_hours: Estimate
    cpu_hours: Estimate
    wall_s: Estimate
    disk_gib: Estimate
    price: Estimate
    schedule: Schedule
    parts: tuple[BranchPlan, ...]

    def to_json(self) -> dict[str, Any]:
        """Return every figure with its interval, where it comes from, and what the schedule is worth."""
        names = ("n_trials", "gpu_hours", "cpu_hours", "wall_s", "disk_gib", "price")
        figures = {name: getattr(self, name).to_json() for name in names}
        shares = self.schedule
        return {
            **figures,
            "lower_bound_s": shares.lower_bound_s,
            "busy": shares.busy,
            "model_loads": shares.loads,
            "origins": {name: getattr(self, name).origin for name in names if getattr(self, name).origin},
            "models": self._by_model(),
        }

    def _by_model(self) -> list[dict[str, Any]]:
        groups: dict[tuple[str, str], list[BranchPlan]] = {}
        for part in self.parts:
            groups.setdefault((part.branch.model, part.branch.kind), []).append(part)
        return [_group(*names, parts) for names, parts in groups.items()]


def _group(model: str, kind: str, parts: Sequence[BranchPlan]) -> dict[str, Any]:
    n_trials, needs = sum(len(part.seconds) for part in parts), parts[0].needs
    return {
        "model": model,
        "kind": kind,
        "n_arms": len(parts),
        "n_trials": n_trials,
        "gpus": needs.gpus * needs.n_nodes,
        "trial_s": total(part.total_s for part in parts).times(1 / max(n_trials, 1)).to_json(),
        "origin": "; ".join(dict.fromkeys(part.origin for part in parts)),
    }


def plan_branches(study: Study, costs: CostModel) -> list[BranchPlan]:
    """Cost the trials of every branch of a study."""
    return [_plan_branch(study, branch, costs) for branch in branches(study)]


def _plan_branch(study: Study, branch: Branch, costs: CostModel) -> BranchPlan:
    kind, facts = trial_kind(branch.kind), model_facts(branch.model)
    settings = list(drawn_settings(study, branch))
    seconds = [costs.seconds(branch, setting) for setting in settings]
    kept = sum(costs.work(branch, setting).kept_bytes for setting in settings)
    n_reports = study.budget.repeats if kind.selects else 0
    if n_reports:
        seconds += n_reports * [costs.seconds(branch, settings[-1], "report")]
        kept += n_reports * costs.work(branch, settings[-1], "report").kept_bytes
    needs = demand(kind.resources(facts), costs.cluster)
    waits = tuple(n_awaited(study, branch.kind, number) for number in range(len(settings)))
    kept += len(seconds) * _MIRROR_BYTES
    return BranchPlan(branch, needs, tuple(seconds), kept, waits, n_reports, costs.origin(branch))


def make_plan(study: Study, costs: CostModel, prices: Prices) -> Plan:
    """Price a study on a cluster.

    What early stopping saves, and that carried settings wait for the smallest model, is not foreseen.

    Raises
    ------
    ClusterError
        The cluster has no room for one of the trials.
    """
    parts, cluster = plan_branches(study, costs), costs.cluster
    loads = {model: costs.load_s(model_facts(model)) for model in study.models}
    schedule = simulate([part.chain("value") for part in parts], cluster, loads)
    hours = {
        what: total(part.total_s.times(_busy(part, what) / _HOUR_S) for part in parts) for what in ("gpus", "cpus")
    }
    n_trials = sum(len(part.seconds) for part in parts)
    disk = _disk(study, parts, costs)
    origin = "; ".join(dict.fromkeys(part.origin for part in parts[:3])) + ("; …" if len(parts) > 3 else "")
    return Plan(
        n_trials=exactly(n_trials, "the study file"),
        gpu_hours=_named(hours["gpus"], origin),
        cpu_hours=_named(hours["cpus"], origin),
        wall_s=_wall(parts, schedule, cluster),
        disk_gib=disk,
        price=_price(hours, disk, cluster, prices),
        schedule=schedule,
        parts=tuple(parts),
    )


def cheapest_trial(study: Study, data: DataSize) -> Spent:
    """Least that one trial of a study takes, on the fastest GPU that is known, which it shares, or on a core."""
    found = []
    for branch in branches(study):
        facts = model_facts(branch.model)
        for setting in islice(drawn_settings(study, branch), _N_DRAWN):
            work = trial_kind(branch.kind).work(Ask(setting, branch.arm, "selection", 0), facts, data)
            on_gpu, on_cpu = (OVERHEAD_S + device_s(work, facts, device) for device in (FASTEST, CPU_CORE))
            found.append((on_gpu, on_cpu, work.kept_bytes + _MIRROR_BYTES))
    on_gpu, on_cpu, kept = (min(column) for column in zip(*found, strict=True))
    share = 1 / MOST_SHARING / _HOUR_S
    return Spent(1, on_gpu * share, on_cpu / _HOUR_S / UNMEASURED, START_S + min(on_gpu, on_cpu), kept / GIB)


def _wall(parts: Sequence[BranchPlan], schedule: Schedule, cluster: Cluster) -> Estimate:
    """Stretch the simulated makespan as far as the times of all trials together may be off."""
    times = total(part.total_s.times(amount(part.needs, cluster) or part.needs.cpus) for part in parts)
    low, high = (end / times.value if times.value else 1.0 for end in (times.low, times.high))
    span = schedule.makespan_s
    return Estimate(span, span * low, span * high, f"simulated on {describe(cluster)}")


def _named(estimate: Estimate, origin: str) -> Estimate:
    return Estimate(estimate.value, estimate.low, estimate.high, origin)


def _busy(part: BranchPlan, what: str) -> float:
    return float(getattr(part.needs, what)) * part.needs.n_nodes


def _disk(study: Study, parts: Iterable[BranchPlan], costs: CostModel) -> Estimate:
    """Count what results, stages and mirrors take, and each model's states on all problems."""
    n_problems = sum(costs.data.n_problems.values())
    states = sum(
        2 * facts.n_layers * facts.hidden_size * n_problems * 4
        for facts in (model_facts(name) for name in study.models)
    )
    gib = (states + sum(part.kept_bytes for part in parts)) / GIB
    return Estimate(gib, gib / _DISK_DOUBT, gib * _DISK_DOUBT, "counted from what each kind keeps")


def _price(hours: Mapping[str, Estimate], disk: Estimate, cluster: Cluster, prices: Prices) -> Estimate:
    computing = hours["gpus"].times(prices.gpu_hour) if cluster.n_gpus else hours["cpus"].times(prices.cpu_hour)
    return total((computing, disk.times(prices.gib_month)), str(prices))


def describe(cluster: Cluster) -> str:
    """Say in words what a cluster has."""
    gpus = f"{cluster.n_gpus} GPUs of {cluster.gpu_memory_gib:g} GiB" if cluster.n_gpus else "no GPU"
    return f"{len(cluster.nodes)} nodes, {cluster.n_cpus:g} cores, {gpus}"
