"""`brainalign zoo`: list, show, fetch, check, plan and train the models."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from brainalign.cli.options import JsonOption
from brainalign.cli.output import print_json, print_table
from brainalign.cli.zoo_plan import plan
from brainalign.cli.zoo_training import train_adapter, train_nano
from brainalign.errors import ModelError

if TYPE_CHECKING:
    from brainalign.zoo import ModelFacts

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help="List, show, fetch, check and plan the models.\n\nExample: brainalign zoo list",
)
LISTED = (
    "name",
    "hub_id",
    "n_parameters",
    "n_layers",
    "hidden_size",
    "family",
    "licence",
    "gated",
    "embedded",
    "quantisation",
)
CacheOption = Annotated[
    Path | None, typer.Option("--cache", help="Where models are kept; default BRAINALIGN_CACHE, else the user cache.")
]
NameArgument = Annotated[str, typer.Argument(help="A model's name; NAME@REVISION for another revision.")]


@app.command(name="list")
def list_command(json: JsonOption = False) -> None:
    """List the models that a study can name.

    Example: brainalign zoo list --json
    """
    from brainalign.zoo import list_models

    models = [_listed(facts) for facts in list_models()]
    if json:
        print_json(models)
        return
    columns = [column for column in LISTED if column != "hub_id"]
    print_table("Models", columns, [[model[column] for column in columns] for model in models])


def _listed(facts: "ModelFacts") -> dict[str, Any]:
    """Fields of a listing; a model that was trained from another says which."""
    listed = {column: getattr(facts, column) for column in LISTED}
    return listed if facts.base is None else {**listed, "base": facts.base}


@app.command()
def show(name: NameArgument, json: JsonOption = False) -> None:
    """Show what is known of a model.

    Example: brainalign zoo show smollm2-135m
    """
    from brainalign.zoo import model_facts

    facts = asdict(model_facts(name))
    if json:
        print_json(facts)
        return
    print_table(name, ("what", "value"), [(what, _cell(what, value)) for what, value in facts.items()])


def _cell(what: str, value: Any) -> Any:
    if what == "revision" and value == "main":
        return "main (not pinned: fetch records the commit)"
    if what == "cards" and value is not None:
        return ", ".join(f"{use} {card['count']} x {card['size_gb']} GB" for use, card in value.items())
    if what == "chat":
        return ", ".join(f"{rule} {setting!r}" for rule, setting in value.items() if setting not in ((), ""))
    return value


@app.command()
def fetch(
    name: NameArgument,
    source: Annotated[
        str | None,
        typer.Option("--from", help="A folder or fsspec address (file:///, s3://, …) in place of the hub."),
    ] = None,
    cache: CacheOption = None,
    json: JsonOption = False,
) -> None:
    """Fetch a model's files, whole or not at all; a fetch that broke off goes on.

    HF_TOKEN opens gated models, HF_ENDPOINT names another hub.

    Example: brainalign zoo fetch qwen2-1.5b-instruct --from /shared/models/Qwen2-1.5B-Instruct
    """
    from brainalign.zoo import model_facts
    from brainalign.zoo.fetch import fetch_model

    found = fetch_model(model_facts(name), source=source, cache=cache)
    sidecar = found.sidecar
    facts = {
        "name": name,
        "folder": str(found.folder),
        "source": sidecar.source,
        "revision": sidecar.revision,
        "commit": sidecar.commit,
        "n_files": len(sidecar.files),
        "n_bytes": found.n_bytes,
        "was_there": found.was_there,
    }
    if json:
        print_json(facts)
        return
    print_table("Fetched", ("what", "value"), list(facts.items()))


@app.command()
def check(
    name: NameArgument,
    dtype: Annotated[str | None, typer.Option(help="Type of the weights; the model's own by default.")] = None,
    device: Annotated[str, typer.Option(help="A torch device, or auto for all GPUs.")] = "cpu",
    quantisation: Annotated[str, typer.Option(help="Of the weights: none, fp8 or nf4.")] = "none",
    processes: Annotated[int, typer.Option(min=1, help="Start so many that share every layer (tensor parallel).")] = 1,
    cache: CacheOption = None,
    json: JsonOption = False,
) -> None:
    """Load a model, let it answer, hook it and steer it, each compared with plain passes of transformers.

    Example: brainalign zoo check tiny-random-gemma2
    """
    from brainalign.activations.check import check_model, check_on_processes
    from brainalign.zoo import load_model

    options: dict[str, Any] = {"dtype": dtype, "device": device, "cache": cache, "quantisation": quantisation}
    found = (
        check_on_processes(name, processes, **options) if processes > 1 else check_model(load_model(name, **options))
    )
    if json:
        print_json({"name": name, "checks": [asdict(row) for row in found]})
    else:
        rows = [(row.what, row.found, "ok" if row.passed else "FAILED") for row in found]
        print_table(f"Check of {name}", ("what", "found", ""), rows)
    failed = [row.what for row in found if not row.passed]
    if failed:
        raise ModelError(f"expected every check of {name} to pass, found {', '.join(failed)} failed: see the table")


app.command()(plan)
app.command(name="train-nano")(train_nano)
app.command(name="train-adapter")(train_adapter)
