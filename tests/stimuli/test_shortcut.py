"""The classifier of the surface: planted shortcuts are found, own problems have none, the release's are known."""

import json
from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from brainalign.artifacts import stream
from brainalign.errors import InputError
from brainalign.stimuli import (
    Problem,
    ProblemSet,
    ReasoningType,
    generate_problems,
    negation_accuracy,
    read_problems,
    shortcut_scores,
)
from brainalign.stimuli.shortcut import count_negations, surface

SIDES = ("left", "right")


def planted(rule: str, n_problems: int = 120) -> ProblemSet:
    """Nonsense whose label hangs on one thing of the surface."""
    problems = []
    for number in range(n_problems):
        rng = stream("shortcut test", rule, number)
        here, there = (bool(bit) for bit in rng.integers(2, size=2))
        words = ["moss", "fern", "reed", "bark"]
        one, other = (words[place] for place in rng.choice(4, 2, replace=False))
        label = {"xor": here != there, "overlap": here, "letters": here, "nothing": bool(rng.integers(2))}[rule]
        premise = f"Item{number} has {'no ' if rule == 'xor' and here else ''}{one}"
        shared = one if rule == "overlap" and here else other
        ending = (
            f"It has {'no ' if rule == 'xor' and there else ''}{shared}{'aaaa' if rule == 'letters' and here else ''}"
        )
        problems.append(Problem.of("other", [premise, "It rains"], ending, label=label, category=""))
    return ProblemSet(tuple(problems), "file")


@pytest.mark.parametrize("rule", ["xor", "overlap", "letters"])
def test_a_planted_shortcut_is_found(rule: str) -> None:
    score = shortcut_scores(planted(rule))["other"]
    assert score.accuracy > 0.95
    assert score.balanced_accuracy > 0.95
    assert score.n == 120


def test_nothing_is_found_where_nothing_is() -> None:
    score = shortcut_scores(planted("nothing", 400))["other"]
    assert abs(score.accuracy - 0.5) < 0.08


def test_negations_alone_are_scored_by_the_best_rule() -> None:
    problems = planted("xor")
    assert negation_accuracy(problems) == 1.0  # both counts together tell everything
    labels = np.array(problems.labels)
    assert shortcut_scores(planted("letters"))["other"].negations == pytest.approx(
        max(planted("letters").labels.mean(), 1 - planted("letters").labels.mean())
    )
    assert 0 < labels.sum() < len(labels)


def test_sets_of_one_label_get_the_majority() -> None:
    always = ProblemSet(tuple(p for p in planted("letters") if p.label), "file")
    score = shortcut_scores(always)["other"]
    assert (score.accuracy, score.balanced_accuracy, score.majority) == (1.0, 0.5, 1.0)
    assert json.loads(json.dumps(score.to_json()))["n"] == len(always)
    with pytest.raises(InputError, match="found none"):
        shortcut_scores(ProblemSet((), "file"))


def test_surface_is_as_long_for_any_number_of_premises() -> None:
    lengths = {len(surface(problem)) for n in (3, 4, 6) for problem in generate_problems(4, seed=0, n_premises=n)}
    assert len(lengths) == 1


@pytest.mark.parametrize(
    ("sentence", "n_negations"),
    [("Elsa is not odd", 1), ("No trunk isn't odd", 2), ("Nora knows Otto", 0), ("Neither he nor she cannot", 3)],
)
def test_negations_are_whole_words(sentence: str, n_negations: int) -> None:
    assert count_negations(sentence) == n_negations


@pytest.mark.parametrize(("n_premises", "n_per_type"), [(3, 400), (4, 400), (5, 80), (6, 40)])
def test_own_chains_have_no_shortcut(n_premises: int, n_per_type: int) -> None:
    problems = generate_problems(n_per_type, seed=0, n_premises=n_premises, vocabulary="train")
    for score in shortcut_scores(problems).values():
        assert score.accuracy <= 0.55
        # Twins look the same, so one of the two is guessed wrong; but kinds of words in the middle of a chain may have
        # changed places.
        assert score.accuracy == 0.5 or n_premises > 4
        assert score.negations == 0.5


def test_problems_of_simulated_betas_have_no_shortcut() -> None:
    for score in shortcut_scores(generate_problems(768, seed=1)).values():
        assert score.accuracy <= 0.55
        assert score.negations == 0.5


def test_own_other_types_have_no_shortcut() -> None:
    problems = generate_problems(600, seed=0, reasoning_types=("propositional", "relational"), vocabulary="train")
    scores = shortcut_scores(problems)
    assert scores["propositional"].accuracy == 0.5
    assert scores["relational"].accuracy <= 0.55
    assert all(score.negations == 0.5 for score in scores.values())


@pytest.mark.parametrize("kind", ["syllogisms", "transitive", "propositional", "relational"])
def test_another_classifier_finds_no_shortcut_either(kind: ReasoningType) -> None:
    problems = generate_problems(400, seed=0, reasoning_types=(kind,), vocabulary="test")
    counts = np.array([surface(problem) for problem in problems])
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    assert cross_val_score(model, counts, problems.labels, cv=5).mean() <= 0.55
    assert cross_val_score(GaussianNB(), counts, problems.labels, cv=5).mean() <= 0.55


def test_sets_of_few_words_are_scored_too() -> None:
    one = [Problem.of("other", [f"A is {s} of B"], "B is left of A", label=s == "right", category="") for s in SIDES]
    other = [Problem.of("other", [f"B is {s} of A"], "B is left of A", label=s == "left", category="") for s in SIDES]
    score = shortcut_scores(ProblemSet((*one, *other), "file"))["other"]
    assert (score.n, score.majority) == (4, 0.5)
    assert 0 <= score.accuracy <= 1


def test_published_shortcut_of_the_release(release_folder: Path) -> None:
    scores = shortcut_scores(read_problems(release_folder / "data" / "deductive_reasoning_data_test.json"))
    assert scores["syllogisms"].negations == 0.875
    assert scores["syllogisms"].accuracy > 0.95
    assert scores["transitive"].negations == 0.5
    assert scores["transitive"].accuracy < 0.55


def test_published_shortcut_of_the_scanner_problems(evaluation_folder: Path) -> None:
    scores = shortcut_scores(read_problems(evaluation_folder / "child_reasoning_ds002886" / "items.csv"))
    assert scores["syllogisms"].negations == pytest.approx(31 / 36)  # .861
