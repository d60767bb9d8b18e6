"""Generated problems: balanced, reproducible, in words of our own, and with no label in their surface."""

import collections
import json
import re
from pathlib import Path

import numpy as np
import pytest
from sklearn.model_selection import cross_val_score
from sklearn.tree import DecisionTreeClassifier

from brainalign.errors import InputError
from brainalign.stimuli import Problem, generate_problems
from brainalign.stimuli.words import ADJECTIVES, COMPARATIVES, NAMES, PSEUDOWORDS


@pytest.mark.parametrize("n_per_type", [8, 40])
def test_types_labels_and_categories_are_balanced(n_per_type: int) -> None:
    problems = generate_problems(n_per_type, seed=0)
    assert len(problems) == 2 * n_per_type
    counts = collections.Counter((p.reasoning_type, p.category) for p in problems)
    assert len(counts) == 16
    assert set(counts.values()) == {n_per_type // 8}
    for reasoning_type in ("syllogisms", "transitive"):
        assert problems.labels[problems.types == reasoning_type].mean() == 0.5
    assert all(len(p.premises) == 3 and p.label == ("true" in p.category) for p in problems)
    assert all(("not" in p.conclusion.split()) == ("negate" in p.category) for p in problems)


def test_same_seed_same_problems_and_a_longer_set_begins_with_the_shorter() -> None:
    short, long = generate_problems(8, seed=1), generate_problems(24, seed=1)
    assert generate_problems(8, seed=1) == short
    assert long.ids[:8] == short.ids[:8]
    assert long.ids[24:32] == short.ids[8:]
    assert not set(generate_problems(8, seed=2).ids) & set(short.ids)


def surface(problem: Problem) -> list[float]:
    """Negations, words, letters, and words shared with the conclusion, premise by premise and in all."""
    sentences = [*problem.premises, problem.conclusion]
    words = [re.findall(r"\w+", sentence.lower()) for sentence in sentences]
    stems = [{word.removesuffix("s") for word in sentence} for sentence in words]
    overlaps = [len(stem & stems[-1]) for stem in stems[:-1]]
    return [
        *[sentence.count("not") for sentence in words],
        sum(sentence.count("not") for sentence in words),
        *[len(sentence) for sentence in words],
        sum(len(sentence) for sentence in words),
        sum(len(sentence) for sentence in sentences),
        *overlaps,
        sum(overlaps),
    ]


@pytest.mark.parametrize("reasoning_type", ["syllogisms", "transitive"])
def test_each_surface_has_both_labels_equally_often(reasoning_type: str) -> None:
    labels = collections.defaultdict(list)
    for problem in generate_problems(128, seed=0):
        if problem.reasoning_type == reasoning_type:
            *premises, conclusion = [re.findall(r"\w+", s.lower()) for s in (*problem.premises, problem.conclusion)]
            stems = {word.removesuffix("s") for word in conclusion}
            shown = sorted(
                (words.count("not"), len(words), len({word.removesuffix("s") for word in words} & stems))
                for words in premises
            )
            labels[(conclusion.count("not"), len(conclusion), *shown)].append(problem.label)
    assert len(labels) >= 4
    assert all(2 * sum(found) == len(found) for found in labels.values())


@pytest.mark.parametrize("reasoning_type", ["syllogisms", "transitive"])
def test_surface_does_not_tell_the_label(reasoning_type: str) -> None:
    problems = [p for p in generate_problems(1600, seed=0) if p.reasoning_type == reasoning_type]
    X, y = np.array([surface(p) for p in problems]), np.array([p.label for p in problems])
    tree = DecisionTreeClassifier(max_depth=8, min_samples_leaf=20, random_state=0)
    assert cross_val_score(tree, X, y, cv=5).mean() <= 0.55


def test_surface_tells_the_label_of_the_release_so_the_check_can_fail(release_folder: Path) -> None:
    items = json.loads((release_folder / "data" / "deductive_reasoning_data_test.json").read_text())["syllogisms"]
    names = ("premise1", "premise2", "premise3")
    problems = [
        Problem.of(
            "syllogisms",
            [item[name] for name in names],
            item["conclusion"],
            label="true" in item["trial_type"],
            category=item["trial_type"],
        )
        for item in items
    ]
    X, y = np.array([surface(p) for p in problems]), np.array([p.label for p in problems])
    tree = DecisionTreeClassifier(max_depth=8, min_samples_leaf=20, random_state=0)
    assert cross_val_score(tree, X, y, cv=5).mean() > 0.85


def test_words_are_not_those_of_the_release(release_folder: Path) -> None:
    texts = [path.read_text() for path in (release_folder / "data").glob("deductive_reasoning_data_*.json")]
    taken = {word.lower() for text in texts for word in re.findall(r"[A-Za-z]+", text)}
    own = [word.lower() for words in (PSEUDOWORDS, NAMES, ADJECTIVES, COMPARATIVES) for word in words]
    assert len(set(own)) == len(own)
    assert not taken & {*own, *(f"{word}s" for word in own)}


def test_no_problem_is_no_set() -> None:
    with pytest.raises(InputError, match="at least 1"):
        generate_problems(0, seed=0)
