"""`brainalign activations`: extract a model's states on the problems."""

import time

import typer

from brainalign.cli.options import (
    DEFAULT_STORE,
    BetasOption,
    DatasetOption,
    JsonOption,
    ModelOption,
    SimulateOption,
    StoreOption,
    open_dataset,
    open_store,
)
from brainalign.cli.output import console, print_json

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help="Extract a model's states on the problems.\n\nExample: brainalign activations extract --model smollm2-135m",
)


@app.callback()
def _group() -> None:
    """Keep the verb a group, so that further actions join it."""


@app.command()
def extract(
    model: ModelOption = "smollm2-135m",
    dataset: DatasetOption = "deductive",
    store: StoreOption = DEFAULT_STORE,
    betas: BetasOption = None,
    simulate: SimulateOption = False,
    json: JsonOption = False,
) -> None:
    """Extract attention and layer outputs at the final input token of every layer; found again by their key.

    Example: brainalign activations extract --model smollm2-135m
    """
    from brainalign.activations import extract as extract_states
    from brainalign.evaluation import answer_metrics
    from brainalign.zoo import load_model

    data = open_dataset(betas, simulate, None, dataset)
    loaded = load_model(model)
    started = time.perf_counter()
    states = extract_states(loaded, data.problems, data.wording, store=open_store(store))
    seconds = time.perf_counter() - started
    scores = answer_metrics(states.answers.answer, data.problems.labels).to_json()
    sites, layers, stimuli, width = states.values.shape
    shape = {"sites": sites, "layers": layers, "stimuli": stimuli, "width": width}
    if json:
        found = {"shape": shape, "answers": scores, "seconds": seconds}
        print_json({"model": model, "data": data.source.kind, "wording": data.wording.source, **found})
        return
    console.print(f"{model}: {sites} sites x {layers} layers x {stimuli} problems x {width} in {seconds:.1f} s")
    console.print(
        f"answers: balanced accuracy {scores['balanced_accuracy']:.3f}, True said in {scores['share_true']:.3f}"
    )
