"""`brainalign data`: find, fetch and show the betas and problems."""

from pathlib import Path
from typing import Annotated

import typer

from brainalign.cli.options import BetasOption, DatasetOption, JsonOption, SimulateOption, SubjectsOption, open_dataset
from brainalign.cli.output import console, print_json, print_table

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help="Find, fetch and show the betas and problems.\n\nExample: brainalign data show",
)


@app.command()
def show(
    dataset: DatasetOption = "deductive",
    betas: BetasOption = None,
    simulate: SimulateOption = False,
    subjects: SubjectsOption = None,
    json: JsonOption = False,
) -> None:
    """Show what the betas and problems hold and what was dropped.

    Example: brainalign data show --json
    """
    from brainalign.betas import describe

    facts = describe(open_dataset(betas, simulate, subjects, dataset))
    if json:
        print_json(facts)
        return
    print_table("Betas and problems", ("what", "value"), [(name, str(value)) for name, value in facts.items()])


@app.command()
def fetch(
    url: Annotated[str | None, typer.Option(help="Another address than the release's.")] = None,
    cache: Annotated[Path | None, typer.Option(help="Another folder than the user cache.")] = None,
) -> None:
    """Download the public release's data into the user cache: resumed where it broke off, checked by checksums.

    Example: brainalign data fetch
    """
    from brainalign.betas import RELEASE_URL, fetch_release

    folder = fetch_release(cache, url=url or RELEASE_URL)
    console.print(f"the release's data are in {folder}", soft_wrap=True)
