"""Tiny models of every architecture and prompts that share prefixes of several lengths, or none."""

import pytest

from brainalign.stimuli import ProblemSet, Wording, generate_problems, own_wording
from brainalign.zoo import LanguageModel, list_models, load_model

TINY = [facts.name for facts in list_models() if facts.name.startswith("tiny-random-")]


@pytest.fixture(scope="session", params=TINY)
def model(request: pytest.FixtureRequest) -> LanguageModel:
    """Every tiny architecture in turn."""
    return load_model(request.param)


@pytest.fixture(scope="session")
def problems() -> ProblemSet:
    """Some problems of both types."""
    return generate_problems(4, seed=3)


@pytest.fixture(scope="session")
def wording() -> Wording:
    """The package's own wording."""
    return own_wording()


@pytest.fixture(scope="session")
def prompts(model: LanguageModel, problems: ProblemSet, wording: Wording) -> list[list[int]]:
    """Problems' prompts, one of them twice, one the beginning of another, and one that shares nothing."""
    ids = [model.encode_chat(wording.messages(problem)) for problem in problems]
    return [*ids, ids[2], ids[0][:-7], model.encode_chat([{"role": "user", "content": "Hm?"}])[::-1]]
