"""A study's disk budget: dominated trials go, winners and running ones stay."""

import itertools
from pathlib import Path

import pytest

from brainalign.errors import StudyError
from brainalign.finetuning.disk_budget import KeptWeights, choose_deletions, keep_within, measure_weights

TRIALS = (
    KeptWeights("winner", 0.9, 50, True),
    KeptWeights("second", 0.8, 20, False),
    KeptWeights("weak", 0.1, 30, False),
    KeptWeights("weak-and-large", 0.1, 40, False),
    KeptWeights("running", None, 60, False),
    KeptWeights("weak-winner", 0.0, 10, True),
)


@pytest.mark.parametrize(
    ("budget", "expected"),
    [
        (210, ()),
        (209, ("weak-and-large",)),
        (170, ("weak-and-large",)),
        (169, ("weak-and-large", "weak")),
        (120, ("weak-and-large", "weak", "second")),
        (0, ("weak-and-large", "weak", "second")),
    ],
)
def test_the_weakest_go_first(budget: int, expected: tuple[str, ...]) -> None:
    for order in itertools.permutations(TRIALS, len(TRIALS)):
        assert choose_deletions(order, budget) == expected


def test_nothing_is_deleted_that_frees_nothing() -> None:
    kept = [KeptWeights("gone", 0.0, 0, False), KeptWeights("there", 0.5, 10, False)]
    assert choose_deletions(kept, 5) == ("there",)


def test_deletion(tmp_path: Path) -> None:
    for trial in TRIALS:
        (tmp_path / trial.trial).mkdir()
        (tmp_path / trial.trial / "best.safetensors").write_bytes(b"x" * trial.n_bytes)
    assert [measure_weights(tmp_path / trial.trial) for trial in TRIALS] == [trial.n_bytes for trial in TRIALS]
    (tmp_path / "weak" / "best.safetensors").unlink()
    (tmp_path / "weak").rmdir()  # another worker was as quick
    assert keep_within(tmp_path, TRIALS, 130) == ("weak-and-large", "weak", "second")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["running", "weak-winner", "winner"]
    assert measure_weights(tmp_path / "weak") == 0


def test_a_folder_that_cannot_be_deleted(tmp_path: Path) -> None:
    (tmp_path / "weak").write_text("a file where a folder is expected")
    with pytest.raises(StudyError, match=r"expected to delete the weights in .*weak, found Not a directory"):
        keep_within(tmp_path, [KeptWeights("weak", 0.0, 10, False)], 0)
