"""`brainalign report geometry`: pictures of brain and model states."""

from json import loads
from pathlib import Path
from typing import Annotated

import typer

from brainalign.cli.options import DEFAULT_STORE, BetasOption, JsonOption, RoiOption, StoreOption, open_store
from brainalign.cli.output import console, notes, print_json, say_source


def geometry(
    name: Annotated[str, typer.Argument(help="The study's name.")],
    models: Annotated[str, typer.Option("--models", help="Comma-separated, of the study; default: all.")] = "",
    roi: RoiOption = None,
    tuned: Annotated[bool, typer.Option(help="Load trained weights as well, where they are kept.")] = True,
    store: StoreOption = DEFAULT_STORE,
    betas: BetasOption = None,
    output: Annotated[
        Path | None, typer.Option("--output", help="HTML file to write; default: the study's folder.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Draw a study's representations: PCA, trajectories over layers, RSA and CKA with chance and noise ceiling.

    Models are loaded for states that the store does not hold. Data of each figure lie beside the page as CSV.

    Example: brainalign report geometry quickstart
    """
    from brainalign.reports import gather, geometry_report

    where = open_store(store)
    chosen = [part.strip() for part in models.split(",") if part.strip()]
    inputs = gather(where, name, models=chosen, roi=roi, betas=betas, with_tuned=tuned)
    written = geometry_report(where, inputs, output)
    if json:
        print_json({**loads(written.json.read_text(encoding="utf-8")), "report": str(written.html)})
        return
    say_source("simulated" if inputs.simulated else "release", inputs.data.partition(": ")[2])
    for note in inputs.notes:
        notes.print(note, soft_wrap=True, markup=False)
    console.print(f"report:  {written.html}", soft_wrap=True, markup=False)
    for path in written.csv:
        console.print(f"data:    {path}", soft_wrap=True, markup=False)
