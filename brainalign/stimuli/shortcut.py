"""How far a problem's surface tells its label: a classifier that sees no logic, only counts.

Its accuracy stands beside every accuracy of a set: a model that does no better may have reasoned about nothing.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from brainalign.errors import InputError
from brainalign.stimuli.problems import Problem, ProblemSet

_NEGATION = re.compile(r"\b(?:not|no|never|none|nobody|nothing|neither|nor|cannot|without)\b|n't\b", re.I)
_WORD = re.compile(r"\w+(?:'\w+)?")
_N_FOLDS = 5
_N_TREES = 64
_SEED = 0


@dataclass(frozen=True)
class Shortcut:
    """Accuracies of guessing the label from the surface, for one reasoning type.

    Attributes
    ----------
    n : int
        Number of problems.
    accuracy, balanced_accuracy : float
        Of the classifier on all of `surface`, cross-validated.
    negations : float
        Accuracy of the best rule on the numbers of negations in the premises and in the conclusion, not
        cross-validated: there are but a handful of such rules.
    majority : float
        Accuracy of always giving the commoner label.
    """

    n: int
    accuracy: float
    balanced_accuracy: float
    negations: float
    majority: float

    def to_json(self) -> dict[str, float]:
        """Plain numbers."""
        return dict(vars(self))


def shortcut_scores(problems: ProblemSet) -> dict[str, Shortcut]:
    """Score the surface of a set, each reasoning type by itself.

    A forest of randomised trees on all of `surface` is cross-validated in five folds stratified by label (as many as
    the rarer label has problems, if fewer). Problems of the same words stay in one fold: of twins that differ in label
    alone, the one would else tell the other's. A type that cannot be divided so gets the scores of the majority.

    Parameters
    ----------
    problems : ProblemSet

    Returns
    -------
    dict of reasoning type to Shortcut
        In the order in which the types come.

    Raises
    ------
    InputError
        There is no problem.
    """
    if not len(problems):
        raise InputError("expected problems whose surface is to be scored, found none: give at least one")
    by_type: dict[str, list[Problem]] = defaultdict(list)
    for problem in problems:
        by_type[problem.reasoning_type].append(problem)
    return {reasoning_type: _score(members) for reasoning_type, members in by_type.items()}


def negation_accuracy(problems: Iterable[Problem]) -> float:
    """Accuracy of the best rule from the numbers of negations in premises and conclusion to a label."""
    tallies: dict[tuple[int, int], Counter[bool]] = defaultdict(Counter)
    for problem in problems:
        negated = sum(count_negations(premise) for premise in problem.premises)
        tallies[negated, count_negations(problem.conclusion)][problem.label] += 1
    n_problems = sum(tally.total() for tally in tallies.values())
    return sum(max(tally.values()) for tally in tallies.values()) / n_problems


def count_negations(sentence: str) -> int:
    """Count words that deny."""
    return len(_NEGATION.findall(sentence))


def surface(problem: Problem) -> list[float]:
    """Negations, words, letters, and words shared with the conclusion: of the conclusion, and over the premises.

    Of the premises these are the first's, the last's, the sum, the smallest and the largest, so that problems of
    different lengths have as many numbers.
    """
    conclusion = _counts(problem.conclusion)
    asked = _stems(problem.conclusion)
    premises = np.array(
        [[*_counts(premise), len(_stems(premise) & asked)] for premise in problem.premises], dtype=np.float64
    )
    return [
        len(premises),
        *conclusion,
        len(asked),
        *premises[0],
        *premises[-1],
        *premises.sum(axis=0),
        *premises.min(axis=0),
        *premises.max(axis=0),
        # Which way the label goes often hangs on whether premises and conclusion are denied alike.
        float((premises[:, 0] > 0).sum()),
        float((premises[:, 0].sum() + conclusion[0]) % 2),
    ]


def _counts(sentence: str) -> tuple[int, int, int]:
    return count_negations(sentence), len(_WORD.findall(sentence)), len(sentence)


def _stems(sentence: str) -> set[str]:
    return {word.lower().removesuffix("s") for word in _WORD.findall(sentence)}


def _score(problems: list[Problem]) -> Shortcut:
    labels = np.array([problem.label for problem in problems])
    n_rarer = int(min(labels.sum(), (~labels).sum()))
    majority = 1 - n_rarer / len(labels)
    negations = negation_accuracy(problems)
    groups = _same_words(problems)
    n_folds = min(_N_FOLDS, n_rarer, int(groups.max()) + 1)
    if n_folds < 2:
        return Shortcut(len(labels), majority, 0.5, negations, majority)
    guesses = _guess(np.array([surface(problem) for problem in problems]), labels, groups, n_folds)
    right = guesses == labels
    balanced = (right[labels].mean() + right[~labels].mean()) / 2
    return Shortcut(len(labels), float(right.mean()), float(balanced), negations, majority)


def _same_words(problems: list[Problem]) -> np.ndarray:
    """Give problems of the same words one number, int64 (n_problems,)."""
    numbers: dict[frozenset[str], int] = {}
    words = [frozenset(_stems(" ".join((*problem.premises, problem.conclusion)))) for problem in problems]
    return np.array([numbers.setdefault(found, len(numbers)) for found in words], dtype=np.int64)


def _guess(X: np.ndarray, labels: np.ndarray, groups: np.ndarray, n_folds: int) -> np.ndarray:
    """Labels guessed for each problem by a forest that saw neither it nor its twin, bool (n_problems,)."""
    from sklearn.ensemble import ExtraTreesClassifier
    from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict

    forest = ExtraTreesClassifier(_N_TREES, max_features=None, min_samples_leaf=3, random_state=_SEED)
    folds = StratifiedGroupKFold(n_folds, shuffle=True, random_state=_SEED)
    guesses: np.ndarray = cross_val_predict(forest, X, labels, groups=groups, cv=folds)
    return guesses
