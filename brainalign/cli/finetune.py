"""`brainalign finetune`: train attention modules by betas, by the right answers, or by both, beside the controls."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from brainalign.cli.options import (
    DEFAULT_STORE,
    BetasOption,
    DatasetOption,
    JsonOption,
    ModelOption,
    RoiOption,
    SimulateOption,
    StoreOption,
    SubjectsOption,
    choose_roi,
    open_dataset,
    open_store,
)
from brainalign.cli.output import console, notes, print_json, print_table
from brainalign.cli.steer_settings import LayersOption, LossOption, layer_run, span, split_names

if TYPE_CHECKING:
    from pyarrow import Table

    from brainalign.artifacts import Part, Result
    from brainalign.betas import FmriDataset
    from brainalign.finetuning import Execution
    from brainalign.trials import Ask, Context, Tuning

app = typer.Typer(help="Train attention modules by betas, by the right answers, or by both.")

_PARTS: "dict[Part, str]" = {"selection": "validation", "report": "test"}
_FIGURES = ("accuracy", "balanced_accuracy", "worst_order", "invalid")


@app.command()
def finetune(
    model: ModelOption = "smollm2-135m",
    kind: Annotated[str, typer.Option(help="narf (betas), narf_label (betas and answers) or label.")] = "narf_label",
    arms: Annotated[str, typer.Option(help="Comma-separated; default: the method and its random betas.")] = "",
    seeds: Annotated[int, typer.Option(min=1, help="Replicate seeds 0, 1, …, each a training of its own.")] = 1,
    layers: LayersOption = "",
    dataset: DatasetOption = "deductive",
    roi: RoiOption = None,
    loss: LossOption = "cosine",
    targets: Annotated[str, typer.Option(help="direct (betas); nearest or all states that NARI reached.")] = "direct",
    train_on: Annotated[str, typer.Option(help="scanner, or generated-N for N generated problems.")] = "scanner",
    epochs: Annotated[int, typer.Option(min=1)] = 10,
    batch_size: Annotated[int, typer.Option(min=1)] = 14,
    learning_rate: Annotated[float, typer.Option(help="Largest rate of AdamW.")] = 1e-4,
    lora: Annotated[int, typer.Option("--lora", min=0, help="Rank of the adapters; 0 trains modules in full.")] = 8,
    train_weight: Annotated[float | None, typer.Option(help="Weight of the brain loss.")] = None,
    label_weight: Annotated[float | None, typer.Option(help="Weight of the answer's cross-entropy.")] = None,
    workers: Annotated[int, typer.Option("--workers", min=1, help="Processes; more than one under Ray Train.")] = 1,
    zero: Annotated[int, typer.Option("--zero", min=0, max=3, help="DeepSpeed's ZeRO stage.")] = 0,
    offload: Annotated[bool, typer.Option("--offload", help="Keep what stage 3 partitions in host memory.")] = False,
    save: Annotated[Path | None, typer.Option("--save", help="Folder for the trained weights of each arm.")] = None,
    store: StoreOption = DEFAULT_STORE,
    betas: BetasOption = None,
    simulate: SimulateOption = False,
    subjects: SubjectsOption = None,
    json: JsonOption = False,
) -> None:
    """Train, keep the epoch that is best on validation problems, and test once; every arm is trained alike.

    Validation and test problems are generated, asked in all orders of their premises, and share no word with each other
    or with what is trained on. Run again, a finished training is found in the store.

    Example: brainalign finetune --model smollm2-135m --kind narf_label --epochs 3 --seeds 3 --json
    """
    from brainalign.finetuning import Execution
    from brainalign.study import check_name
    from brainalign.trials import Ask, Tuning, trial_kind

    tuning = trial_kind(kind)
    if not isinstance(tuning, Tuning):
        check_name(kind, ("narf", "narf_label", "label"), "--kind")
    assert isinstance(tuning, Tuning)
    names = split_names(arms) or tuning.default_arms
    for name in names:
        check_name(name, tuning.arms, "--arms")
    data = open_dataset(betas, simulate, subjects, dataset)
    chosen = {
        "roi": choose_roi(roi, data), "loss": loss, "targets": targets, "train_on": train_on, "epochs": epochs,
        "batch_size": batch_size, "learning_rate": learning_rate, "lora_rank": lora, "train_weight": train_weight,
        "label_loss_weight": label_weight, "layers": {"run": layer_run(layers)} if layers else None,
    }  # fmt: skip
    setting = _checked(tuning, model, chosen)
    context = _context(data, model, store, Execution(workers, zero, offload))
    asks = {arm: [Ask(setting, arm, "selection", seed) for seed in range(seeds)] for arm in names}
    found = {arm: [_results(tuning, ask, context) for ask in members] for arm, members in asks.items()}
    facts = {
        "model": model,
        "kind": kind,
        "data": context.dataset.source.kind,
        "setting": setting,
        "arms": {arm: [_facts(seed, parts) for seed, parts in enumerate(members)] for arm, members in found.items()},
        "comparisons": _comparisons(found),
    }
    if save is not None:
        facts["saved"] = [str(tuning.save(ask, context, save)) for members in asks.values() for ask in members]
    if json:
        print_json(facts)
    else:
        _print(facts)


def _checked(tuning: "Tuning", model: str, chosen: Mapping[str, Any]) -> dict[str, Any]:
    """Fill a setting up with the source's values; an error names what cannot run, before anything is loaded."""
    from brainalign.trials import one_point
    from brainalign.zoo import model_facts

    default = tuning.default_setting()
    setting = {**default, **{name: value for name, value in chosen.items() if name in default and value is not None}}
    tuning.check(one_point(setting), model_facts(model), 1)
    return setting


