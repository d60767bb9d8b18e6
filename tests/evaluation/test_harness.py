"""The Language Model Evaluation Harness asks our models, and its samples are ours."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from brainalign.activations import edited
from brainalign.evaluation.damage import score_task
from brainalign.evaluation.damage_tasks import DamageTask
from brainalign.evaluation.harness_files import write_samples, write_task
from brainalign.evaluation.order_answers import answer_orders
from brainalign.stimuli import OrderPlan, ProblemSet, Wording, generate_problems, premise_orders, read_minimal_pairs
from brainalign.zoo import LanguageModel

lm_eval = pytest.importorskip("lm_eval", reason="needs the optional package lm-eval: pip install 'brainalign[lm-eval]'")
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]


@pytest.fixture(autouse=True)
def _offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import datasets

    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")


def run(model: Any, task: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = lm_eval.simple_evaluate(model=model, tasks=[task], bootstrap_iters=0, log_samples=True)
    return found


@pytest.mark.parametrize("strength", [0.0, 2.0])
def test_our_task_scores_as_we_do(llama: LanguageModel, wording: Wording, tmp_path: Path, strength: float) -> None:
    from brainalign.evaluation.harness import HarnessModel

    vector = torch.from_numpy(np.random.default_rng(0).standard_normal(llama.hidden_size).astype(np.float32))

    def steered() -> Any:
        return edited(llama, "attention", [2], lambda _, states: states + strength * vector)

    given = generate_problems(8, seed=3)
    forward = [premise_orders(problem, OrderPlan("forward"))[0].apply(problem) for problem in given]
    problems = ProblemSet(tuple(forward), "generated")
    task = write_task(tmp_path / "ours.jsonl", llama, problems, wording)
    found = run(HarnessModel(llama, steered), task)
    answers = answer_orders(llama, given, wording, "forward", within=steered)
    # The harness scores the spelling without a space alone; steered prompts are asked as plain passes would be.
    true, false = (tokens(llama, f"\n{word}")[-1] for word in ("True", "False"))
    assert {true, false} <= {*llama.true_ids, *llama.false_ids}
    prompts = [llama.encode_chat(wording.messages(problem)) for problem in problems]
    with steered():
        logits = torch.stack([llama.forward(prompt) for prompt in prompts])
    margins = logits[:, true] - logits[:, false]
    right = (margins > 0).numpy() == problems.labels
    assert found["results"]["ours"]["acc,none"] == pytest.approx(right.mean())
    scores = [[resp[0] for resp in row["filtered_resps"]] for row in found["samples"]["ours"]]
    np.testing.assert_allclose([one - other for one, other in scores], margins, atol=1e-4)
    write_samples(tmp_path / "samples_ours.jsonl", llama, answers, wording)
    ours = [json.loads(line) for line in (tmp_path / "samples_ours.jsonl").read_text().splitlines()]
    for own, theirs in zip(ours, found["samples"]["ours"], strict=True):
        assert set(own) == set(theirs)
        for name in ("doc_id", "doc", "target", "filter", "metrics", "doc_hash", "prompt_hash", "target_hash"):
            assert own[name] == json.loads(json.dumps(theirs[name]))
    scores = [[resp[0] for resp in row["filtered_resps"]] for row in ours]
    np.testing.assert_allclose([one - other for one, other in scores], answers.margin, atol=1e-5)
    assert np.mean([row["acc"] for row in ours]) == (answers.answer == given.labels).mean()


def test_a_stock_task_on_the_shared_minimal_pairs(
    llama: LanguageModel, evaluation_folder: Path, tmp_path: Path
) -> None:
    from brainalign.evaluation.harness import HarnessModel

    path = evaluation_folder / "capability_damage" / "blimp_slice.jsonl"
    pairs = read_minimal_pairs(path)[::20]
    local = tmp_path / "slice.jsonl"
    local.write_text("\n".join(path.read_text(encoding="utf-8").splitlines()[::20]), encoding="utf-8")
    # The stock BLiMP task, its data pointed at a local file.
    task = {
        "task": "blimp_slice",
        "dataset_path": "json",
        "dataset_kwargs": {"data_files": {"train": str(local)}},
        "output_type": "multiple_choice",
        "validation_split": "train",
        "doc_to_text": "",
        "doc_to_target": 0,
        "doc_to_choice": "{{[sentence_good, sentence_bad]}}",
        "num_fewshot": 0,
        "metric_list": [{"metric": "acc", "aggregation": "mean", "higher_is_better": True}],
        "metadata": {"version": 1.0},
    }
    found = run(HarnessModel(llama), task)
    own = score_task(llama, DamageTask("blimp", pairs))
    assert found["results"]["blimp_slice"]["acc,none"] == pytest.approx(own.mean())


def test_generated_and_rolling_texts(llama: LanguageModel) -> None:
    from lm_eval.api.instance import Instance

    from brainalign.evaluation.harness import HarnessModel

    model = HarnessModel(llama, max_new_tokens=4)
    prompt = model.apply_chat_template([{"role": "user", "content": "All tocs are red."}])
    ids = torch.tensor([model.tok_encode(prompt)])
    with torch.inference_mode():
        first = int(llama.module(ids).logits[0, -1].argmax())
    (text,) = model.generate_until([Instance("generate_until", {}, (prompt, {"max_gen_toks": 1, "until": ["@@"]}), 0)])
    assert text == llama.tokenizer.decode([first], skip_special_tokens=True)
    whole, cut = "Ned is red. Max is not red.", 9
    (rolling,) = model.loglikelihood_rolling([Instance("loglikelihood_rolling", {}, (whole,), 0)])
    (full,) = model.loglikelihood([Instance("loglikelihood", {}, ("", whole), 0)])
    assert rolling == pytest.approx(full[0], abs=1e-4)
    start = tokens(llama, whole)[:cut]
    assert rolling < model._loglikelihood_tokens([("", [model.prefix_token_id], start)])[0][0]


def tokens(model: LanguageModel, text: str) -> list[int]:
    return list(model.tokenizer(text, add_special_tokens=False)["input_ids"])
