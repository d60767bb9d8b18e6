"""Do Optuna's storage and MLflow say what the trial files say? Where not, they are rebuilt."""

from dataclasses import dataclass

from brainalign.artifacts import Store, table_hash
from brainalign.search.lease import lease
from brainalign.search.ledger import stored_study
from brainalign.search.optuna_mirror import OptunaMirror
from brainalign.tracking import count_runs, mirror


@dataclass(frozen=True)
class Verification:
    """Trials in a final state by each account, and where the mirrors differed before they were rebuilt.

    `table_hash` is that of the scientific columns of all rows: two runs of one study have the same.
    """

    n_parquet: int
    n_optuna: int
    n_mlflow: int
    differences: tuple[str, ...]
    table_hash: str = ""


def verify_study(store: Store, name: str) -> Verification:
    """Compare the three accounts of a study and rebuild the mirrors that differ.

    Raises
    ------
    StudyError
        There is no such study, or a driver is running it.
    """
    study = stored_study(store, name)
    with lease(store.study_folder(name)):
        rows = [row for row in store.read_trials(name) if row.part == "selection"]
        optuna = OptunaMirror(store.study_folder(name) / "optuna.journal", study)
        found = optuna.finished()
        differences = [
            f"results: {row.place}: expected outcomes, found none or a damaged file: `study resume` makes them again"
            for row in store.read_trials(name)
            if not store.is_whole(row)
        ]
        differences += _differences({row.place: optuna.state(row) for row in rows}, found)
        optuna.rebuild(rows)
        n_mlflow = count_runs(store, name)
        changed = mirror(store, name)
    if n_mlflow != len(rows):
        differences.append(f"MLflow: expected {len(rows)} trials, found {n_mlflow}")
    elif changed.n_created or changed.n_updated:
        differences.append(f"MLflow: {changed.n_created} runs were missing and {changed.n_updated} differed")
    return Verification(len(rows), len(found), n_mlflow, tuple(differences), table_hash(store.read_trials(name)))


def _differences(wanted: dict[str, str], found: dict[str, str]) -> list[str]:
    places = sorted(set(wanted) | set(found))
    pairs = [(place, wanted.get(place, "absent"), found.get(place, "absent")) for place in places]
    return [f"Optuna: {place}: expected {truth}, found {other}" for place, truth, other in pairs if truth != other]
