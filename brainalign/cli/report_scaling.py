"""`brainalign report scaling` and `brainalign report freeze`: figures against size, and forecasts before the fact."""

from pathlib import Path
from typing import Annotated

import typer

from brainalign.cli.options import DEFAULT_STORE, JsonOption, StoreOption, open_store
from brainalign.cli.output import console, notes, print_json, say_source

NamesArgument = Annotated[
    list[str], typer.Argument(metavar="STUDY...", help="Studies by name, or by the name that their seeds share.")
]


def scaling(
    names: NamesArgument,
    store: StoreOption = DEFAULT_STORE,
    output: Annotated[
        Path | None, typer.Option("--output", help="Where to write; default: scaling.html in the first study's folder.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Write one self-contained HTML file of studies of several sizes, and its figures as PNG, PDF and CSV beside it.

    Example: brainalign report scaling scaling-nano
    """
    from brainalign.reports.scaling.page import scaling_report
    from brainalign.reports.scaling.studies import study_names

    where = open_store(store)
    written = scaling_report(where, names, output)
    if json:
        figures = [str(path) for path in written.figures]
        told = {"warnings": list(written.warnings), "sentences": list(written.sentences)}
        print_json({"report": str(written.page), "figures": figures, **told})
        return
    data = where.read_manifest(study_names(where, names[0])[0])["data"]
    say_source(data["source"], data["description"])
    for line in written.warnings:
        notes.print(line, soft_wrap=True, markup=False)
    for line in written.sentences:
        console.print(line, soft_wrap=True, markup=False)
    folder = written.figures[0].parent if written.figures else None
    console.print(f"figures: {len(written.figures)} files in {folder}", soft_wrap=True, markup=False)
    console.print(f"report:  {written.page}", soft_wrap=True, markup=False)


def freeze(
    names: NamesArgument,
    store: StoreOption = DEFAULT_STORE,
    models: Annotated[
        list[str] | None,
        typer.Option("--model", help="A model to foretell, again for each; default: those that have not been run."),
    ] = None,
    name: Annotated[str | None, typer.Option("--as", help="Name of the forecast; default: the first study's.")] = None,
    json: JsonOption = False,
) -> None:
    """Foretell the figures of models that have not been run, and keep that for good under a hash.

    Example: brainalign report freeze scaling-nano --model smollm2-135m
    """
    from dataclasses import asdict

    from brainalign.reports.scaling.forecasts import freeze as freeze_forecast

    frozen = freeze_forecast(open_store(store), names, models or (), name)
    if json:
        print_json(asdict(frozen))
        return
    if frozen.n_known:
        notes.print(f"{frozen.n_known} results of these models are in the store already: the report will say so")
    console.print(f"foretold: {frozen.n_figures} figures of {', '.join(frozen.models)}", soft_wrap=True, markup=False)
    console.print(f"hash:     {frozen.hash}")
    console.print(f"file:     {frozen.path}", soft_wrap=True, markup=False)
