"""The benchmark's studies are real ones: what it times does what it says."""

from brainalign.artifacts import Store
from brainalign.search.benchmark import _fill, _resume, _study, benchmark_scale
from brainalign.search.ledger import Ledger, stored_study
from brainalign.search.optuna_mirror import OptunaMirror


def test_the_timed_store_is_whole_and_resumes(store: Store) -> None:
    study = _study(5, ("guided", "bias"))
    _fill(store, study)
    rows = store.read_trials(study.name)
    assert len(rows) == 10
    assert all(store.is_whole(row) for row in rows)
    ledger = Ledger(stored_study(store, study.name), rows)
    assert (ledger.n_done, ledger.n_total) == (10, 14)
    _resume(store, study)
    assert len(OptunaMirror(store.study_folder(study.name) / "optuna.journal", study).finished()) == 10


def test_all_figures_are_there() -> None:
    figures = benchmark_scale(20, 2).to_json()
    assert figures["n_trials"] == 20
    assert all(value > 0 for value in figures.values())
