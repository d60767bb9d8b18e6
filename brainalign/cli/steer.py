"""`brainalign steer`: move a model's states towards the brain's, at inference."""

from typing import Annotated

import typer

from brainalign.cli.options import (
    DEFAULT_STORE,
    BetasOption,
    DatasetOption,
    JsonOption,
    ModelOption,
    RoiOption,
    SimulateOption,
    StoreOption,
    SubjectsOption,
    choose_roi,
    open_dataset,
    open_store,
)
from brainalign.cli.output import console, notes, print_json, print_table
from brainalign.cli.steer_settings import (
    AlphaOption,
    CheckOption,
    CompatOption,
    LayersOption,
    LossOption,
    RateOption,
    SeedOption,
    StepsOption,
    search_config,
    span,
    split_names,
)
from brainalign.cli.steer_transfer import export, transfer

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help="Move a model's states towards the brain's, at inference.\n\nExample: brainalign steer nari --subjects 2",
)
app.command()(transfer)
app.command()(export)


@app.command()
def nari(
    model: ModelOption = "smollm2-135m",
    dataset: DatasetOption = "deductive",
    roi: RoiOption = None,
    alpha: AlphaOption = 10.0,
    layers: LayersOption = "",
    learning_rate: RateOption = 0.1,
    n_steps: StepsOption = 200,
    check_every: CheckOption = 5,
    loss: LossOption = "cosine",
    arms: Annotated[str, typer.Option(help="Comma-separated; the method and its controls.")] = (
        "guided,random_direction,random_direction_single,random_betas,bias"
    ),
    compat: CompatOption = "none",
    seed: SeedOption = 0,
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
    from brainalign.steering import ARMS, steer
    from brainalign.study import check_name
    from brainalign.zoo import load_model

    names = split_names(arms)
    for name in names:
        check_name(name, tuple(ARMS), "--arms")
    data = open_dataset(betas, simulate, subjects, dataset)
    region = choose_roi(roi, data)
    config = search_config(
        model, layers, compat, roi=region, alpha=alpha, learning_rate=learning_rate, n_steps=n_steps,
        check_every=check_every, loss=loss,
    )  # fmt: skip
    found = steer(load_model(model), data, config, arms=names, seed=seed, store=open_store(store))
    facts = found.to_json()
    if json:
        print_json(facts)
        return
    columns = ("corrected", "n_targeted", "broken", "n_right", "net_balanced_accuracy", "flip_all", "invalid")
    rows = [[arm, *(row[column] for column in columns), span(row["interval"])] for arm, row in facts["arms"].items()]
    print_table(f"NARI, {model}, {region}, alpha {alpha:g}", ("arm", *columns, "95 % interval of net"), rows)
    for arm, other in facts["comparisons"].items():
        interval = other["interval"]
        console.print(f"guided minus {arm}: {interval['estimate']:+.3f} {span(interval)}")
    notes.print("[dim]net: mean over labels of +1 mended, -1 broken; intervals resample subjects and problems[/dim]")
    notes.print("[dim]flip_all: the net figure of turning every answer round[/dim]")
    for line in found.notes:
        notes.print(line, soft_wrap=True)
