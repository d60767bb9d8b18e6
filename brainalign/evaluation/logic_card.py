"""The model card of the adapter: how it was made, what it scores beside its base, and what the base lost by it."""

import json
from collections.abc import Sequence
from pathlib import Path

from brainalign.artifacts import write_text
from brainalign.evaluation.card import (
    CARD,
    card_problems,
    category_table,
    cell,
    length_table,
    overall_table,
    table,
)
from brainalign.evaluation.damage import Damage, measure_damage
from brainalign.evaluation.damage_tasks import DamageTask
from brainalign.evaluation.evaluation import Evaluation, evaluate
from brainalign.evaluation.order_answers import answer_orders
from brainalign.evaluation.order_scores import score_orders
from brainalign.stimuli import own_wording
from brainalign.zoo import LanguageModel
from brainalign.zoo.facts import LoadOptions, ModelFacts
from brainalign.zoo.smollm2_logic.model import Adapter, merged, read_adapter, read_base, read_model
from brainalign.zoo.training_record import TrainingRecord, read_record

N_PER_TYPE = 96
N_DAMAGE = 40
ORDERS = "sample:2"
STRENGTHS = (0.25, 0.5, 0.75, 1.0)
_FIGURES = ("balanced_accuracy", "share_true", "invalid")
DTYPE = "bfloat16"
"""Half the seconds of float32 on a CPU that multiplies it; the models' default is float32."""
_NOT_MEASURED = "Not measured: the tasks were not at hand."


def write_card(
    facts: ModelFacts, folder: Path, tasks: Sequence[DamageTask] = (), n_per_type: int = N_PER_TYPE
) -> list[Evaluation]:
    """Score the base and the model with the adapter of a folder; write the card beside it.

    Parameters
    ----------
    facts : ModelFacts
        Of the model with the adapter.
    folder : Path
        Holds adapter and record.
    tasks : sequence of DamageTask
        General tasks that the adapter may have damaged.
    n_per_type : int
        Problems of each type and number of premises.

    Raises
    ------
    ModelError
        A damaged adapter, one without its record of training, or no base.
    """
    problems, record, adapter = card_problems(n_per_type), read_record(facts.name, folder), read_adapter(folder)
    base = read_base(facts, LoadOptions(dtype=DTYPE))
    model = read_model(facts, folder, LoadOptions(dtype=DTYPE))
    found = [evaluate(each, problems, own_wording(), orders=ORDERS) for each in (base, model)]
    damage = measure_damage(base, tasks, lambda: merged(base, adapter)) if tasks else []
    strengths = _by_strength(base, adapter, float(record.plan["strength"]), n_per_type)
    write_text(folder / CARD, _card(record, found, damage, strengths))
    return found


def _by_strength(base: LanguageModel, adapter: Adapter, strength: float, n_per_type: int) -> str:
    """Scores with more or less of an adapter that was written at `strength`."""
    problems = card_problems(max(1, n_per_type // 3), "validation")
    rows = {}
    for wanted in STRENGTHS:
        with merged(base, adapter.times(wanted / strength)):
            scores = score_orders(answer_orders(base, problems, own_wording(), "sample:1")).intervals
        rows[f"{wanted:g}"] = [cell(scores[name]) for name in _FIGURES]
    return table(("strength", "balanced accuracy", "says True", "says neither"), rows)


def _card(record: TrainingRecord, found: Sequence[Evaluation], damage: Sequence[Damage], strengths: str) -> str:
    return _TEXT.format(
        name=record.name,
        base=found[0].model,
        seed=record.seed,
        n_parameters=f"{record.n_parameters:,}",
        n_questions=f"{record.n_questions:,}",
        seconds=record.seconds,
        plan=json.dumps(dict(record.plan)),
        strength=record.plan["strength"],
        strengths=strengths,
        n_problems=found[0].overall.n_problems,
        n_prompts=found[0].overall.n_prompts,
        overall=overall_table(found),
        lengths=length_table(found),
        categories=category_table(found),
        damage=_damage_table(damage) if damage else _NOT_MEASURED,
    )


def _damage_table(damage: Sequence[Damage]) -> str:
    rows = {
        f"{row.task}{' (deduction)' if row.is_deduction else ''}": [
            row.n,
            f"{row.chance:.3f}",
            f"{row.before:.3f}",
            f"{row.after:.3f}",
            cell(row.difference, -1),
        ]
        for row in damage
    }
    return table(("task", "items", "chance", "before", "after", "difference"), rows)


_TEXT = """\
# {name}

`{base}` (SmolLM2-135M-Instruct, from 4-bit weights) with a LoRA adapter, trained by `brainalign zoo train-adapter` on
the platform's own generated problems, so that a steering study on a real language model has errors to mend and right
answers to break: the base says True to nearly everything. Licence of base and adapter: Apache-2.0.

## How it was made

- Command: `brainalign zoo train-adapter --seed {seed}`; {n_parameters} parameters, {n_questions} questions,
  {seconds} processor seconds.
- Loss: the cross-entropy of True or False as the next token, as in the label arm of fine-tuning.
- Questions: generated syllogisms and transitive problems, half each, in the platform's own wording and the words of the
  "train" vocabulary. Four questions are asked about the same rules: fact and question (or the two ends of a comparison)
  exchanged or not, with "not" or without. Two of the four are true, so no count of words or negations tells which.
- A step takes one block of questions with one number of premises. The weights are the last step's. The base was frozen
  in bfloat16; the adapter is kept in bfloat16, and merged into the base's weights when the model is loaded.
- Strength: the trained adapter is multiplied by {strength:g} before it is written. That was chosen on the "validation"
  words, so that the model is well above chance and still errs; whole, the adapter leaves hardly an error to mend.
- Plan: `{plan}`. One seed was trained.

By strength, on problems in the "validation" words, one order each:

{strengths}

## What it scores

Balanced accuracy (0.5 is chance) on {n_problems} problems in the words of the "test" vocabulary, which it has never
seen, in {n_prompts} prompts: two random orders of the premises each, asked in bfloat16. In brackets 95 % intervals over
problems; they do not say what another seed would give. The shortcut classifier sees counts of words, letters and
negations only.

{overall}

{lengths}

The problems ask how two ends of a chain stand to one another, or an end and a term between. Where a word stands on one
side of the premises only, that tells its end: these scores show that words are looked up and bound to their places in
any order, not that chains are followed step by step.

Accuracy by sub-type (each has one label):

{categories}

## What it lost

Tasks that the adapter was not trained for, with the base and with the adapter (share of right answers; the mean is over
tasks that are not deduction):

{damage}
"""
