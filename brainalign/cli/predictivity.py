"""`brainalign predictivity`: how well a model's states predict the betas."""

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

app = typer.Typer(add_completion=False, help="How well a model's states predict the betas.")


@app.command()
def predictivity(
    model: ModelOption = "smollm2-135m",
    dataset: DatasetOption = "deductive",
    roi: RoiOption = None,
    subset: Annotated[str, typer.Option(help="all, or a type of problem: syllogisms, transitive, relational.")] = "all",
    store: StoreOption = DEFAULT_STORE,
    betas: BetasOption = None,
    simulate: SimulateOption = False,
    subjects: SubjectsOption = None,
    json: JsonOption = False,
) -> None:
    """Cross-validated ridge predictivity per layer and subject, with the published settings.

    Example: brainalign predictivity --model smollm2-135m --roi deductive_reasoning --json
    """
    from brainalign.activations import extract
    from brainalign.encoding import predictivity as measure
    from brainalign.zoo import load_model

    data = open_dataset(betas, simulate, subjects, dataset)
    region = choose_roi(roi, data)
    states = extract(load_model(model), data.problems, data.wording, store=open_store(store))
    aligned = states.select(data.betas.stimulus_ids)
    types = data.problems.subset(data.betas.stimulus_ids).types
    found = measure(aligned.values, dict(data.betas.values[region]), types, subset=subset)
    facts = {"model": model, "roi": region, **found.to_json(), "data": data.source.kind, "notes": list(found.notes)}
    if json:
        print_json(facts)
        return
    best = facts["best_layer"]
    console.print(
        f"{model}, {region}: {found.score:.4f} ± {found.mad:.4f} (median over {len(found.subjects)} subjects, median "
        f"absolute deviation), best at the {best['site']} output of layer {best['index']} (counted from 0)",
        soft_wrap=True,
    )
    print_table("Subjects at that layer", ("subject", "r"), [[str(k), v] for k, v in facts["subjects"].items()])
    for line in found.notes:
        notes.print(line, soft_wrap=True)
