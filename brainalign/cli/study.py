"""`brainalign study`: plan, run, resume, show and check studies."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from brainalign.cli import study_plan, study_status
from brainalign.cli.options import DEFAULT_STORE, BetasOption, JsonOption, StoreOption, open_store
from brainalign.cli.output import console, notes, print_json, say_source

if TYPE_CHECKING:
    from brainalign.artifacts import Store
    from brainalign.study import Study

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help="Plan, run, resume and check studies.\n\nExample: brainalign study run studies/quickstart.yaml",
)

AddressOption = Annotated[
    str | None,
    typer.Option("--address", help="A running Ray cluster, such as auto; without it a local Ray is started."),
]
WorkersOption = Annotated[int | None, typer.Option("--workers", min=1, help="Most trials at once.")]
NameArgument = Annotated[str, typer.Argument(help="The study's name.")]


@app.command()
def run(
    source: Annotated[str, typer.Argument(help="A study file, or the name of one that the package brings.")],
    store: StoreOption = DEFAULT_STORE,
    betas: BetasOption = None,
    name: Annotated[str | None, typer.Option("--as", help="Run it under another name than the file's.")] = None,
    address: AddressOption = None,
    workers: WorkersOption = None,
    smoke: Annotated[
        bool, typer.Option("--smoke", help="Run two trials an arm on two subjects, named NAME-smoke.")
    ] = False,
    seeds: Annotated[
        int, typer.Option("--seeds", min=1, help="Run it so often, named NAME-seed0, … with seeds of their own.")
    ] = 1,
    json: JsonOption = False,
) -> None:
    """Run a study file; what is done already is not done again.

    Example: brainalign study run studies/quickstart.yaml
    """
    from brainalign.study import load_study, repeats
    from brainalign.study import smoke as shrink

    study = load_study(source, name=name)
    for repeat in repeats(shrink(study) if smoke else study, seeds):
        _run(repeat, open_store(store), betas, address, workers, json)


@app.command()
def resume(
    name: NameArgument,
    store: StoreOption = DEFAULT_STORE,
    betas: BetasOption = None,
    address: AddressOption = None,
    workers: WorkersOption = None,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Run trials that failed once more, with their settings.")
    ] = False,
    cap: Annotated[
        list[str] | None,
        typer.Option("--cap", metavar="NAME=VALUE", help="Change a cap, as max_wall_s=600; none lifts."),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Go on with a study that was interrupted or stopped by a cap, with the settings that its store holds.

    Example: brainalign study resume quickstart
    """
    from brainalign.cli.study_caps import with_caps
    from brainalign.search import stored_study

    where = open_store(store)
    location = where.read_manifest(name)["data"]["location"]
    found = betas or (Path(location) if location and Path(location).is_dir() else None)
    study = with_caps(stored_study(where, name), cap or [])
    _run(study, where, found, address, workers, json, retry_failed=retry_failed)


def _run(
    study: "Study",
    store: "Store",
    betas: Path | None,
    address: str | None,
    workers: int | None,
    json: bool,
    *,
    retry_failed: bool = False,
) -> None:
    from brainalign.search.progress import StudyProgress

    if workers is not None:
        study = study.model_copy(update={"execution": study.execution.model_copy(update={"workers": workers})})
    with StudyProgress(notes, study) as progress:
        from brainalign.search import run_study

        done = run_study(study, store=store, betas=betas, address=address, listener=progress, retry_failed=retry_failed)
    if done.interrupted:
        notes.print(f"interrupted: {done.n_done} of {done.n_total} trials are done and kept; go on with")
        notes.print(f"  brainalign study resume {study.name}{_at(store)}", soft_wrap=True, markup=False)
        raise typer.Exit(130)
    if done.stopped_by:
        left = done.n_total - done.n_done
        notes.print(f"stopped by the cap {done.stopped_by}: {done.n_done} of {done.n_total} trials are done and kept, ")
        notes.print(f"{left} wait; raise it and go on with")
        more = f"brainalign study resume {study.name} --cap {done.stopped_by}=MORE{_at(store)}"
        notes.print(f"  {more}", soft_wrap=True, markup=False)
        if not done.n_done:
            return
    finish(study.name, store, json, "everything was done already" if done.n_new == 0 else f"{done.n_new} trials run")
    if done.n_lost:
        notes.print(f"{done.n_lost} trials are not done for a fault around them; mend it and go on with")
        notes.print(f"  brainalign study resume {study.name}{_at(store)}", soft_wrap=True, markup=False)
    if done.n_failed == done.n_total or done.n_lost:
        raise typer.Exit(1)


def _at(store: "Store") -> str:
    """Spell the option that names a store, where it is not the default, so that it can be pasted into a shell."""
    return "" if store.root == DEFAULT_STORE.resolve() else f" --store {shlex.quote(str(store.root))}"


def finish(name: str, store: "Store", json: bool, what: str) -> None:
    """Write the report, bring the figures to MLflow, and say where all is."""
    from rich.markup import escape

    from brainalign.cli.study_status import cost_lines
    from brainalign.errors import StudyError
    from brainalign.reports import best_lines, mlflow_showings, mlflow_summaries, study_report, study_summary
    from brainalign.search import study_status as sum_up
    from brainalign.tracking import mirror

    path = study_report(store, name)
    summary = study_summary(store, name)
    try:
        figures = mlflow_summaries(summary)
        mirror(store, name, summaries=figures, showings=mlflow_showings(store, name, figures))
    except StudyError as error:
        notes.print(f"[yellow]MLflow is not up to date:[/] {escape(str(error))}", soft_wrap=True)
    if json:
        print_json({**summary, "report": str(path), "costs": sum_up(store, name)["costs"]})
        return
    data = store.read_manifest(name)["data"]
    say_source(data["source"], data["description"])
    console.print(f"{name}: {what}")
    for line in best_lines(summary):
        console.print(line, soft_wrap=True, markup=False)
    for line in cost_lines(sum_up(store, name)["costs"]):
        console.print(line, soft_wrap=True, markup=False)
    console.print(f"report:  {path}", soft_wrap=True, markup=False)
    console.print(f"browse:  brainalign mlflow {name}{_at(store)}", soft_wrap=True, markup=False)


@app.command(name="list")
def list_command(store: StoreOption = DEFAULT_STORE, json: JsonOption = False) -> None:
    """List the studies of a store, and the study files that the package brings.

    Example: brainalign study list
    """
    from brainalign.study import packaged_studies

    found = {"studies": open_store(store).studies(), "files": packaged_studies()}
    if json:
        print_json(found)
        return
    console.print(f"in {store}: {', '.join(found['studies']) or 'none'}", soft_wrap=True)
    console.print(f"files:  {', '.join(found['files'])}", soft_wrap=True)


@app.command()
def verify(name: NameArgument, store: StoreOption = DEFAULT_STORE, json: JsonOption = False) -> None:
    """Compare the trial files with Optuna's storage and MLflow, and rebuild what differs (exit code 1).

    Example: brainalign study verify quickstart --json
    """
    from dataclasses import asdict

    from brainalign.search import verify_study

    found = verify_study(open_store(store), name)
    if json:
        print_json(asdict(found))
    else:
        console.print(f"{name}: {found.n_parquet} Parquet, {found.n_optuna} Optuna, {found.n_mlflow} MLflow")
        console.print(f"  scientific columns of the table: {found.table_hash}", highlight=False)
        for line in found.differences:
            console.print(f"  {line}", soft_wrap=True)
    if found.differences:
        notes.print("the mirrors were rebuilt from the trial files")
        raise typer.Exit(1)


app.command()(study_status.status)
app.command()(study_plan.plan)
