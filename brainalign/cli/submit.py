"""`brainalign submit`: send a study to a Ray cluster."""

from pathlib import Path
from typing import Annotated

import typer

from brainalign.cli.options import DEFAULT_STORE, BetasOption, StoreOption

app = typer.Typer(add_completion=False, help="Send a study to a Ray cluster.")


@app.command()
def submit(
    address: Annotated[str, typer.Option("--address", envvar="RAY_API_SERVER_ADDRESS", help="The head's dashboard.")],
    source: Annotated[
        str | None, typer.Argument(help="A study file, or the name of one that the package brings.")
    ] = None,
    store: StoreOption = DEFAULT_STORE,
    betas: BetasOption = None,
    name: Annotated[str | None, typer.Option("--as", help="Run it under another name than the file's.")] = None,
    detach: Annotated[bool, typer.Option("--detach", help="Return once the job is submitted.")] = False,
    pull: Annotated[bool, typer.Option("--pull", help="Bring the results back to this machine at the end.")] = False,
    cluster_store: Annotated[
        str | None, typer.Option(help="With --pull: the job's folder on the cluster, one that all its nodes see.")
    ] = None,
    follow: Annotated[
        str | None, typer.Option(metavar="JOB", help="Follow a job that was submitted; with --pull, fetch its results.")
    ] = None,
    stop: Annotated[str | None, typer.Option(metavar="JOB", help="Stop a job; its finished trials stay.")] = None,
) -> None:
    """Send a study file, the package, betas and weights (by hash) to a Ray cluster, and follow its log.

    The token is taken from RAY_AUTH_TOKEN, RAY_AUTH_TOKEN_PATH or ~/.ray/auth_token.

    Example: brainalign submit studies/quickstart.yaml --address http://127.0.0.1:8265 --pull
    """
    from brainalign.errors import InputError
    from brainalign.launch import SubmitConfig
    from brainalign.launch import submit as send

    if sum(name is not None for name in (source, follow, stop)) != 1:
        raise InputError("expected one of a study file, --follow JOB and --stop JOB, found another number: give one")
    if source is None:
        raise typer.Exit(_attend(address, follow, stop, pull))
    config = SubmitConfig(
        address=address, store=store, betas=betas, name=name, detach=detach, pull=pull, cluster_store=cluster_store
    )
    done = send(source, config, _echo, rebuild=_rebuild)
    if done.exit_code:
        raise typer.Exit(done.exit_code)


def _attend(address: str, followed: str | None, stopped: str | None, pull: bool) -> int:
    """Follow or stop a job that is there, and fetch its results if asked."""
    from brainalign.launch import follow, stop
    from brainalign.launch import pull as fetch

    if stopped is not None:
        _echo(f"job {stopped} {'stopped' if stop(address, stopped) else 'had ended already'}\n")
        return 0
    code = follow(address, str(followed), _echo)
    if pull:
        report = fetch(address, str(followed), rebuild=_rebuild)
        _echo(f"{report.n_new_trials} of {report.n_trials} trials are new here\n")
    return code


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
