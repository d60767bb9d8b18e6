"""`brainalign bench`: speed and memory against named peers, as ratios in one run."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

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
    """Run a NARI search from prefilled prompts against a full forward for each check.

    Example: brainalign bench steering --subjects 2 --smoke
    """
    from brainalign.steering.benchmark import benchmark_steering
    from brainalign.zoo import load_model

    dataset = open_dataset(betas, simulate, subjects or (2 if smoke else None))
    found = benchmark_steering(load_model(model), dataset, n_timed=10 if smoke else 100)
    _show("NARI", asdict(found), json)


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
    from brainalign.evaluation.benchmark import benchmark_orders, first_of_each_category
    from brainalign.stimuli import generate_problems, own_wording, read_problems
    from brainalign.zoo import load_model

    problems = read_problems(data) if data else generate_problems(8 * per_category, 0, n_premises=premises)
    chosen = first_of_each_category(problems, premises, per_category, at_most=2 if smoke else None)
    n_timed = 32 if smoke else timed or None
    _show("Orders", asdict(benchmark_orders(load_model(model), chosen, own_wording(), n_timed=n_timed)), json)


def _show(title: str, facts: dict[str, Any], json: bool) -> None:
    if json:
        print_json(facts)
    else:
        print_table(title, ("what", "value"), list(facts.items()))
