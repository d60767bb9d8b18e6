"""The nano family's model card."""

import shutil
from importlib.resources import files
from pathlib import Path

import pytest

from brainalign.evaluation.card import CARD
from brainalign.evaluation.nano_card import same_symbols, write_card
from brainalign.stimuli import Problem
from brainalign.zoo.nano.sizes import SIZES
from brainalign.zoo.training_record import TrainingRecord, write_record

SHIPPED = Path(str(files("brainalign.zoo.nano") / "weights"))


def test_a_card_has_each_model_of_the_folder_beside_the_shortcut(tmp_path: Path) -> None:
    for size in SIZES[:2]:
        shutil.copy(SHIPPED / f"{size.name}.safetensors", tmp_path)
        write_record(TrainingRecord(size.name, size.n_parameters, 12, 48, 0, 1.5, 1, {"n_steps": 3}), tmp_path)
    found = write_card(tmp_path, n_per_type=8)
    card = (tmp_path / CARD).read_text(encoding="utf-8")
    for size, evaluation in zip(SIZES[:2], found, strict=True):
        score = evaluation.overall.intervals["balanced_accuracy"]
        assert f"| {size.name} | {score.estimate:.3f} [{score.low:.3f}, {score.high:.3f}] |" in card
    assert f"| shortcut classifier (surface) |  | {found[0].shortcut['syllogisms'].balanced_accuracy:.3f} |" in card
    assert SIZES[2].name not in card
    assert all(f"| {kind} | " in card for kind in ("syllogisms/2_true_affirm", "transitive/6_false_negate"))


@pytest.mark.parametrize(("third", "shared"), [("Dophin", 1.0), ("Duncan", 0.0)])
def test_words_of_the_same_first_and_third_letter_are_one(third: str, shared: float) -> None:
    premises = ("Daphne is kinder than Olga", f"Olga is kinder than {third}")
    problem = Problem.of("transitive", premises, f"Daphne is kinder than {third}", label=True, category="")
    assert same_symbols([problem]) == shared
