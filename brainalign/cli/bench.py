"""`brainalign bench`: speed and memory against named peers, as ratios in one run."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from brainalign.cli.options import (
    BetasOption,
    JsonOption,
    ModelOption,
    SimulateOption,
    SubjectsOption,
    open_dataset,
)
from brainalign.cli.output import print_json, print_table

if TYPE_CHECKING:
    from brainalign.zoo import LanguageModel

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help="Measure speed against named peers, as ratios in one run.\n\nExample: brainalign bench encoding",
)

SmokeOption = Annotated[bool, typer.Option("--smoke", help="A small size that ends within a minute.")]


@app.command()
def extraction(
    model: ModelOption = "smollm2-135m",
    betas: BetasOption = None,
    simulate: SimulateOption = False,
    smoke: SmokeOption = False,
    json: JsonOption = False,
) -> None:
    """Extract all states, against one prompt after another through transformers.

    Example: brainalign bench extraction --smoke
    """
    from brainalign.activations.benchmark import benchmark_extraction
    from brainalign.zoo import load_model

    dataset = open_dataset(betas, simulate, None)
    problems = dataset.problems.subset(dataset.problems.ids[::7]) if smoke else dataset.problems
    _show("Extraction", asdict(benchmark_extraction(load_model(model), problems, dataset.wording)), json)


@app.command()
def encoding(
    model: ModelOption = "smollm2-135m",
    betas: BetasOption = None,
    simulate: SimulateOption = False,
    subjects: SubjectsOption = None,
    smoke: SmokeOption = False,
    json: JsonOption = False,
) -> None:
    """Measure predictivity, against scikit-learn's RidgeCV looped over subjects, layers and folds.

    Example: brainalign bench encoding --smoke
    """
    from brainalign.activations import extract
    from brainalign.encoding.benchmark import benchmark_encoding
    from brainalign.zoo import load_model

    dataset = open_dataset(betas, simulate, subjects)
    states = extract(load_model(model), dataset.problems, dataset.wording).select(dataset.betas.stimulus_ids)
    types = dataset.problems.subset(dataset.betas.stimulus_ids).types
    arrays = states.values.reshape(-1, *states.values.shape[2:])
    found = benchmark_encoding(
        arrays, dict(dataset.betas.values["deductive_reasoning"]), types, n_pairs=12 if smoke else 60
    )
    _show("Predictivity", asdict(found), json)


@app.command()
def steering(
    model: ModelOption = "smollm2-135m",
    betas: BetasOption = None,
    simulate: SimulateOption = False,
    subjects: SubjectsOption = None,
    smoke: SmokeOption = False,
    json: JsonOption = False,
) -> None:
    """Run a NARI search, all premise orders and ever more configurations: seconds against named peers, and memory.

    Example: brainalign bench steering --subjects 2 --smoke
    """
    from brainalign.activations.benchmark import benchmark_memory
    from brainalign.steering import middle_half
    from brainalign.steering.benchmark import benchmark_steering
    from brainalign.zoo import load_model

    dataset, loaded = open_dataset(betas, simulate, subjects or (2 if smoke else None)), load_model(model)
    layers = middle_half(loaded.n_layers)
    found = {
        "memory": asdict(benchmark_memory(loaded, dataset.problems, dataset.wording, layers)),
        "nari": asdict(benchmark_steering(loaded, dataset, n_timed=10 if smoke else 100)),
    }
    # Of six premises two problems do, which have 720 orders each.
    for premises, at_most, timed in ((4, None, None), (6, 2, 192)):
        most, n_timed = (2, 32) if smoke else (at_most, timed)
        facts = _orders(loaded, None, premises, per_category=2, n_timed=n_timed, at_most=most)
        found[f"orders_of_{premises}"] = facts
    if json:
        print_json(found)
    else:
        for title, facts in found.items():
            _show(title, facts, json)


@app.command()
def finetuning(
    model: ModelOption = "smollm2-135m",
    betas: BetasOption = None,
    simulate: SimulateOption = False,
    subjects: SubjectsOption = None,
    smoke: SmokeOption = False,
    json: JsonOption = False,
) -> None:
    """Take one epoch's gradient of brain and label, against a loop in the release's manner and padded batches.

    Example: brainalign bench finetuning --smoke
    """
    from brainalign.finetuning.benchmark import benchmark_finetuning
    from brainalign.zoo import load_model

    dataset = open_dataset(betas, simulate, subjects)
    if smoke:
        dataset = dataset.select(stimulus_ids=dataset.problems.ids[::5])
    _show("Fine-tuning", asdict(benchmark_finetuning(load_model(model), dataset)), json)


@app.command()
def sharing(
    model: ModelOption = "smollm2-135m",
    processes: Annotated[int, typer.Option(min=2, help="Processes that train at the same time.")] = 2,
    json: JsonOption = False,
) -> None:
    """Train adapters in processes that share one base in memory, against processes with a copy each.

    Example: brainalign bench sharing --processes 2
    """
    from brainalign.finetuning.sharing import measure_sharing

    _show("Shared base", asdict(measure_sharing(model, n_processes=processes)), json)


@app.command()
def study(smoke: SmokeOption = False, json: JsonOption = False) -> None:
    """Search: suggestion, resume and status at 10,000 trials, what a trial costs beyond its own work, and a window.

    Against Optuna's own TPE, and against Ray Tune with OptunaSearch and MLflowLoggerCallback.

    Example: brainalign bench study --smoke --json
    """
    from brainalign.search.benchmark import benchmark_scale
    from brainalign.search.overhead import benchmark_overhead
    from brainalign.search.window_benchmark import benchmark_window

    scale = benchmark_scale(500, 5) if smoke else benchmark_scale()
    overhead = benchmark_overhead(20, 6) if smoke else benchmark_overhead()
    window = benchmark_window(16) if smoke else benchmark_window()
    found = {"scale": scale.to_json(), "overhead": overhead.to_json(), "window": window.to_json()}
    if json:
        print_json(found)
    else:
        for title, facts in found.items():
            _show(title, facts, json)


@app.command()
def chaos(
    kills: Annotated[int, typer.Option("--kills", min=1, help="How often a driver or a worker is killed.")] = 200,
    seed: Annotated[int, typer.Option("--seed", help="Names the moments and whom they meet.")] = 0,
    smoke: SmokeOption = False,
    json: JsonOption = False,
) -> None:
    """Kill -9 a study's driver and workers at random moments: its table must end as that of an undisturbed one.

    A store on a full disk is tried as well, where this machine lets one be mounted. Exit code 1 where a table differs.

    Example: brainalign bench chaos --smoke
    """
    from brainalign.search.chaos import benchmark_chaos

    found = benchmark_chaos(2 if smoke else kills, seed)
    _show("Chaos", found.to_json(), json)
    if not found.passed:
        raise typer.Exit(1)


@app.command()
def priors(smoke: SmokeOption = False, json: JsonOption = False) -> None:
    """Search a larger model with and without the best settings of a smaller one, seed by seed.

    Example: brainalign bench priors --smoke
    """
    from brainalign.search.prior_benchmark import benchmark_priors

    _show("Priors", (benchmark_priors(3, 1) if smoke else benchmark_priors()).to_json(), json)


@app.command()
def orders(
    model: ModelOption = "smollm2-135m",
    data: Annotated[Path | None, typer.Option("--data", help="Problems; default: the package's own.")] = None,
    premises: Annotated[int, typer.Option(min=3, max=6, help="Use problems of so many premises.")] = 4,
    per_category: Annotated[int, typer.Option(min=1, help="Problems of each category.")] = 2,
    timed: Annotated[int, typer.Option(min=0, help="Prompts that the peer runs, then scaled; 0: all.")] = 0,
    smoke: SmokeOption = False,
    json: JsonOption = False,
) -> None:
    """Ask in all premise orders, against padded batches of transformers sorted by length.

    Example: brainalign bench orders --smoke --json
    """
    from brainalign.zoo import load_model

    n_timed, at_most = (32, 2) if smoke else (timed or None, None)
    facts = _orders(load_model(model), data, premises, per_category=per_category, n_timed=n_timed, at_most=at_most)
    _show("Orders", facts, json)


def _orders(
    model: "LanguageModel",
    data: Path | None,
    premises: int,
    *,
    per_category: int,
    n_timed: int | None,
    at_most: int | None,
) -> dict[str, Any]:
    from brainalign.evaluation.benchmark import benchmark_orders, first_of_each_category
    from brainalign.stimuli import generate_problems, own_wording, read_problems

    problems = read_problems(data) if data else generate_problems(8 * per_category, 0, n_premises=premises)
    chosen = first_of_each_category(problems, premises, per_category, at_most=at_most)
    return benchmark_orders(model, chosen, own_wording(), n_timed=n_timed).to_json()


def _show(title: str, facts: dict[str, Any], json: bool) -> None:
    if json:
        print_json(facts)
    else:
        print_table(title, ("what", "value"), list(facts.items()))
