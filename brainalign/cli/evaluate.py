"""`brainalign evaluate`: a model's answers in all premise orders, beside people, and what steering breaks."""

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from brainalign.cli.options import BetasOption, JsonOption, ModelOption, SimulateOption, open_dataset
from brainalign.cli.output import console, notes, print_json, print_table

if TYPE_CHECKING:
    from brainalign.evaluation.order_answers import Within
    from brainalign.stimuli import Wording
    from brainalign.zoo import LanguageModel

app = typer.Typer(help="Score a model in all premise orders, beside people, and what steering breaks.")

_COLUMNS = {
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced",
    "worst_order": "worst order",
    "all_orders": "all orders",
    "flip_rate": "flips",
    "invalid": "invalid",
}
_ITEMS_HELP = "Items of each general task, three times as many of MMLU, seven times of BLiMP."


@app.command()
def evaluate(
    data: Annotated[
        Path, typer.Option("--data", help="Problems: the release's JSON, FOLIO and others, or JSON lines.")
    ],
    model: ModelOption = "smollm2-135m",
    orders: Annotated[str, typer.Option(help="Of the premises: all, forward or sample:N.")] = "all",
    steer: Annotated[Path | None, typer.Option("--steer", help="Steering vectors, a file of `steer transfer`.")] = None,
    strength: Annotated[float, typer.Option(help="What the vectors are multiplied by.")] = 1.0,
    operator: Annotated[str, typer.Option(help="add, project_out or add_rescaled.")] = "add",
    wording: Annotated[Path | None, typer.Option(help="Release folder whose words to use; default: our own.")] = None,
    damage: Annotated[
        Path | None,
        typer.Option(envvar="BRAINALIGN_EVALUATION", help="Folder of general tasks, scored before and after --steer."),
    ] = None,
    damage_items: Annotated[int, typer.Option(min=1, help=_ITEMS_HELP)] = 40,
    people: Annotated[bool, typer.Option("--people", help="Also compare with the subjects of the betas.")] = False,
    betas: BetasOption = None,
    simulate: SimulateOption = False,
    json: JsonOption = False,
) -> None:
    """Ask a model problems in the orders of their premises; beside each accuracy, what the problems' surface tells.

    Example: brainalign evaluate --model smollm2-135m --data problems.jsonl --orders all --json
    """
    from brainalign.evaluation import evaluate as score
    from brainalign.stimuli import read_problems
    from brainalign.zoo import load_model

    problems, loaded = read_problems(data), load_model(model)
    within = _steering(loaded, steer, strength, operator)
    found = score(loaded, problems, _wording(wording), orders=orders, within=within)
    facts: dict[str, Any] = {
        "data": str(data),
        "steer": None if steer is None else {"vectors": str(steer), "strength": strength, "operator": operator},
        **found.to_json(),
    }
    if steer is not None and damage is not None:
        facts["damage"] = _damage(loaded, damage, damage_items, within)
    if people:
        facts["people"] = _people(loaded, within, betas, simulate)
    if json:
        print_json(facts)
    else:
        _print(facts)


def _wording(folder: Path | None) -> "Wording":
    from brainalign.stimuli import own_wording, release_wording

    return own_wording() if folder is None else release_wording(folder)


def _steering(model: "LanguageModel", path: Path | None, strength: float, operator: str) -> "Within":
    if path is None:
        return nullcontext
    from brainalign.steering.operators import steered
    from brainalign.steering.vectors import load_vectors

    vectors = load_vectors(path, model)
    return lambda: steered(model, vectors, strength, operator=operator)


def _damage(model: "LanguageModel", folder: Path, n_items: int, within: "Within") -> list[dict[str, Any]]:
    from brainalign.evaluation.damage import measure_damage
    from brainalign.evaluation.damage_tasks import read_damage_tasks

    return [row.to_json() for row in measure_damage(model, read_damage_tasks(folder, n_items), within)]


def _people(model: "LanguageModel", within: "Within", betas: Path | None, simulate: bool) -> dict[str, Any]:
    from brainalign.activations import answer_prompts, encode_problems
    from brainalign.evaluation.humans import compare_with_people

    dataset = open_dataset(betas, simulate, None)
    with within():
        answers = answer_prompts(model, encode_problems(model, dataset.problems, dataset.wording))
    return {"source": dataset.source.kind, **compare_with_people(answers.answer, dataset).to_json()}


def _print(facts: Mapping[str, Any]) -> None:
    parts = {"all": facts, **facts["by_type"], **facts["by_category"]}
    rows = [[name, *(part[column] for column in _COLUMNS), _shortcut(facts, name)] for name, part in parts.items()]
    title = f"{facts['model']}, {facts['data']}, orders {facts['orders']}"
    print_table(title, ("problems", *_COLUMNS.values(), "surface"), rows)
    for name in ("accuracy", "balanced_accuracy"):
        spread, error = facts["intervals"][name], facts["sampling_error"][name]
        sampled = f", standard error of the sampled orders {error:.3f}" if error else ""
        console.print(f"{name} {spread['estimate']:.3f} {_span(spread)}{sampled}")
    if len(facts["by_tau"]) > 1:
        taus = [[f"{row['tau']:+.2f}", row["accuracy"], _span(row["interval"])] for row in facts["by_tau"]]
        print_table("By Kendall's tau against the forward order", ("tau", "accuracy", "95 % interval"), taus)
    if "damage" in facts:
        _print_damage(facts["damage"])
    if "people" in facts:
        _print_people(facts["people"])
    for error in facts["errors"]:
        notes.print(f"[yellow]left out:[/] {escape(error['stimulus_id'])}: {escape(error['error'])}", soft_wrap=True)


def _print_damage(rows: Sequence[Mapping[str, Any]]) -> None:
    cells = [
        [row["task"], row["n"], row["before"], row["after"], row["difference"]["estimate"], _span(row["difference"])]
        for row in rows
    ]
    print_table("General tasks", ("task", "n", "before", "after", "difference", "95 % interval"), cells)


def _print_people(facts: Mapping[str, Any]) -> None:
    rows = [[name, facts["model"][name], spread["estimate"], _span(spread)] for name, spread in facts["people"].items()]
    print_table(f"Beside people ({facts['source']})", ("problems", "model", "people", "95 % interval"), rows)
    for name, found in facts["consistency"].items():
        console.print(
            f"{name}: agreement {found['agreement']['estimate']:.3f} {_span(found['agreement'])}, by chance "
            f"{found['chance']['estimate']:.3f}, kappa {found['kappa']['estimate']:+.3f} {_span(found['kappa'])}",
            soft_wrap=True,
        )


def _shortcut(facts: Mapping[str, Any], name: str) -> float | None:
    return facts["shortcut"][name]["accuracy"] if name in facts["shortcut"] else None


def _span(interval: Mapping[str, Any]) -> str:
    low, high = interval["low"], interval["high"]
    return "–" if low is None or high is None else f"[{low:.3f}, {high:.3f}]"
