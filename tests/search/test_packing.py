"""Two models on one machine: a worker process keeps its model, and the tables do not depend on who packed what."""

from pathlib import Path

import pytest

from brainalign.artifacts import Store
from brainalign.search import run_study
from brainalign.study import parse_study
from tests.search.quickstart import Finished, scientific, small_quickstart

pytestmark = pytest.mark.slow


def test_a_worker_serves_all_kinds_and_arms_of_one_model_and_no_other(finished: Finished, tmp_path: Path) -> None:
    raw = {**small_quickstart("quickstart"), "models": ["tiny-random-llama", "tiny-random-qwen2"]}
    store = Store(tmp_path)
    done = run_study(parse_study(raw, "study.yaml"), store=store)
    assert (done.n_done, done.n_failed, done.n_lost) == (52, 0, 0)
    rows = store.read_trials("quickstart")
    models: dict[str, set[str]] = {}
    kinds: dict[str, set[str]] = {}
    for row in rows:
        models.setdefault(row.host, set()).add(row.model)
        kinds.setdefault(row.host, set()).add(row.kind)
    assert all(len(names) == 1 for names in models.values())
    assert any(len(names) == 2 for names in kinds.values())
    assert len(models) < 10  # of 52 trials: nearly all found their model loaded
    llama = [row for row in scientific(rows) if row["model"] == "tiny-random-llama"]
    assert llama == scientific(finished.store.read_trials("quickstart"))
