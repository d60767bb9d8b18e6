"""`brainalign study status`: how far a study is, what failed, and what it took beside what was expected."""

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from brainalign.cli.options import DEFAULT_STORE, JsonOption, StoreOption, open_store
from brainalign.cli.output import console, print_json, say_source, table

if TYPE_CHECKING:
    from rich.console import RenderableType

    from brainalign.artifacts import Store

WATCH_EVERY_S = 2.0
_COLUMNS = {"branch": "branch", "n_trials": "trials", "n_done": "done", "n_pruned": "stopped", "n_failed": "failed"}
_COLUMNS |= {"best": "best"}
_COSTS = {"n_trials": "trials", "gpu_hours": "GPU-hours", "cpu_hours": "core-hours", "wall_s": "wall, s"}
_COSTS |= {"disk_gib": "disk, GiB"}


def status(
    name: Annotated[str, typer.Argument(help="The study's name.")],
    store: StoreOption = DEFAULT_STORE,
    watch: Annotated[bool, typer.Option("--watch", help="Show it anew every two seconds until it is done.")] = False,
    json: JsonOption = False,
) -> None:
    """Say how far a study is, what failed and why, and what it took beside what was expected.

    Example: brainalign study status quickstart
    """
    from brainalign.search import study_status

    where = open_store(store)
    if watch:
        _watch(where, name, json)
        return
    found = study_status(where, name)
    if json:
        print_json(found)
        return
    data = where.read_manifest(name)["data"]
    say_source(data["source"], data["description"])
    console.print(_page(found))


def _watch(store: "Store", name: str, json: bool) -> None:
    """Show a study until all its places are done or Ctrl-C; with `json` one document a change."""
    from rich.live import Live

    last = None
    with Live(console=console, auto_refresh=False, transient=False) as live:
        for found in _looks(store, name):
            if json and found != last:
                print_json(found)
            elif not json:
                live.update(_page(found), refresh=True)
            last = found


def _looks(store: "Store", name: str) -> Iterator[dict[str, Any]]:
    from brainalign.search import study_status

    try:
        while True:
            found = study_status(store, name)
            yield found
            if found["n_done"] == found["n_total"]:
                return
            time.sleep(WATCH_EVERY_S)
    except KeyboardInterrupt:
        return


def _page(found: dict[str, Any]) -> "RenderableType":
    """Put tables and lines under one another."""
    from rich.console import Group
    from rich.text import Text

    rows = [tuple(branch[key] for key in _COLUMNS) for branch in found["branches"]]
    title = f"{found['name']}: {found['n_done']} of {found['n_total']}"
    lines = [*_goal_lines(found), *failure_lines(found["failures"]), *cost_lines(found["costs"])]
    return Group(table(title, tuple(_COLUMNS.values()), rows), *map(Text, lines))


def _goal_lines(found: dict[str, Any]) -> Iterator[str]:
    for branch in found["branches"]:
        if branch["missed"]:
            missed = ", ".join(branch["missed"])
            yield f"{branch['branch']}: no trial meets all constraints, the best misses {missed}"
        if "front" in branch:
            numbers = ", ".join(str(one["number"]) for one in branch["front"]) or "none"
            yield f"{branch['branch']}: Pareto front: trials {numbers}"


def failure_lines(failures: dict[str, Any]) -> Iterator[str]:
    """Say which classes of failure there were, and the last ones in words."""
    for name, n_ended in failures["ended"].items():
        n_met = failures["met"][name]
        if n_ended or n_met:
            yield f"failures, {name}: {n_ended} trials failed, {n_met} faults around trials"
    if failures["smaller_batches"]:
        yield f"computed in smaller batches for want of memory: {failures['smaller_batches']} trials"
    for one in failures["last"]:
        yield f"  {one['place']}: {one['failure']}: {one['reason']}"


def cost_lines(costs: dict[str, Any]) -> Iterator[str]:
    """Say what was taken beside what was expected for the whole study."""
    predicted = costs["predicted"]
    parts = []
    for key, words in _COSTS.items():
        actual = costs["actual"][key]
        if predicted and (predicted[key]["value"] or actual):
            one = predicted[key]
            interval = "" if one["low"] == one["high"] else f" [{one['low']:.3g}, {one['high']:.3g}]"
            parts.append(f"{words} {actual:.3g} of {one['value']:.3g}{interval}")
        elif actual:
            parts.append(f"{words} {actual:.3g}")
    if parts:
        yield f"taken so far{', of what was expected for all' if predicted else ''}: {'; '.join(parts)}"
    if costs["caps"]:
        yield "caps: " + ", ".join(f"{name} {cap:g}" for name, cap in costs["caps"].items())
    if costs["stopped_by"]:
        yield f"the last run was stopped by the cap {costs['stopped_by']}"
