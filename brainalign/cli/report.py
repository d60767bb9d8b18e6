"""`brainalign report`: write reports from stored results."""

from pathlib import Path
from typing import Annotated

import typer

from brainalign.cli import report_compare, report_geometry, report_scaling
from brainalign.cli.options import DEFAULT_STORE, JsonOption, StoreOption, open_store
from brainalign.cli.output import console, print_json, say_source

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help="Write reports from stored results.\n\nExample: brainalign report study quickstart",
)


@app.command()
def study(
    name: Annotated[str, typer.Argument(help="The study's name.")],
    store: StoreOption = DEFAULT_STORE,
    output: Annotated[
        Path | None, typer.Option("--output", help="Where to write; default: the study's folder.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Write one self-contained HTML file of a study.

    Example: brainalign report study quickstart
    """
    from brainalign.reports import study_report, study_summary

    where = open_store(store)
    path = study_report(where, name, output)
    if json:
        print_json({**study_summary(where, name), "report": str(path)})
    else:
        data = where.read_manifest(name)["data"]
        say_source(data["source"], data["description"])
        console.print(f"report:  {path}", soft_wrap=True, markup=False)


app.command()(report_scaling.scaling)
app.command()(report_scaling.freeze)
app.command()(report_compare.compare)
app.command()(report_geometry.geometry)
