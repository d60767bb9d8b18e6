"""Two gloo workers against plain torch on one process: every architecture, ZeRO 1 to 3."""

import pickle
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from brainalign.errors import TrainingError
from brainalign.finetuning.training_config import Execution, TrainingConfig
from brainalign.zoo import load_model
from tests.finetuning.examples import TINY, both
from tests.finetuning.plain import largest_difference, train_plainly
from tests.finetuning.trainings import guided
from tests.finetuning.worker import Case, Found, Keeping, run

pytestmark = pytest.mark.slow
CONFIG = TrainingConfig(n_epochs=2, batch_size=9, learning_rate=1e-3)
STAGES = (0, 1, 2, 3)


def cases(folder: Path) -> list[Case]:
    found = []
    for model in TINY:
        parameters = both()
        objective = guided(model, parameters)
        for stage in STAGES:
            name = f"{model}, stage {stage}"
            execution = Execution(n_workers=2, zero_stage=stage, micro_batch=2)
            found.append(Case(name, model, parameters, objective, CONFIG, execution, folder / name))
    return found


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Found]:
    folder = tmp_path_factory.mktemp("workers")
    every = cases(folder)
    first = next(case for case in every if case.name == "tiny-random-llama, stage 2")
    alone = replace(first, name="one, halfway", folder=folder / "one", execution=Execution(micro_batch=4))
    alone_found = run(alone, Keeping(alone.folder, 1))
    together = replace(first, name="two, halfway", folder=folder / "two")
    going_on = replace(first, name="one, then two", folder=folder / "one-halfway", execution=Execution(2, 3))
    with (folder / "cases.pickle").open("wb") as handle:
        pickle.dump([*every, together, going_on], handle)
    commands = [[sys.executable, "-m", "tests.finetuning.worker", str(rank), str(folder)] for rank in range(2)]
    workers = [subprocess.Popen(command) for command in commands]
    assert [worker.wait(timeout=500) for worker in workers] == [0, 0]
    with (folder / "found.pickle").open("rb") as handle:
        result: dict[str, Found] = pickle.load(handle)
    back = replace(first, folder=folder / "two-halfway", execution=Execution(1, 0))
    return {**result, alone.name: alone_found, "two, then one": run(back)}


@pytest.mark.parametrize("model", TINY)
def test_workers_agree_with_plain_torch(found: dict[str, Found], model: str) -> None:
    parameters = both()
    expected, course = train_plainly(load_model(model), parameters, guided(model, parameters), CONFIG)
    for stage in STAGES:
        record, weights = found[f"{model}, stage {stage}"]
        assert largest_difference(weights, expected) < 5e-6
        for step, (loss, norm, rate) in zip(record.steps, course, strict=True):
            assert step.loss == pytest.approx(loss, rel=1e-5)
            assert step.gradient_norm == pytest.approx(norm, rel=1e-4)
            assert step.learning_rate == pytest.approx(rate, rel=1e-9)


@pytest.mark.parametrize("name", ["one, halfway", "two, halfway", "one, then two", "two, then one"])
def test_a_training_goes_on_with_another_number_of_workers(found: dict[str, Found], name: str) -> None:
    undisturbed = found["tiny-random-llama, stage 2"]
    record, weights = found[name]
    assert [step.number for step in record.steps] == [step.number for step in undisturbed[0].steps]
    assert largest_difference(weights, undisturbed[1]) < 2e-6


def test_one_worker_refuses_what_another_training_left(tmp_path: Path) -> None:
    case = next(case for case in cases(tmp_path) if case.name == "tiny-random-llama, stage 1")
    alone = replace(case, execution=Execution())
    run(alone)
    with pytest.raises(TrainingError, match=r"expected a checkpoint of configuration .*: choose another folder"):
        run(replace(alone, config=replace(CONFIG, learning_rate=2e-3)))