def _context(dataset: "FmriDataset", model: str, store: Path, execution: "Execution") -> "Context":
    from brainalign.stimuli import split_problems
    from brainalign.trials import Context

    return Context(open_store(store), dataset, split_problems(dataset.problems), model, execution=execution)


def _results(tuning: "Tuning", ask: "Ask", context: "Context") -> "dict[Part, Result]":
    """Find or make what one training gives on both sets of problems."""
    from brainalign.trials import find_or_run

    return {part: find_or_run(tuning, replace(ask, part=part), context)[0] for part in _PARTS}


def _facts(seed: int, parts: "Mapping[Part, Result]") -> dict[str, Any]:
    """Scores of one training on both sets of problems."""
    facts: dict[str, Any] = {"seed": seed, "training": parts["selection"].detail["training"]}
    for part, name in _PARTS.items():
        detail = parts[part].detail
        facts[name] = {"before": detail["before"], "after": detail["after"], "outcomes": detail["summary"]}
    return facts


def _comparisons(found: "Mapping[str, Sequence[Mapping[Part, Result]]]") -> dict[str, Any]:
    """Compare the method with each control on the test problems; seeds stand for subjects."""
    from brainalign.steering import compare

    method, *controls = found
    tables = {arm: _all_seeds([parts["report"] for parts in members]) for arm, members in found.items()}
    return {arm: compare(tables[method], tables[arm]).to_json() for arm in controls}


def _all_seeds(results: "Sequence[Result]") -> "Table":
    import pyarrow as pa

    column = results[0].outcomes.column_names.index("subject")
    return pa.concat_tables(
        result.outcomes.set_column(column, "subject", pa.array([f"seed {seed}"] * result.outcomes.num_rows))
        for seed, result in enumerate(results)
    )


def _print(facts: Mapping[str, Any]) -> None:
    for name in _PARTS.values():
        rows = []
        for arm, seeds in facts["arms"].items():
            for seed in seeds:
                before, after = (seed[name][when]["intervals"] for when in ("before", "after"))
                cells = [f"{_share(before[figure])} → {_share(after[figure])}" for figure in _FIGURES]
                net = seed[name]["outcomes"]
                rows.append([arm, seed["seed"], *cells, net["net_balanced_accuracy"], span(net["interval"])])
        columns = ("arm", "seed", *_FIGURES, "net", "95 % interval of net")
        print_table(f"{facts['kind']}, {facts['model']}: {name} problems in all orders, before → after", columns, rows)
    for arm, found in facts["comparisons"].items():
        interval = found["interval"]
        console.print(f"{next(iter(facts['arms']))} minus {arm}, test: {interval['estimate']:+.3f} {span(interval)}")
    notes.print("[dim]net: change of balanced accuracy; intervals resample problems (and seeds, where compared)[/dim]")


def _share(interval: Mapping[str, Any]) -> str:
    return f"{interval['estimate']:.3f}"
