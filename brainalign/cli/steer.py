"""`brainalign steer`: move a model's states towards the brain's, at inference."""

from typing import Annotated

import typer

from brainalign.cli.options import (
    DEFAULT_STORE,
    BetasOption,
    JsonOption,
    ModelOption,
    RoiOption,
    SimulateOption,
    StoreOption,
    SubjectsOption,
    check_roi,
    open_dataset,
    open_store,
)
from brainalign.cli.output import console, notes, print_json, print_table

app = typer.Typer(
    no_args_is_help=True,
    help="Move a model's states towards the brain's, at inference.\n\nExample: brainalign steer nari --subjects 2",
)


@app.callback()
def _group() -> None:
    """Keep the verb a group, so that further ways of steering join it."""


@app.command()
def nari(
    model: ModelOption = "smollm2-135m",
    roi: RoiOption = "deductive_reasoning",
    alpha: Annotated[float, typer.Option(min=0, help="Radius of the search, in sigma of each layer.")] = 10.0,
    layers: Annotated[str, typer.Option(help="Steered layers from 0, such as 7-21; default: the middle half.")] = "",
    learning_rate: Annotated[float, typer.Option(help="In units of the layer's mean absolute state.")] = 0.1,
    n_steps: Annotated[int, typer.Option("--steps", min=1)] = 200,
    check_every: Annotated[int, typer.Option(min=1)] = 5,
    loss: Annotated[str, typer.Option(help="cosine, mse or pearson.")] = "cosine",
    arms: Annotated[str, typer.Option(help="Comma-separated; the method and its controls.")] = (
        "guided,random_direction,random_direction_single,random_betas,bias"
    ),
    compat: Annotated[str, typer.Option(help="none, or release for the published way.")] = "none",
    seed: Annotated[int, typer.Option(min=0, help="Replicate seed of the controls' draws.")] = 0,
    store: StoreOption = DEFAULT_STORE,
    betas: BetasOption = None,
    simulate: SimulateOption = False,
    subjects: SubjectsOption = None,
    json: JsonOption = False,
) -> None:
    """Search displacements that mend wrong answers, and the same search on right ones; every arm gets as many checks.

    All problems are steered. To choose a setting and report it on problems kept apart, run a study.

    Example: brainalign steer nari --model smollm2-135m --roi deductive_reasoning --alpha 10 --subjects 2 --json
    """
    from brainalign.spaces import resolve_layers
    from brainalign.steering import ARMS, NariConfig, middle_half, steer
    from brainalign.study import check_name
    from brainalign.zoo import load_model, model_facts

    check_roi(roi)
    names = tuple(name.strip() for name in arms.split(",") if name.strip())
    for name in names:
        check_name(name, tuple(ARMS), "--arms")
    check_name(compat, ("none", "release"), "--compat")
    n_layers = model_facts(model).n_layers
    config = NariConfig(
        roi=roi,
        layers=resolve_layers({"run": _run(layers)}, n_layers) if layers else middle_half(n_layers),
        alpha=alpha,
        learning_rate=learning_rate,
        n_steps=n_steps,
        check_every=check_every,
        loss=loss,
        compat="release" if compat == "release" else None,
    )
    dataset = open_dataset(betas, simulate, subjects)
    found = steer(load_model(model), dataset, config, arms=names, seed=seed, store=open_store(store))
    facts = found.to_json()
    if json:
        print_json(facts)
        return
    columns = ("corrected", "n_targeted", "broken", "n_right", "net_balanced_accuracy", "invalid")
    rows = [[arm, *(row[column] for column in columns), _span(row["interval"])] for arm, row in facts["arms"].items()]
    print_table(f"NARI, {model}, {roi}, alpha {alpha:g}", ("arm", *columns, "95 % interval of net"), rows)
    for arm, other in facts["comparisons"].items():
        interval = other["interval"]
        console.print(f"guided minus {arm}: {interval['estimate']:+.3f} {_span(interval)}")
    notes.print("[dim]net: mean over labels of +1 mended, -1 broken; intervals resample subjects and problems[/dim]")
    for line in found.notes:
        notes.print(line, soft_wrap=True)


def _run(layers: str) -> str:
    from brainalign.errors import InputError

    first, _, last = layers.partition("-")
    if not first.isdigit() or not (last or first).isdigit():
        raise InputError(f"--layers: expected indices from 0 such as 7-21, found {layers!r}")
    return f"{first}-{last or first}"


def _span(interval: dict[str, float] | None) -> str:
    return "–" if interval is None else f"[{interval['low']:+.3f}, {interval['high']:+.3f}]"
