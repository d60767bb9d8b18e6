"""The application: verbs, and what happens to errors."""

import sys
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from brainalign.errors import BrainalignError

# A verb's module is imported when the verb is used or asked for help, so that `brainalign --help` answers at once.
VERBS = {
    "data": "Find, fetch and show the betas and problems.",
    "zoo": "List and show the models.",
    "activations": "Extract a model's states on the problems.",
    "predictivity": "How well a model's states predict the betas.",
    "steer": "Move a model's states towards the brain's, at inference.",
    "finetune": "Train attention modules by betas, by the right answers, or by both.",
    "evaluate": "Score a model in all premise orders, beside people, and what steering breaks.",
    "study": "Plan, run, resume and check studies.",
    "store": "Say what takes room in a store, and free what nothing points to.",
    "submit": "Send a study to a Ray cluster.",
    "mlflow": "Browse a study's comparison in the MLflow UI.",
    "dashboard": "Look at running and finished studies in a browser.",
    "report": "Write reports from stored results.",
    "bench": "Measure speed against named peers.",
}


class _LazyVerbs(TyperGroup):
    """Knows the verbs by name and loads one when it is needed."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Names of the verbs, in order."""
        return list(VERBS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Load a verb: its real command when it is called, its one line when all are listed."""
        if cmd_name not in VERBS:
            return None
        if not _is_called(cmd_name):
            return TyperCommand(cmd_name, help=VERBS[cmd_name])
        module: Any = import_module(f"brainalign.cli.{cmd_name}")
        command = typer.main.get_command(module.app)
        command.name = cmd_name
        return command


def _is_called(name: str) -> bool:
    return name in sys.argv[1:]


app = typer.Typer(
    cls=_LazyVerbs,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help=(
        "Hyperparameter and scaling studies of brain-guided language models.\n\n"
        "Example: brainalign study run quickstart"
    ),
)


@app.callback()
def _root() -> None:
    """Do nothing: the help of the group stands above."""


def main() -> None:
    """Run the command line; an error that the user can mend is one line and exit code 2."""
    try:
        app()
    except BrainalignError as error:
        from brainalign.cli.output import notes

        notes.print(f"[bold red]error:[/] {_one_line(error)}", soft_wrap=True, markup=True)
        raise SystemExit(2) from None


def _one_line(error: BrainalignError) -> str:
    from rich.markup import escape

    return escape(" ".join(str(error).split()))
