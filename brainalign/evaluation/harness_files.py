"""Problems as a task of the Language Model Evaluation Harness, and answers in its format of samples.

Neither needs the harness itself.
"""

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from brainalign.artifacts import write_atomically
from brainalign.evaluation.order_answers import OrderAnswers
from brainalign.stimuli import Problem, ProblemSet, Wording, forward_order
from brainalign.zoo import LanguageModel

ANSWERS = ("True", "False")


def write_task(path: Path | str, model: LanguageModel, problems: ProblemSet, wording: Wording) -> dict[str, Any]:
    """Write problems as JSON lines, as a model's chat template puts them, and give the task that reads them.

    Returns
    -------
    dict
        The task's configuration: an item of the ``tasks`` of ``lm_eval.simple_evaluate``, or a YAML file.
    """
    _write(path, [_document(model, problem, wording) for problem in problems])
    return {
        "task": Path(path).stem,
        "dataset_path": "json",
        "dataset_kwargs": {"data_files": {"test": str(path)}},
        "test_split": "test",
        "output_type": "multiple_choice",
        "doc_to_text": "{{prompt}}",
        "doc_to_choice": list(ANSWERS),
        "doc_to_target": "{{target}}",
        "target_delimiter": "",
        "metric_list": [{"metric": "acc", "aggregation": "mean", "higher_is_better": True}],
        "metadata": {"version": 1.0},
    }


def write_samples(
    path: Path | str, model: LanguageModel, answers: OrderAnswers, wording: Wording, order: int = 0
) -> None:
    """Write answers in the harness's format of samples, a JSON line a problem.

    Parameters
    ----------
    path : Path or str
        The harness calls such files ``samples_TASK_DATE.jsonl``.
    model : LanguageModel
    answers : OrderAnswers
    wording : Wording
    order : int
        Which of each problem's asked orders to write.

    Notes
    -----
    The log likelihoods are those of True against False alone, ``log sigmoid(±margin)``, each in its likelier spelling
    (the harness scores the one without a space); an answer that is neither has
    no greedy choice, and counts as wrong although the harness, which knows no third answer, would take the likelier.
    """
    starts = np.searchsorted(answers.rows, np.arange(len(answers.problems)))
    samples = []
    for place, problem in enumerate(answers.problems):
        row = int(starts[place]) + order
        ranks = answers.orders[place][order]
        document = _document(model, _reordered(problem, ranks), wording)
        samples.append(_sample(place, document, float(answers.margin[row]), int(answers.answer[row])))
    _write(path, samples)


def _write(path: Path | str, rows: list[dict[str, Any]]) -> None:
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)

    def write(file: Path) -> None:
        file.write_text(text, encoding="utf-8")

    write_atomically(Path(path), write)


def _reordered(problem: Problem, ranks: np.ndarray) -> Problem:
    forward = forward_order(problem)
    return replace(problem, premises=tuple(problem.premises[forward[rank]] for rank in ranks.tolist()))


def _document(model: LanguageModel, problem: Problem, wording: Wording) -> dict[str, Any]:
    prompt = model.chat.render(model.chat.words(wording).messages(problem))
    return {
        "stimulus_id": problem.stimulus_id,
        "reasoning_type": problem.reasoning_type,
        "category": problem.category,
        "prompt": prompt,
        "target": 0 if problem.label else 1,
    }


def _sample(number: int, document: dict[str, Any], margin: float, answer: int) -> dict[str, Any]:
    scores = [float(-np.logaddexp(0, -sign * margin)) for sign in (1, -1)]
    resps = [[score, answer == said] for score, said in zip(scores, (1, 0), strict=True)]
    target = document["target"]
    return {
        "doc_id": number,
        "doc": document,
        "target": target,
        "arguments": [[document["prompt"], said] for said in ANSWERS],
        "resps": [[resp] for resp in resps],
        "filtered_resps": resps,
        "filter": "none",
        "metrics": ["acc"],
        "doc_hash": _hash(json.dumps(document, indent=2, ensure_ascii=False)),
        "prompt_hash": _hash(document["prompt"]),
        "target_hash": _hash(str(target)),
        "acc": float(answer == 1 - target),
    }


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8")).hexdigest()
