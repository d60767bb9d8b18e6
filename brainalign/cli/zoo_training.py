"""`brainalign zoo train-nano`: make the nano models again, and the card that goes with them."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from brainalign.cli.options import JsonOption
from brainalign.cli.output import notes, print_json, print_table

if TYPE_CHECKING:
    from brainalign.zoo.nano.sizes import Size
    from brainalign.zoo.nano.training import Losses, Run

_SHOWN_EVERY = 25


def train_nano(
    out: Annotated[Path, typer.Option("--out", help="Folder for weights, checkpoints and the model card.")] = Path(
        "nano"
    ),
    model: Annotated[
        list[str] | None, typer.Option("--model", help="A model of the family; several times for several; default all.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Names the random streams of weights and chats; shipped: 0.")] = 0,
    steps: Annotated[int | None, typer.Option(min=1, help="Fewer or more steps than the shipped models had.")] = None,
    card: Annotated[bool, typer.Option(help="Score the models on unseen words and write the card.")] = True,
    json: JsonOption = False,
) -> None:
    """Train the nano family from scratch; a run that was stopped goes on from its last checkpoint.

    Example: brainalign zoo train-nano --model nano-llama-0.2m --out nano
    """
    from brainalign.zoo.nano.model import write_weights
    from brainalign.zoo.nano.record import TrainingRecord, write_record
    from brainalign.zoo.nano.sizes import find_sizes
    from brainalign.zoo.nano.training import Plan, train

    plan = Plan() if steps is None else Plan(n_steps=steps)
    records = []
    for size in find_sizes(model):
        run = train(size, plan, seed, out, _progress(size, plan.n_steps))
        write_weights(run.weights, out / f"{size.name}.safetensors")
        records.append(TrainingRecord.of(size, plan, seed, run))
        write_record(records[-1], out)
    if card:
        from brainalign.evaluation.nano_card import write_card

        write_card(out)
    if json:
        print_json([record.to_json() for record in records])
    else:
        rows = [[record.name, record.n_parameters, record.n_chats, f"{record.seconds:.0f}"] for record in records]
        print_table("Trained", ("model", "parameters", "chats", "processor seconds"), rows)


def _progress(size: "Size", n_steps: int) -> "Callable[[Run, Sequence[Losses]], None]":
    recent: list[Any] = []

    def show(run: "Run", losses: "Sequence[Losses]") -> None:
        recent.extend(losses)
        if run.step % _SHOWN_EVERY == 0 or run.step == n_steps:
            loss = sum(found.answer for found in recent) / len(recent)
            accuracy = sum(found.accuracy for found in recent) / len(recent)
            notes.print(
                f"{size.name}: step {run.step} of {n_steps}, loss {loss:.3f}, training accuracy {accuracy:.3f}, "
                f"{run.seconds:.0f} processor seconds"
            )
            recent.clear()

    return show
