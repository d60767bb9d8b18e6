"""Generated problems: balanced, reproducible, in words of our own, and with no label in their surface."""

import collections
import itertools
import re
from pathlib import Path

import pytest

from brainalign.errors import InputError
from brainalign.stimuli import VOCABULARIES, Problem, ReasoningType, entails, generate_problems
from brainalign.stimuli.words import words_of


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


@pytest.mark.parametrize("n_premises", [4, 5, 6])
def test_longer_chains_have_four_categories_and_need_every_premise(n_premises: int) -> None:
    problems = generate_problems(16, seed=0, n_premises=n_premises, vocabulary="test")
    counts = collections.Counter((p.reasoning_type, p.category) for p in problems)
    assert set(counts) == {
        (kind, f"{n_premises}_{truth}_{polarity}")
        for kind in ("syllogisms", "transitive")
        for truth in ("true", "false")
        for polarity in ("affirm", "negate")
    }
    assert set(counts.values()) == {4}
    for problem in problems:
        assert len(set(problem.premises)) == n_premises
        if problem.label:
            for left_out in range(n_premises):
                others = problem.premises[:left_out] + problem.premises[left_out + 1 :]
                assert not entails(others, problem.conclusion)


def test_propositional_and_relational_problems_hold_every_category_equally_often() -> None:
    problems = generate_problems(24, seed=0, reasoning_types=("propositional", "relational"))
    counts = collections.Counter((p.reasoning_type, p.category) for p in problems)
    assert sorted(counts.values()) == [2] * 12 + [6] * 4
    assert {len(p.premises) for p in problems if p.reasoning_type == "propositional"} == {2}
    assert {len(p.premises) for p in problems if p.reasoning_type == "relational"} == {4}
    assert all(p.label == p.category.endswith("true") for p in problems)


def test_vocabularies_share_no_word_and_problems_use_their_own() -> None:
    words = {name: {word.lower() for kind in vars(words_of(name)).values() for word in kind} for name in VOCABULARIES}
    for one, other in itertools.combinations(words.values(), 2):
        assert not one & other
    assert all(len(found) == sum(len(kind) for kind in vars(words_of(name)).values()) for name, found in words.items())
    types = ("syllogisms", "transitive", "propositional", "relational")
    frame = set()
    for name in VOCABULARIES:
        problems = generate_problems(48, seed=0, reasoning_types=types, vocabulary=name)
        said = {w.lower() for p in problems for s in (*p.premises, p.conclusion) for w in re.findall(r"\w+", s)}
        own = {w for w in said if w in words[name] or w.removesuffix("s") in words[name]}
        assert not own & set().union(*(words[other] for other in VOCABULARIES if other != name))
        assert len(own) > 80
        frame |= said - own
    frame -= {"all", "are", "is", "not", "a", "than", "things", "if", "then", "or", "only"}
    assert frame <= {"picture", "pictures", "b", "c", "d", "and", "differ", "in", "the", "same", "feature", "as"}


def test_problems_of_simulated_betas_stay_as_they_were() -> None:
    # Stored results hang on them: computed once, before there were other vocabularies.
    assert generate_problems(64, seed=0).content_hash == "83e90dce632a1e1ca6d3c6f53c473d05"
    assert generate_problems(200, seed=7).content_hash == "2b704e2d16a7a4f7b1754bdc444d9dd8"


@pytest.mark.parametrize("n_premises", [3, 4, 5, 6])
def test_twins_show_the_same_to_the_letter(n_premises: int) -> None:
    types = ("syllogisms", "transitive", "propositional")
    problems = generate_problems(96, seed=0, n_premises=n_premises, reasoning_types=types, vocabulary="train")
    for one, other in zip(problems.problems[::2], problems.problems[1::2], strict=True):
        assert (one.label, other.label) == (True, False)
        assert one.conclusion == other.conclusion
        assert collections.Counter("".join(one.premises)) == collections.Counter("".join(other.premises))
        assert shown(one) == shown(other)


def shown(problem: Problem) -> tuple[object, ...]:
    """What the surface shows but for words: negations, lengths and words shared with the conclusion."""
    *premises, conclusion = [re.findall(r"\w+", s.lower()) for s in (*problem.premises, problem.conclusion)]
    stems = {word.removesuffix("s") for word in conclusion}
    counts = [
        (words.count("not"), len(words), len({word.removesuffix("s") for word in words} & stems)) for words in premises
    ]
    return (conclusion.count("not"), len(conclusion), *sorted(counts))


@pytest.mark.parametrize(
    ("kind", "n_per_type", "n_premises", "vocabulary"),
    [
        *[(kind, 128, 3, "simulation") for kind in ("syllogisms", "transitive")],
        *[(kind, 64, n, "test") for kind in ("syllogisms", "transitive") for n in (3, 4, 5, 6)],
        ("propositional", 48, 3, "test"),
        ("relational", 16, 3, "test"),
    ],
)
def test_each_surface_has_both_labels_equally_often(
    kind: ReasoningType, n_per_type: int, n_premises: int, vocabulary: str
) -> None:
    labels = collections.defaultdict(list)
    problems = generate_problems(
        n_per_type, seed=0, n_premises=n_premises, reasoning_types=(kind,), vocabulary=vocabulary
    )
    for problem in problems:
        labels[shown(problem)].append(problem.label)
    assert len(labels) >= {"relational": 1, "transitive": 2}.get(kind, 4)
    assert all(2 * sum(found) == len(found) for found in labels.values())


def test_words_are_not_those_of_the_release(release_folder: Path) -> None:
    texts = [path.read_text() for path in (release_folder / "data").glob("deductive_reasoning_data_*.json")]
    taken = {word.lower() for text in texts for word in re.findall(r"[A-Za-z]+", text)}
    own = [word.lower() for name in VOCABULARIES for words in vars(words_of(name)).values() for word in words]
    assert len(set(own)) == len(own)
    assert not taken & {*own, *(f"{word}s" for word in own)}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"n_per_type": 0}, "at least 1"),
        ({"n_premises": 2}, "3 to 6 premises, found 2"),
        ({"n_premises": 7}, "3 to 6 premises, found 7"),
        ({"vocabulary": "tests"}, "vocabulary of simulation"),
        ({"reasoning_types": ("other",)}, "reasoning types"),
        ({"reasoning_types": ()}, "reasoning types"),
        ({"reasoning_types": ("transitive", "transitive")}, "each once"),
    ],
)
def test_what_cannot_be_generated_is_refused(settings: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        generate_problems(**{"n_per_type": 8, "seed": 0, **settings})  # type: ignore[arg-type]
