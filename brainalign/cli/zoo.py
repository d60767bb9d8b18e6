"""`brainalign zoo`: list and show the models."""

from dataclasses import asdict
from typing import Annotated

import typer

from brainalign.cli.options import JsonOption
from brainalign.cli.output import print_json, print_table
from brainalign.cli.zoo_training import train_nano

app = typer.Typer(
    no_args_is_help=True, add_completion=False, help="List and show the models.\n\nExample: brainalign zoo list"
)


@app.command(name="list")
def list_command(json: JsonOption = False) -> None:
    """List the models that a study can name.

    Example: brainalign zoo list --json
    """
    from brainalign.zoo import list_models

    models = [asdict(facts) for facts in list_models()]
    if json:
        print_json(models)
        return
    columns = ("name", "n_parameters", "n_layers", "hidden_size", "family", "licence", "quantisation")
    print_table("Models", columns, [[model[column] for column in columns] for model in models])


@app.command()
def show(name: Annotated[str, typer.Argument(help="A model's name.")], json: JsonOption = False) -> None:
    """Show what is known of a model.

    Example: brainalign zoo show smollm2-135m
    """
    from brainalign.zoo import model_facts

    facts = asdict(model_facts(name))
    if json:
        print_json(facts)
        return
    print_table(name, ("what", "value"), list(facts.items()))


app.command(name="train-nano")(train_nano)
