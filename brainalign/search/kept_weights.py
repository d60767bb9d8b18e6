"""The trained weights of a study within its budget: those of dominated trials go first, a winner's never."""

from collections.abc import Iterator

from brainalign.artifacts import Store, TrialRow
from brainalign.finetuning import KeptWeights, keep_within, measure_weights
from brainalign.search.ledger import Ledger
from brainalign.study import Branch, branches

_GIB = 2**30


def keep_weights(ledger: Ledger, store: Store) -> tuple[str, ...]:
    """Delete weights of finished trials until the rest fits the budget of the study file; their keys.

    The best trial of every arm so far keeps its weights, so the winner has them when it is read on the report part. A
    deleted training is made again where somebody asks for it.

    Raises
    ------
    StudyError
        A folder cannot be deleted.
    """
    budget_gib = ledger.study.execution.weights_gib
    if budget_gib is None:
        return ()
    kept: dict[str, KeptWeights] = {}
    for branch in branches(ledger.study):
        for weights in _of_branch(ledger, store, branch):
            other = kept.get(weights.trial)
            if other is None or (weights.is_winner and not other.is_winner):
                kept[weights.trial] = weights  # a training that two arms share is a winner's if it is one's
    return keep_within(store.checkpoints, kept.values(), round(budget_gib * _GIB))


def _of_branch(ledger: Ledger, store: Store, branch: Branch) -> Iterator[KeptWeights]:
    rows = [row for row in ledger.trials(branch) if row.state == "COMPLETE" and row.result_key]
    goals = ledger.study.goals(branch.kind)
    best = goals.best(rows)
    sign = -1.0 if goals.directions[ledger.study.objective(branch.kind)] == "minimize" else 1.0
    for row in rows:
        for key in _trainings(store, row):
            objective = None if row.objective is None else sign * row.objective
            n_bytes = measure_weights(store.checkpoints / key)
            yield KeptWeights(key, objective, n_bytes, best is not None and row.number == best.number)


def _trainings(store: Store, row: TrialRow) -> list[str]:
    """Keys of the trainings that a result stands on."""
    stands_on = store.result_facts(row.result_key or "").get("stands_on") or ()
    return [key for key in stands_on if (store.checkpoints / key).is_dir()]
