"""Stored bytes against a real prefilled model, and what a large one needs."""

from brainalign.activations import prefill
from brainalign.planning.inference_memory import spreads, stored_bytes
from brainalign.planning.prompt_sizes import PromptSizes
from brainalign.planning.shape import ModelShape
from brainalign.stimuli import generate_problems, own_wording
from brainalign.zoo import load_model
from brainalign.zoo.recorded import recorded


def test_stored_bytes_are_those_of_prefilled_prompts() -> None:
    model, problems = load_model("tiny-random-llama"), generate_problems(3, seed=1)
    held = prefill(model, problems, own_wording(), first_layer=0)
    ids = [model.encode_problem(problem, own_wording()) for problem in problems]
    planned = stored_bytes(ModelShape.from_config(model.module.config.to_dict()), PromptSizes.of_prompts(ids), 4)
    real = held.store.n_bytes + held.entering.nbytes
    assert real <= planned <= 1.05 * real  # the last token of a prompt is planned for, not stored


def test_seventy_billion_are_spread_over_two_of_eighty() -> None:
    shape = ModelShape.from_config(recorded("llama-3.3-70b-instruct").config)
    found = list(spreads(shape, PromptSizes.assumed(70, 300, 150), "bfloat16", 8, 80.0))
    assert [memory.n_gpus for memory in found] == [1, 2, 4, 8]
    assert [memory.fits for memory in found] == [False, True, True, True]
