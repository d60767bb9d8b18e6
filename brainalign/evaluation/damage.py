"""What a change of a model breaks: general tasks scored before and after, item by item."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from brainalign.activations.answering import continuations, option_logits
from brainalign.artifacts import stream
from brainalign.errors import InputError, ModelError
from brainalign.evaluation.damage_tasks import Choice, DamageTask
from brainalign.evaluation.order_answers import Within
from brainalign.statistics import Interval, crossed_bootstrap
from brainalign.stimuli import MinimalPair
from brainalign.zoo import LanguageModel

Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Damage:
    """One task, or the mean over all that are not deduction (`task` is ``"mean"``).

    Attributes
    ----------
    n : int
        Items scored.
    before, after : float
        Share of right answers without and with the change.
    difference : Interval
        After minus before, paired by item; resamples items.
    chance : float
        Share of right answers by guessing.
    is_deduction : bool
        A change of such a task is transfer rather than damage.
    n_left_out : int
        Items longer than the model's context.
    """

    task: str
    n: int
    before: float
    after: float
    difference: Interval
    chance: float
    is_deduction: bool
    n_left_out: int = 0

    def to_json(self) -> dict[str, Any]:
        """Return the row as plain values."""
        return {**self.__dict__, "difference": self.difference.to_json()}


def measure_damage(model: LanguageModel, tasks: Sequence[DamageTask], within: Within) -> list[Damage]:
    """Score tasks without and with a change.

    Multiple choice: the option whose first token is the likeliest to come next. Minimal pairs: the sentence with the
    larger log likelihood, from the begin-of-text token on; there every token is a last token to what `within` hooks.

    Parameters
    ----------
    model : LanguageModel
    tasks : sequence of DamageTask
    within : callable
        Makes the context in which the model is changed.

    Returns
    -------
    list of Damage
        A row a task, then the mean over tasks that are not deduction.
    """
    fitting = [_fitting(model, task) for task in tasks]
    before = [_right(model, task) for task, _ in fitting]
    with within():
        after = [_right(model, task) for task, _ in fitting]
    rows = [
        Damage(
            task=task.name,
            n=len(old),
            before=float(old.mean()),
            after=float(new.mean()),
            difference=_difference([old], [new], task.name),
            chance=task.chance,
            is_deduction=task.is_deduction,
            n_left_out=n_left_out,
        )
        for (task, n_left_out), old, new in zip(fitting, before, after, strict=True)
    ]
    general = [place for place, row in enumerate(rows) if not row.is_deduction]
    return [*rows, _mean(rows, general, before, after)] if general else rows


def score_task(model: LanguageModel, task: DamageTask) -> Bools:
    """Whether each item of a task is answered right, bool (n_items,).

    Raises
    ------
    ModelError
        Options that the model's tokenizer begins alike.
    """
    return _right(model, task)


def _right(model: LanguageModel, task: DamageTask) -> Bools:
    if all(isinstance(item, Choice) for item in task.items):
        return _right_choices(model, [item for item in task.items if isinstance(item, Choice)])
    return _right_pairs(model, [item for item in task.items if isinstance(item, MinimalPair)])


def _right_choices(model: LanguageModel, items: Sequence[Choice]) -> Bools:
    spelled = [_first_tokens(model, item.options) for item in items]
    tokens = sorted({token for options in spelled for option in options for token in option})
    place = {token: column for column, token in enumerate(tokens)}
    logits = option_logits(model, [_prompt(model, item) for item in items], tokens)
    best = [
        int(np.argmax([max(row[place[token]] for token in option) for option in options]))
        for row, options in zip(logits, spelled, strict=True)
    ]
    return np.array([choice == item.answer for choice, item in zip(best, items, strict=True)], dtype=np.bool_)


def _right_pairs(model: LanguageModel, items: Sequence[MinimalPair]) -> Bools:
    start = begin_of_text(model)
    texts = [text for item in items for text in (item.good, item.bad)]
    scores = continuations(model, [(start, tokenise(model, text)) for text in texts])
    values = np.array([score.log_likelihood for score in scores]).reshape(-1, 2)
    return np.asarray(values[:, 0] > values[:, 1], dtype=np.bool_)


def begin_of_text(model: LanguageModel) -> list[int]:
    """Token that a text begins with: the tokenizer's begin-of-text token, else its end-of-text token."""
    tokenizer = model.tokenizer
    return [tokenizer.eos_token_id if tokenizer.bos_token_id is None else tokenizer.bos_token_id]


def tokenise(model: LanguageModel, text: str) -> list[int]:
    """Token ids of a text, without special tokens."""
    return list(model.tokenizer(text, add_special_tokens=False)["input_ids"])


def _first_tokens(model: LanguageModel, options: Sequence[str]) -> list[set[int]]:
    """First tokens of each option, with and without a space before it, those that tell it from the others."""
    found = []
    for option in options:
        first: set[int] = set()
        # Behind other text: alone, some tokenizers put a space before a word.
        for before, spelling in (("\n", option), ("x", f" {option}")):
            start, whole = tokenise(model, before), tokenise(model, before + spelling)
            if whole[: len(start)] == start and len(whole) > len(start):
                first.add(whole[len(start)])
        found.append(first)
    shared = {token for place, first in enumerate(found) for other in found[place + 1 :] for token in first & other}
    own = [first - shared for first in found]
    if not all(own):
        raise ModelError(
            f"expected options that begin with tokens of their own, found {', '.join(options)} alike for "
            f"{model.facts.name}: spell them differently"
        )
    return own


def _fitting(model: LanguageModel, task: DamageTask) -> tuple[DamageTask, int]:
    """Split off the items that the context does not hold."""
    items: Any = tuple(item for item in task.items if isinstance(item, MinimalPair) or _fits(model, item))
    if not items:
        raise InputError(f"expected items of {task.name} that {model.facts.name} can hold, found none: leave it out")
    return DamageTask(task.name, items), len(task.items) - len(items)


def _fits(model: LanguageModel, item: Choice) -> bool:
    try:
        _prompt(model, item)
    except ModelError:
        return False
    return True


def _prompt(model: LanguageModel, item: Choice) -> list[int]:
    return model.encode_chat([{"role": "user", "content": item.question}])


def _difference(before: Sequence[Bools], after: Sequence[Bools], name: str) -> Interval:
    values = np.concatenate([new.astype(float) - old for old, new in zip(before, after, strict=True)])
    tasks = np.repeat(np.arange(len(before)), [len(old) for old in before])
    rng = stream("evaluation", "damage", name)
    return crossed_bootstrap(values, tasks, np.zeros(len(values)), np.arange(len(values)), rng=rng)


def _mean(rows: Sequence[Damage], general: Sequence[int], before: Sequence[Bools], after: Sequence[Bools]) -> Damage:
    chosen = [rows[place] for place in general]
    return Damage(
        task="mean",
        n=sum(row.n for row in chosen),
        before=float(np.mean([row.before for row in chosen])),
        after=float(np.mean([row.after for row in chosen])),
        difference=_difference([before[place] for place in general], [after[place] for place in general], "mean"),
        chance=float(np.mean([row.chance for row in chosen])),
        is_deduction=False,
        n_left_out=sum(row.n_left_out for row in chosen),
    )
