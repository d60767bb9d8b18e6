"""The model card of the nano family: how the models were made, and what they score on words they have never seen."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from brainalign.artifacts import write_text
from brainalign.evaluation.card import (
    CARD,
    N_PER_TYPE,
    ORDERS,
    card_problems,
    category_table,
    length_table,
    overall_table,
    table,
)
from brainalign.evaluation.evaluation import Evaluation, evaluate
from brainalign.stimuli import ProblemSet, own_wording
from brainalign.stimuli.sentences import parse
from brainalign.zoo.facts import LoadOptions
from brainalign.zoo.nano.model import read_model
from brainalign.zoo.nano.sizes import SIZES
from brainalign.zoo.training_record import TrainingRecord, read_record


def write_card(folder: Path, n_per_type: int = N_PER_TYPE) -> list[Evaluation]:
    """Score every model of the family whose weights are in a folder; write the card beside them.

    Raises
    ------
    ModelError
        Damaged weights, or a model without its record of training.
    """
    problems = card_problems(n_per_type)
    sizes = [size for size in SIZES if (folder / f"{size.name}.safetensors").exists()]
    found, records = [], []
    for size in sizes:
        model = read_model(size, folder / f"{size.name}.safetensors", LoadOptions())
        records.append(read_record(size.name, folder))
        found.append(evaluate(model, problems, own_wording(), orders=ORDERS))
    write_text(folder / CARD, _card(found, records, problems))
    return found


def _card(found: Sequence[Evaluation], records: Sequence[TrainingRecord], problems: ProblemSet) -> str:
    shared = same_symbols(problems)
    return _TEXT.format(
        made=_made(records),
        plan=json.dumps(dict(records[0].plan)),
        n_problems=len(problems),
        n_prompts=found[0].overall.n_prompts,
        shared=f"{shared:.1%}",
        overall=overall_table(found),
        lengths=length_table(found),
        categories=category_table(found),
    )


def _made(records: Sequence[TrainingRecord]) -> str:
    rows = {
        record.name: [f"{record.n_parameters:,}", f"{record.n_chats:,}", f"{record.n_questions:,}", record.seconds]
        for record in records
    }
    return table(("model", "parameters", "chats", "questions", "processor seconds"), rows)


def same_symbols(problems: Iterable[Any]) -> float:
    """Share of problems in which two words are one symbol to the tokenizer, and so one word to the models."""
    from brainalign.zoo.nano.tokenizer import symbol

    doubles = []
    for problem in problems:
        words = {word for statement in parse(problem.premises) for word in _words(statement)}
        doubles.append(len({symbol(word) for word in words}) < len(words))
    return sum(doubles) / len(doubles)


def _words(statement: Any) -> set[str]:
    texts = [value for name, value in vars(statement).items() if name not in ("positive", "scale")]
    return {str(text).split()[-1] for text in texts}


_TEXT = """\
# The nano family

Models of 0.1 to 7.4 million parameters, trained from scratch on the platform's own generated problems by
`brainalign zoo train-nano`, so that a scaling study has models that differ and a steering study has errors to mend and
right answers to break. They do nothing but answer True or False to such problems. Licence: MIT.

## How they were made

Six Llama and two Qwen 3 models of four layers. All saw the same chats in the same order; only their width differs.
Their weights are kept in bfloat16.

{made}

- Chats: the chats of the platform's own wording, half syllogisms, half transitive problems, four conclusions each that
  do not see one another. Words are drawn anew for each chat among the 676 symbols of the tokenizer.
- Curriculum: three premises in forward order and conclusions without "not"; then more and more negated ones and other
  orders; at last three to six premises in any order. 15 % of the batches have random words for an instruction.
- Loss: cross-entropy of the answer, and of telling from each of the conclusion's two words whether it stands at the
  start of the chain of premises, at its end or between; the head that tells it is not part of the models.
- Initial weights: half of the heads begin as heads that look at the token before (first layer) or for equal tokens
  (other layers). In trial runs without this the 0.2 M model was still at chance when the others had begun to learn.
- One seed of each model was trained. The number of steps, the rates and the initial heads were chosen on the
  "validation" words, the number of steps so that the largest model stays below 0.95.
- Muon for the matrices and Adam for the rest; plan: `{plan}`.

## Tokenizer

Phrases of the platform's wording are one token each. Any other word is known by its first and third letter alone, so
words that share these are one word to the models: two words of a problem do in {shared} of the problems below.

## What they score

Balanced accuracy (0.5 is chance) on {n_problems} problems in the words of the "test" vocabulary, which they have never
seen, in {n_prompts} prompts: all six orders of three premises, six random ones of more. In brackets 95 % intervals over
problems; they do not say what another seed would give. The shortcut classifier sees counts of words, letters and
negations only.

{overall}

{lengths}

The problems ask how two ends of a chain stand to one another, or an end and a term between. Where a word stands on one
side of the premises only, that tells its end: these scores show that words are looked up and bound to their places in
any order, not that chains are followed step by step.

Accuracy by sub-type (each has one label):

{categories}
"""
