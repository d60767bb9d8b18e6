"""`brainalign store`: what takes room, and freeing what nothing points to."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from brainalign.cli.options import DEFAULT_STORE, JsonOption, StoreOption, open_store
from brainalign.cli.output import console, print_json, print_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from brainalign.artifacts import Holding

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help="Say what takes room in a store, and free what nothing points to.\n\nExample: brainalign store list",
)
_MIB = 1 << 20


@app.command(name="list")
def list_command(store: StoreOption = DEFAULT_STORE, json: JsonOption = False) -> None:
    """Say what takes room: studies, results by kind, stages; and how much of it nothing points to.

    Example: brainalign store list --json
    """
    from brainalign.artifacts import take_stock

    _show("in the store", take_stock(open_store(store)), json)


@app.command()
def gc(
    store: StoreOption = DEFAULT_STORE,
    yes: Annotated[bool, typer.Option("--yes", help="Free it; without this it is only said what would be.")] = False,
    older_than_s: Annotated[
        float, typer.Option("--older-than-s", min=0, help="Keep what was made or used in the last so many seconds.")
    ] = 3600.0,
    json: JsonOption = False,
) -> None:
    """Free results and stages that no finished trial of any study points to; they can be made again.

    Safe beside a running study: what is young stays.

    Example: brainalign store gc
    """
    from brainalign.artifacts import free

    freed = free(open_store(store), grace_s=older_than_s, dry_run=not yes)
    _show("freed" if yes else "would be freed", freed, json)
    if not yes and freed and not json:
        console.print("nothing was freed: say --yes to free it")


def _show(title: str, holdings: "Sequence[Holding]", json: bool) -> None:
    if json:
        print_json([asdict(holding) for holding in holdings])
        return
    rows = [(one.what, one.n_files, one.n_bytes / _MIB, one.n_unused, one.unused_bytes / _MIB) for one in holdings]
    print_table(title, ("what", "files", "MiB", "unused", "MiB unused"), rows)
