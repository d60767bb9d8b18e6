"""Tiny models of every architecture, and problems with several numbers of premises."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from brainalign.stimuli import Problem, ProblemSet, Wording, generate_problems, own_wording
from brainalign.zoo import LanguageModel, list_models, load_model

_BESIDE_THE_REPO = Path(__file__).resolve().parents[3] / "shared" / "data" / "evaluation"
TINY = [facts.name for facts in list_models() if facts.name.startswith("tiny-random-")]


@pytest.fixture(scope="session", params=TINY)
def model(request: pytest.FixtureRequest) -> LanguageModel:
    """Every tiny architecture in turn."""
    return load_model(request.param)


@pytest.fixture(scope="session")
def llama() -> LanguageModel:
    """One of them, where the architecture does not matter."""
    return load_model("tiny-random-llama")


@pytest.fixture(scope="session")
def wording() -> Wording:
    """The package's own wording."""
    return own_wording()


@pytest.fixture(scope="session")
def problems() -> ProblemSet:
    """Two types, three premises, and one problem with a fourth premise that says the first again."""
    plain = generate_problems(3, seed=5)
    four = plain[0].premises + plain[0].premises[:1]
    return ProblemSet((*plain, longer(plain[0], four)), "generated")


@pytest.fixture(scope="session")
def evaluation_folder() -> Path:
    """The shared evaluation sets, or a skip that says how to name them."""
    folder = Path(os.environ.get("BRAINALIGN_EVALUATION", _BESIDE_THE_REPO))
    if not folder.is_dir():
        pytest.skip("needs the shared evaluation sets: set BRAINALIGN_EVALUATION to their folder")
    return folder


def longer(problem: Problem, premises: tuple[str, ...]) -> Problem:
    """Give a problem other premises."""
    named = Problem.of(
        problem.reasoning_type, premises, problem.conclusion, label=problem.label, category=problem.category
    )
    return replace(named)
