"""`brainalign report compare`: two studies beside each other."""

from pathlib import Path
from typing import Annotated

import typer

from brainalign.cli.options import DEFAULT_STORE, JsonOption, StoreOption, open_store
from brainalign.cli.output import console, notes, print_json, say_source


def compare(
    first: Annotated[str, typer.Argument(help="A study's name.")],
    second: Annotated[str, typer.Argument(help="Another's; its figures are subtracted.")],
    models: Annotated[
        list[str] | None,
        typer.Option("--models", metavar="FIRST=SECOND", help="Models to set beside each other; default: equal ones."),
    ] = None,
    store: StoreOption = DEFAULT_STORE,
    other_store: Annotated[
        Path | None, typer.Option("--other-store", help="Folder that holds the second study, if another.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", help="HTML file to write; default: the first study's folder.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Compare the winners of two studies, paired by problem and corrected for the number of tests.

    Refused where the two do not stand on the same betas, subjects and problems.

    Example: brainalign report compare quickstart quickstart-long
    """
    from brainalign.reports import compare_studies, comparison_report

    where = open_store(store)
    compared = compare_studies(
        where,
        first,
        second,
        other_store=None if other_store is None else open_store(other_store),
        models=None if not models else _pairs(models),
    )
    written = comparison_report(where, compared, output)
    if json:
        print_json({**compared.to_json(), "report": str(written.html)})
        return
    say_source(str(compared.first.data.get("source")), str(compared.first.data.get("description")))
    for line in (*compared.warnings, *compared.left_out):
        notes.print(line, soft_wrap=True, markup=False)
    for item in compared.contrasts:
        console.print(compared.sentence(item), soft_wrap=True, markup=False)
    console.print(f"report:  {written.html}", soft_wrap=True, markup=False)


def _pairs(models: list[str]) -> dict[str, str]:
    from brainalign.errors import InputError

    pairs = {}
    for text in models:
        one, sign, other = text.partition("=")
        if not (one and sign and other):
            raise InputError(f"--models: expected FIRST=SECOND, found {text!r}: name a model of each study")
        pairs[one] = other
    return pairs
