"""How far a study is, from its trial files alone."""

from typing import Any

from brainalign.artifacts import Store
from brainalign.search.ledger import Ledger, stored_study
from brainalign.search.spending import costs_so_far, failure_counts
from brainalign.study import Branch, front_to_json


def study_status(store: Store, name: str) -> dict[str, Any]:
    """Sum up how far a study is.

    Returns
    -------
    dict
        ``name``, ``data`` (the source of its betas), ``n_done``, ``n_total``, and ``branches``: for each (model, kind,
        arm) its counts, the first objective of its best trial so far, the constraints that this one misses (only where
        no trial meets them all) and, where several objectives are searched, the Pareto front; ``failures`` by class;
        and ``costs``, predicted beside actual.

    Raises
    ------
    StudyError
        The store has no such study or cannot be read.
    """
    ledger = Ledger(stored_study(store, name), store.read_trials(name))
    counts = {"n_done": ledger.n_done, "n_total": ledger.n_total}
    return {
        "name": name,
        "data": store.read_manifest(name)["data"]["source"],
        **counts,
        "branches": [_branch(ledger, branch) for branch in ledger.branches],
        "failures": failure_counts(store, ledger),
        "costs": costs_so_far(store, ledger),
    }


def _branch(ledger: Ledger, branch: Branch) -> dict[str, Any]:
    goals, rows = ledger.study.goals(branch.kind), ledger.trials(branch)
    best = goals.best(rows)
    found = {
        "branch": str(branch),
        "n_trials": ledger.study.n_trials(branch.kind),
        "n_done": len(rows),
        "n_pruned": sum(row.state == "PRUNED" for row in rows),
        "n_failed": sum(row.state == "FAILED" for row in rows),
        "best": None if best is None else best.objective,
        "missed": [] if best is None else [name for name, over in goals.violations(best).items() if over > 0],
    }
    return found | ({"front": front_to_json(goals, rows)} if len(goals.directions) > 1 else {})
