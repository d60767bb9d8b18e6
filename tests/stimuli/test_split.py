"""The split: no logical form in both parts, strata shared out, the same for the same names."""

import collections

import pytest

from brainalign.errors import InputError
from brainalign.stimuli import Problem, ProblemSet, generate_problems, logical_form, split_problems


def syllogism(noun: str, adjective: str, further: str, name: str) -> Problem:
    premises = [f"All {noun}s are {adjective}", f"All {adjective} things are {further}", f"{name} is a {noun}"]
    return Problem.of("syllogisms", premises, f"{name} is {further}", label=True, category="3_true_affirm")


def test_form_ignores_words_and_premise_order_and_nothing_else() -> None:
    one, other = syllogism("trunk", "odd", "sour", "Elsa"), syllogism("blemp", "tidy", "rare", "Igor")
    assert logical_form(one) == logical_form(other)
    shuffled = Problem.of("syllogisms", one.premises[::-1], one.conclusion, label=True, category="")
    assert logical_form(shuffled) == logical_form(one)
    adjacent = Problem.of("syllogisms", one.premises, "Elsa is odd", label=True, category="")
    denied = Problem.of("syllogisms", one.premises, "Elsa is not sour", label=False, category="")
    assert len({logical_form(p) for p in (one, adjacent, denied)}) == 3


def test_generated_set_has_six_forms_a_type_and_label() -> None:
    # Two polarities times (adjacent at either end, or all premises needed).
    problems = generate_problems(16, seed=0)
    forms = collections.defaultdict(set)
    for problem in problems:
        forms[problem.reasoning_type, problem.label].add(logical_form(problem))
    assert {key: len(found) for key, found in forms.items()} == dict.fromkeys(forms, 6)


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("share", [0.5, 0.3])
def test_parts_share_no_form_and_hold_their_share_of_each_stratum(seed: int, share: float) -> None:
    problems = generate_problems(48, seed=4)
    split = split_problems(problems, selection_share=share, seed=seed)
    assert sorted((*split.selection, *split.report)) == sorted(problems.ids)
    selection, report = problems.subset(split.selection), problems.subset(split.report)
    assert not {logical_form(p) for p in selection} & {logical_form(p) for p in report}
    for reasoning_type in ("syllogisms", "transitive"):
        for label in (True, False):
            counts = [
                sum(p.reasoning_type == reasoning_type and p.label == label for p in part)
                for part in (selection, report)
            ]
            assert sum(counts) == 24
            assert abs(counts[0] - 24 * share) <= 3  # groups of 3 and 6 problems
    assert abs(len(selection) - share * len(problems)) <= 3


def test_split_is_a_function_of_its_names() -> None:
    problems = generate_problems(24, seed=0)
    first = split_problems(problems, seed=7)
    assert split_problems(problems, seed=7) == first
    backwards = ProblemSet(problems.problems[::-1], "generated")
    assert set(split_problems(backwards, seed=7).selection) == set(first.selection)
    assert len({split_problems(problems, seed=seed).selection for seed in range(6)}) > 1


def test_small_sets_split_too() -> None:
    problems = generate_problems(4, seed=0)
    split = split_problems(problems)
    assert len(split.selection) == len(split.report) == 4


def test_one_form_in_a_stratum_and_a_share_out_of_range_are_refused() -> None:
    problems = ProblemSet(
        (syllogism("trunk", "odd", "sour", "Elsa"), syllogism("blemp", "tidy", "rare", "Igor")), "generated"
    )
    with pytest.raises(InputError, match="take more problems"):
        split_problems(problems)
    for share in (0.0, 1.0, -0.5):
        with pytest.raises(InputError, match="between 0 and 1"):
            split_problems(generate_problems(8, seed=0), selection_share=share)


def test_arguments_and_pictures_have_as_many_forms_as_they_were_made_from() -> None:
    arguments = generate_problems(96, seed=0, reasoning_types=("propositional",), vocabulary="test")
    forms = collections.defaultdict(set)
    for problem in arguments:
        forms[problem.category].add(logical_form(problem))
    # "P only if Q" says what "if P, then Q" says; a disjunction is spelled either way round.
    assert forms["only_if_true"] == forms["modus_ponens_true"]
    assert forms["only_if_false"] == forms["affirmed_consequent_false"]
    assert {name for name, found in forms.items() if len(found) == 2} == {n for n in forms if "disjunction" in n}
    assert len(set().union(*forms.values())) == 4 * 2 + 6
    pictures = generate_problems(32, seed=0, reasoning_types=("relational",), vocabulary="test")
    assert len({logical_form(p) for p in pictures}) == 4
    split = split_problems(pictures, seed=1)
    assert not {logical_form(p) for p in pictures.subset(split.selection)} & {
        logical_form(p) for p in pictures.subset(split.report)
    }


def test_everyday_problems_are_forms_of_their_own() -> None:
    problems = [
        Problem.of("other", ["It rains"], f"It is {word}", label=word != "dry", category="") for word in ("wet", "dry")
    ]
    assert [logical_form(p) for p in problems] == [p.stimulus_id for p in problems]
