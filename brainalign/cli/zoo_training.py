"""`brainalign zoo train-nano` and `train-adapter`: make the trained models again, and the cards that go with them."""

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
    from brainalign.zoo.nano.record import record_run
    from brainalign.zoo.nano.sizes import find_sizes
    from brainalign.zoo.nano.training import Plan, train
    from brainalign.zoo.training_record import write_record

    plan = Plan() if steps is None else Plan(n_steps=steps)
    records = []
    for size in find_sizes(model):
        run = train(size, plan, seed, out, _progress(size, plan.n_steps))
        write_weights(run.weights, out / f"{size.name}.safetensors")
        records.append(record_run(size, plan, seed, run))
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


def train_adapter(
    out: Annotated[Path, typer.Option("--out", help="Folder for adapter, checkpoints and the model card.")] = Path(
        "adapter"
    ),
    seed: Annotated[int, typer.Option(help="Names the random streams of adapter and questions; shipped: 0.")] = 0,
    blocks: Annotated[int | None, typer.Option(min=1, help="Fewer or more blocks of questions than shipped.")] = None,
    damage: Annotated[
        Path | None, typer.Option("--damage", envvar="BRAINALIGN_EVALUATION", help="Folder of the general tasks.")
    ] = None,
    card: Annotated[bool, typer.Option(help="Score base and adapter on unseen words and write the card.")] = True,
    json: JsonOption = False,
) -> None:
    """Train the adapter of smollm2-135m-logic; a run that was stopped goes on from its last epoch.

    Example: brainalign zoo train-adapter --out adapter
    """
    from brainalign.finetuning.logic.files import write_adapter
    from brainalign.finetuning.logic.plan import DTYPE, NAME, Plan
    from brainalign.finetuning.logic.training import train_adapter as train
    from brainalign.zoo import load_model, model_facts

    facts = model_facts(NAME)
    plan = Plan() if blocks is None else Plan(n_blocks=blocks)
    base = load_model(str(facts.base), dtype=DTYPE)
    record = write_adapter(train(base, plan, seed, out, _told(NAME, plan.n_steps)), base, plan, seed, out)
    if card:
        from brainalign.evaluation.damage_tasks import read_damage_tasks
        from brainalign.evaluation.logic_card import N_DAMAGE, write_card

        write_card(facts, out, () if damage is None else read_damage_tasks(damage, N_DAMAGE))
    if json:
        print_json(record.to_json())
    else:
        rows = [[record.name, record.n_parameters, record.n_questions, f"{record.seconds:.0f}"]]
        print_table("Trained", ("model", "parameters", "questions", "processor seconds"), rows)


def _told(name: str, n_steps: int) -> "Callable[[int, float, float], None]":
    recent: list[float] = []

    def tell(step: int, loss: float, seconds: float) -> None:
        recent.append(loss)
        if step % _SHOWN_EVERY == 0 or step == n_steps:
            mean = sum(recent) / len(recent)
            notes.print(f"{name}: step {step} of {n_steps}, loss {mean:.3f}, {seconds:.0f} processor seconds")
            recent.clear()

    return tell
