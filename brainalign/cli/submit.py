"""`brainalign submit`: send a study to a Ray cluster."""

from pathlib import Path
from typing import Annotated

import typer

from brainalign.cli.options import DEFAULT_STORE, BetasOption, StoreOption

app = typer.Typer(help="Send a study to a Ray cluster.")


@app.command()
def submit(
    source: Annotated[str, typer.Argument(help="A study file, or the name of one that the package brings.")],
    address: Annotated[str, typer.Option("--address", envvar="RAY_API_SERVER_ADDRESS", help="The head's dashboard.")],
    store: StoreOption = DEFAULT_STORE,
    betas: BetasOption = None,
    name: Annotated[str | None, typer.Option("--as", help="Run it under another name than the file's.")] = None,
    detach: Annotated[bool, typer.Option("--detach", help="Return once the job is submitted.")] = False,
    pull: Annotated[bool, typer.Option("--pull", help="Bring the results back to this machine at the end.")] = False,
    cluster_store: Annotated[
        str | None, typer.Option(help="With --pull: the job's folder on the cluster, one that all its nodes see.")
    ] = None,
) -> None:
    """Send a study file, the package, betas and weights (by hash) to a Ray cluster, and follow its log.

    The token is taken from RAY_AUTH_TOKEN, RAY_AUTH_TOKEN_PATH or ~/.ray/auth_token.

    Example: brainalign submit studies/quickstart.yaml --address http://127.0.0.1:8265 --pull
    """
    from brainalign.launch import SubmitConfig
    from brainalign.launch import submit as send

    config = SubmitConfig(
        address=address, store=store, betas=betas, name=name, detach=detach, pull=pull, cluster_store=cluster_store
    )
    done = send(source, config, _echo, rebuild=_rebuild)
    if done.exit_code:
        raise typer.Exit(done.exit_code)


def _echo(text: str) -> None:
    print(text, end="", flush=True)


def _rebuild(root: Path, name: str) -> None:
    """Bring Optuna's storage, MLflow and the report to what the store holds now."""
    from brainalign.cli.options import open_store
    from brainalign.cli.study import finish
    from brainalign.search import verify_study

    where = open_store(root)
    verify_study(where, name)
    finish(name, where, False, "pulled")
