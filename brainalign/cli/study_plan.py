"""`brainalign study plan`: what a study will cost, before it starts."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from brainalign.cli.options import DEFAULT_STORE, BetasOption, JsonOption, StoreOption, open_store
from brainalign.cli.output import console, print_json, print_table, say_source

if TYPE_CHECKING:
    from brainalign.planning import Cluster, Plan

_FIGURES = {
    "n_trials": "trials",
    "gpu_hours": "GPU-hours",
    "cpu_hours": "core-hours",
    "wall_s": "wall time, s",
    "disk_gib": "disk, GiB",
    "price": "price",
}
_CPUS_A_GPU = 8
_CPUS_WITHOUT_GPU = 16


def plan(
    source: Annotated[str, typer.Argument(help="A study file, or the name of one that the package brings.")],
    store: StoreOption = DEFAULT_STORE,
    betas: BetasOption = None,
    nodes: Annotated[int | None, typer.Option("--nodes", min=1, help="Nodes of the cluster; 1 if left out.")] = None,
    gpus_per_node: Annotated[int | None, typer.Option("--gpus-per-node", min=0, help="GPUs of each node.")] = None,
    gpu_memory_gib: Annotated[float | None, typer.Option("--gpu-memory-gib", min=1, help="Memory of a GPU.")] = None,
    cpus_per_node: Annotated[
        int | None, typer.Option("--cpus-per-node", min=1, help="Cores; 8 a GPU if left out.")
    ] = None,
    here: Annotated[bool, typer.Option("--here", help="Plan for this machine, also where nodes are left out.")] = False,
    prices: Annotated[
        Path | None, typer.Option("--prices", help="A price table: gpu_hour, cpu_hour, gib_month.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Say what a study will cost: trials, hours, wall time on a cluster, disk and money, each with an interval.

    Times come from finished trials of the store where it has any like them, else from what each trial computes.

    Example: brainalign study plan studies/quickstart.yaml --nodes 1 --gpus-per-node 8 --gpu-memory-gib 80
    """
    from brainalign.errors import InputError
    from brainalign.planning import Prices, make_plan, plan_window_cost, read_prices
    from brainalign.planning.plan import cheapest_trial
    from brainalign.search.budget import study_caps
    from brainalign.search.preparation import data_size, prepare
    from brainalign.search.slots import cost_model
    from brainalign.study import load_study
    from brainalign.zoo import model_facts

    sizes = (nodes, gpus_per_node, gpu_memory_gib, cpus_per_node)
    if here and any(size is not None for size in sizes):
        raise InputError("expected --here or the size of a cluster, found both: leave one out")
    if gpus_per_node and gpu_memory_gib is None:
        raise InputError("expected --gpu-memory-gib beside --gpus-per-node, found none: say what a GPU holds")
    table = read_prices(prices) if prices else Prices()
    study, where = load_study(source), open_store(store)
    cluster = _this_machine() if all(size is None for size in sizes) else _cluster(*sizes)
    ready = prepare(study, where, betas)
    size = data_size(ready.dataset, ready.split)
    costs = cost_model(where, study, cluster, size)
    study_caps(study).check(cheapest_trial(study, size))
    found = make_plan(study, costs, table)
    window = plan_window_cost(found, cluster, {model: costs.load_s(model_facts(model)) for model in study.models})
    data = ready.dataset.source
    if json:
        told = {**found.to_json(), "window": window.to_json()}
        print_json({"name": study.name, "data": data.kind, "cluster": _words(cluster), **told})
        return
    say_source(data.kind, data.description)
    _show(study.name, found, cluster)
    console.print(
        f"repeating exactly makes it {window.ratio:.3f} times as long as using every result at once", soft_wrap=True
    )


def _cluster(nodes: int | None, gpus: int | None, gpu_memory_gib: float | None, cpus: int | None) -> "Cluster":
    from brainalign.planning import uniform_cluster

    cores = cpus or (_CPUS_A_GPU * gpus if gpus else _CPUS_WITHOUT_GPU)
    return uniform_cluster(nodes or 1, gpus or 0, gpu_memory_gib or 0.0, cores)


def _this_machine() -> "Cluster":
    """Cores and memory of this machine, and its GPUs where torch sees any."""
    import os

    import torch

    from brainalign.planning import Cluster, Node

    gib = float(1 << 30)
    n_gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
    memory = min((torch.cuda.get_device_properties(i).total_memory for i in range(n_gpus)), default=0) / gib
    n_cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    host_gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / gib
    return Cluster((Node(n_cpus, n_gpus, host_gib),), memory)


def _words(cluster: "Cluster") -> str:
    from brainalign.planning import describe

    return describe(cluster)


def _spell(figure: float) -> str:
    return f"{figure:,.0f}" if figure >= 1000 or figure == int(figure) else f"{figure:.3g}"


def _show(name: str, found: "Plan", cluster: "Cluster") -> None:
    facts: dict[str, Any] = found.to_json()
    rows = [(words, *(_spell(facts[key][end]) for end in ("value", "low", "high"))) for key, words in _FIGURES.items()]
    print_table(f"{name} on {_words(cluster)}", ("what", "expected", "low", "high"), rows)
    models = [
        (
            part["model"], part["kind"], part["n_arms"], part["n_trials"], f"{part['gpus']:.3g}",
            f"{part['trial_s']['value']:.3g}", part["origin"],
        )
        for part in facts["models"]
    ]  # fmt: skip
    print_table("by model and kind", ("model", "kind", "arms", "trials", "GPUs", "s a trial", "from"), models)
    ratio = found.schedule.makespan_s / found.schedule.lower_bound_s if found.schedule.lower_bound_s else 1.0
    console.print(
        f"no schedule is shorter than {found.schedule.lower_bound_s:.4g} s; this one is {ratio:.3f} times as long and "
        f"loads models {found.schedule.loads} times",
        soft_wrap=True,
    )
    console.print(f"prices: {found.price.origin}", soft_wrap=True)
