"""`brainalign steer transfer` and `export`: directions from some problems tried on others, and as files."""

from pathlib import Path
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


def transfer(
    model: ModelOption = "smollm2-135m",
    dataset: DatasetOption = "deductive",
    roi: RoiOption = None,
    alpha: AlphaOption = 10.0,
    layers: LayersOption = "",
    learning_rate: RateOption = 0.1,
    n_steps: StepsOption = 200,
    check_every: CheckOption = 5,
    loss: LossOption = "cosine",
    strengths: Annotated[str, typer.Option(help="Comma-separated; every arm chooses among them.")] = "0.25,0.5,1,2,4",
    normalise: Annotated[
        bool, typer.Option("--normalise", help="Count each displacement as much; strength in sigma of each layer.")
    ] = False,
    average: Annotated[str, typer.Option(help="mean, or nearest for the nearest problem's displacement.")] = "mean",
    source: Annotated[str, typer.Option(help="same, or other for another reasoning type's displacements.")] = "same",
    arms: Annotated[str, typer.Option(help="Comma-separated; the method and its controls.")] = (
        "guided,random_direction,random_betas,bias"
    ),
    compat: CompatOption = "none",
    seed: SeedOption = 0,
    save: Annotated[Path | None, typer.Option("--save", help="Folder for the guided vectors, a file a type.")] = None,
    store: StoreOption = DEFAULT_STORE,
    betas: BetasOption = None,
    simulate: SimulateOption = False,
    subjects: SubjectsOption = None,
    json: JsonOption = False,
) -> None:
    """Average what mended some problems, choose a strength on these, and report it once on problems kept apart.

    Nothing here looks at the answer of a problem that it moves.

    Example: brainalign steer transfer --subjects 2 --steps 20 --alpha 3 --save vectors --json
    """
    from brainalign.errors import InputError
    from brainalign.steering import TransferConfig, TransferOptions, transfer_directions
    from brainalign.zoo import load_model

    data = open_dataset(betas, simulate, subjects, dataset)
    region = choose_roi(roi, data)
    config = search_config(
        model, layers, compat, roi=region, alpha=alpha, learning_rate=learning_rate, n_steps=n_steps,
        check_every=check_every, loss=loss,
    )  # fmt: skip
    try:
        numbers = tuple(float(text) for text in split_names(strengths))
    except ValueError as error:
        raise InputError(f"--strengths: expected numbers such as 0.5,1,2, found {strengths!r}") from error
    way = TransferConfig(normalise=normalise, average=average, source=source)  # type: ignore[arg-type]
    options = TransferOptions(transfer=way, strengths=numbers, arms=split_names(arms), seed=seed)
    found = transfer_directions(load_model(model), data, config, options, store=open_store(store))
    facts = found.to_json()
    if save is not None:
        facts["saved"] = [str(one.save(save / f"{kind}.safetensors")) for kind, one in found.vectors.items()]
    if json:
        print_json(facts)
    else:
        columns = ("strength", "net_balanced_accuracy", "selection_gap", "flip_all", "corrected", "broken", "invalid")
        rows = [[arm, *(row[name] for name in columns), span(row["interval"])] for arm, row in facts["arms"].items()]
        what = f"NARI (gen.), {model}, {region}: {facts['n_report']} problems kept apart"
        print_table(what, ("arm", *columns, "95 % interval of net"), rows)
        for arm, other in facts["comparisons"].items():
            console.print(f"guided minus {arm}: {other['interval']['estimate']:+.3f} {span(other['interval'])}")
        for path in facts.get("saved", ()):
            console.print(f"vectors: {path}", soft_wrap=True)
    for line in found.notes:
        notes.print(line, soft_wrap=True)


def export(
    vectors: Annotated[Path, typer.Argument(help="A file that `steer transfer --save` wrote.")],
    output: Annotated[Path, typer.Argument(help="The GGUF control vector to write.")],
) -> None:
    """Write vectors as a GGUF control vector for llama.cpp.

    Example: brainalign steer export vectors/syllogisms.safetensors syllogisms.gguf
    """
    from brainalign.steering import read_vectors
    from brainalign.zoo import model_facts

    found = read_vectors(vectors)
    path = found.export_gguf(output, model_facts(found.model).family)
    console.print(f"{path}: layers {found.layers[0]} to {found.layers[-1]}, width {found.hidden_size}", soft_wrap=True)
    if (found.site, found.tokens) != ("layer", "all"):
        notes.print(
            f"made for the {found.site} output at {found.tokens} tokens; llama.cpp adds to layer outputs at all tokens",
            soft_wrap=True,
        )
