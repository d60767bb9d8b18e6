"""`brainalign zoo`: list, show, fetch and check the models."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from brainalign.cli.options import JsonOption
from brainalign.cli.output import print_json, print_table

if TYPE_CHECKING:
    from brainalign.zoo import ModelFacts

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help="List, show, fetch and check the models.\n\nExample: brainalign zoo list",
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
