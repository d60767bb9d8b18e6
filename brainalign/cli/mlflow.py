"""`brainalign mlflow`: browse a study's comparison."""

import signal
from typing import Annotated

import typer

from brainalign.cli.options import DEFAULT_STORE, StoreOption, open_store
from brainalign.cli.output import console

app = typer.Typer(add_completion=False, help="Browse a study's comparison in the MLflow UI.")


@app.command()
def mlflow(
    study: Annotated[str, typer.Argument(help="The study's name.")],
    store: StoreOption = DEFAULT_STORE,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port of the server; 0 takes a free one.")] = 0,
) -> None:
    """Start MLflow's server on loopback, bring the study up to date there, and print the comparison's address.

    Example: brainalign mlflow quickstart
    """
    from brainalign.tracking import serve

    signal.signal(signal.SIGTERM, signal.default_int_handler)
    where = open_store(store)
    where.read_manifest(study)
    console.print("[dim]starting MLflow's server, some ten seconds[/dim]")
    page = serve(where, study, port=port)
    try:
        console.print(f"{study}: {page.url}", soft_wrap=True)
        if page.process is not None:
            console.print("[dim]Ctrl-C stops the server[/dim]")
        page.wait()
    except KeyboardInterrupt:
        console.print("stopped")
    finally:
        page.stop()
