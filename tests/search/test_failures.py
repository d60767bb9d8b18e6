"""What a worker makes of trials that go wrong: each class of failure, on kinds that fail on purpose."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from ray.tune.utils import flatten_dict

from brainalign.artifacts import Result, Store, TrialRow
from brainalign.betas import SimulatorConfig, load_betas
from brainalign.errors import InputError, ModelError, NotFiniteError, StudyError
from brainalign.search.failures import failure_class
from brainalign.search.ledger import Ledger
from brainalign.search.overhead import Dummy
from brainalign.search.spending import failure_counts
from brainalign.search.usage import Usage
from brainalign.search.worker import Held, Shared, TrialWorker, place_config, run_trial
from brainalign.stimuli import split_problems
from brainalign.study import Branch, Place, parse_study
from brainalign.trials import KINDS, Ask, Context, Halted, Rung, Rungs, values_at_rungs

SETTING = {"x": 1.0, "y": 1.0}
PLACE = Place(Branch("tiny-random-llama", "failing", "guided"), 0, "selection")


class Failing(Dummy):
    """Does what a test tells it to do."""

    name = "failing"
    batched = True

    def __init__(self) -> None:
        self.act: Callable[[Context], float] = lambda context: 0.5

    def run(self, ask: Ask, context: Context, key: str) -> Result:
        return Result(key, self.name, ask.arm, {"score": self.act(context)})


@pytest.fixture
def kind() -> Iterator[Failing]:
    made = Failing()
    KINDS["failing"] = made
    yield made
    del KINDS["failing"]


@pytest.fixture
def run(kind: Failing, tmp_path: Path) -> Callable[..., TrialRow]:
    study = parse_study({"name": "s", "models": ["tiny-random-llama"], "kinds": {"failing": {"trials": 3}}}, "s")
    dataset = load_betas(simulate=SimulatorConfig(n_subjects=1, n_problems_per_type=10, seed=1))
    store, split = Store(tmp_path), split_problems(dataset.problems)
    shared = Shared(study, str(tmp_path), dataset, split)
    context = Context(store, dataset, split, "tiny-random-llama")

    def act(what: Callable[[Context], float], number: int = 0, **held: Any) -> TrialRow:
        kind.act = what
        setting = {**SETTING, "x": float(number)}
        return run_trial(replace(PLACE, number=number), setting, shared, context, held=Held(**held))

    return act


def raising(error: BaseException) -> Callable[[Context], float]:
    def act(context: Context) -> float:
        raise error

    return act


def test_a_trial_without_memory_is_tried_in_smaller_batches_and_marked(run: Callable[..., TrialRow]) -> None:
    tried = []

    def act(context: Context) -> float:
        tried.append(context.batch_divisor)
        if context.batch_divisor < 4:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return 0.5

    row = run(act, gpus=0.5, device="NVIDIA H100")
    assert tried == [1, 2, 4]
    assert (row.state, row.batch_divisor, row.failure) == ("COMPLETE", 4, None)
    assert (row.gpus, row.device) == (0.5, "NVIDIA H100")


def test_a_trial_that_no_batch_is_small_enough_for_fails_as_memory(run: Callable[..., TrialRow]) -> None:
    row = run(raising(MemoryError()))
    assert (row.state, row.failure, row.batch_divisor) == ("FAILED", "memory", 1)


def test_a_kind_without_batches_is_not_tried_again(kind: Failing, run: Callable[..., TrialRow]) -> None:
    kind.batched, tried = False, []

    def act(context: Context) -> float:
        tried.append(1)
        raise MemoryError

    assert run(act).failure == "memory"
    assert tried == [1]


def test_a_figure_that_is_no_number_fails_with_its_step(run: Callable[..., TrialRow]) -> None:
    row = run(raising(NotFiniteError("expected a finite loss, found nan at step 17: lower the learning rate")))
    assert (row.state, row.failure) == ("FAILED", "nan")
    assert "step 17" in (row.error or "")
    found = run(lambda context: float("nan"), number=1)
    assert (found.state, found.failure, found.objective) == ("FAILED", "nan", None)


@pytest.mark.parametrize("error", [InputError("expected a, found b"), ModelError("expected weights, found none")])
def test_the_users_mistake_gets_no_row_so_that_it_is_run_when_it_is_mended(
    run: Callable[..., TrialRow], error: Exception
) -> None:
    with pytest.raises(type(error), match="expected"):
        run(raising(error))
    assert run(lambda context: 0.5).state == "COMPLETE"


def test_a_fault_of_the_store_gets_no_row_either(run: Callable[..., TrialRow]) -> None:
    with pytest.raises(StudyError):
        run(raising(StudyError("expected room, found none")))


def test_another_error_keeps_its_traceback(run: Callable[..., TrialRow]) -> None:
    row = run(raising(ZeroDivisionError("by nought")))
    assert row.failure == "error"
    assert "ZeroDivisionError: by nought" in (row.error or "")


@pytest.mark.parametrize(
    ("error", "found"),
    [
        (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate"), "memory"),
        (torch.OutOfMemoryError("x"), "memory"),
        (FloatingPointError("overflow"), "nan"),
        (RuntimeError("shapes do not match"), "error"),
        (ValueError("out of memory is a word"), "error"),
    ],
)
def test_classes_of_errors(error: BaseException, found: str) -> None:
    assert failure_class(error) == found


def test_a_real_allocation_that_is_too_large_is_out_of_memory() -> None:
    with pytest.raises(RuntimeError) as caught:
        torch.empty(1 << 50, dtype=torch.float64)
    assert failure_class(caught.value) == "memory"


def test_every_class_is_counted_and_the_last_ones_are_said(run: Callable[..., TrialRow], tmp_path: Path) -> None:
    rows = [run(raising(MemoryError())), run(raising(NotFiniteError("nan at step 3")), number=1)]
    study = parse_study({"name": "s", "models": ["tiny-random-llama"], "kinds": {"failing": {"trials": 3}}}, "s")
    usage = Usage(Store(tmp_path), "s")
    usage.fail(str(PLACE), "lost", "tried again elsewhere: the actor died")
    found = failure_counts(Store(tmp_path), Ledger(study, rows))
    assert found["ended"] == {"memory": 1, "lost": 0, "nan": 1, "user": 0, "error": 0}
    assert found["met"]["lost"] == 1
    assert "step 3" in found["last"][1]["reason"]


def test_a_modelled_cost_stands_in_the_row_where_it_is_searched_for_and_is_no_measured_time(
    kind: Failing, tmp_path: Path
) -> None:
    raw = {"name": "s", "models": ["tiny-random-llama"]}
    dataset = load_betas(simulate=SimulatorConfig(n_subjects=1, n_problems_per_type=10, seed=1))
    split = split_problems(dataset.problems)
    found = []
    for objective in (["score", "modelled_cost_s"], ["score"]):
        study = parse_study({**raw, "kinds": {"failing": {"trials": 3, "objective": objective}}}, "s")
        store = Store(tmp_path / objective[-1])
        context = Context(store, dataset, split, "tiny-random-llama")
        rows = [
            run_trial(replace(PLACE, number=number), SETTING, Shared(study, str(store.root), dataset, split), context)
            for number in (0, 1)
        ]
        found.append([row.metrics.get("modelled_cost_s") for row in rows])
    assert found[1] == [None, None]
    assert found[0][0] == found[0][1] == 0.0  # the kind says that it computes nothing


def test_a_trial_that_waits_at_a_rung_answers_with_its_values_and_keeps_no_row(kind: Failing, tmp_path: Path) -> None:
    study = parse_study({"name": "s", "models": ["tiny-random-llama"], "kinds": {"failing": {"trials": 3}}}, "s")
    dataset = load_betas(simulate=SimulatorConfig(n_subjects=1, n_problems_per_type=10, seed=1))
    split = split_problems(dataset.problems)
    worker = TrialWorker.__new__(TrialWorker)  # without Ray's own start: what is asked of it is a step
    worker._shared, worker._store = Shared(study, str(tmp_path), dataset, split), Store(tmp_path)
    worker._context = Context(worker._store, dataset, split, "tiny-random-llama")
    rungs = Rungs((Rung(1), Rung(3)), pause=1)
    needs = {"cpus": 1, "gpus": 0, "n_nodes": 1}
    worker.config = {**place_config(PLACE, SETTING, rungs=rungs), "needs": needs}
    kind.act = raising(Halted({1: 0.5}))
    answer = flatten_dict(worker.step())  # as Tune hands it to a searcher
    assert (answer["state"], answer["done"], values_at_rungs(answer)) == ("PAUSED", True, {1: 0.5})
    assert answer["seconds"] >= 0
    assert worker._store.read_trials("s") == []
    worker.config["rungs"] = Rungs((Rung(1), Rung(3)), pause=3, known={1: 0.5}, spent_s=60.0)
    kind.act = raising(ValueError("after the rung"))
    worker.step()
    (row,) = worker._store.read_trials("s")
    assert (row.state, values_at_rungs(row.metrics)) == ("FAILED", {1: 0.5})
    assert row.seconds >= 60
