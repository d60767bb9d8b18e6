"""The logic solver against a theorem prover, by hand, and on the release's own items."""

import itertools
import json
import re
from pathlib import Path

import numpy as np
import pytest
import z3

from brainalign.artifacts import stream
from brainalign.errors import InputError
from brainalign.stimuli import contradicts, entails, generate_problems

THING = z3.DeclareSort("Thing")


def predicate(word: str) -> z3.FuncDeclRef:
    return z3.Function(word, THING, z3.BoolSort())


def to_z3(sentence: str) -> z3.BoolRef:
    """Translate independently of the package: predicates by word stem, comparatives as a real-valued scale."""
    if match := re.fullmatch(r"(\w+) is (not )?(\w+er) than (\w+)", sentence):
        left, no, scale, right = match.groups()
        value = z3.Function(scale, THING, z3.RealSort())
        above = value(z3.Const(left, THING)) > value(z3.Const(right, THING))
        return z3.Not(above) if no else above
    if match := re.fullmatch(r"(All|No) (\w+)( things)? are (\w+)( things)?", sentence):
        someone = z3.Const("someone", THING)
        lower = predicate(match[2] if match[3] else match[2].removesuffix("s"))(someone)
        # Nouns of these tests end in "p", adjectives do not, so a plural shows by its ending.
        word = match[4].removesuffix("s") if match[4].endswith("ps") else match[4]
        upper = predicate(word)(someone)
        return z3.ForAll([someone], z3.Implies(lower, upper if match[1] == "All" else z3.Not(upper)))
    match = re.fullmatch(r"(\w+) is (not )?(?:an? )?(\w+)", sentence)
    assert match, sentence
    holds = predicate(match[3])(z3.Const(match[1], THING))
    return z3.Not(holds) if match[2] else holds


def satisfiable(*formulas: z3.BoolRef) -> bool:
    solver = z3.Solver()
    solver.add(*formulas)
    answer = solver.check()
    assert answer != z3.unknown
    return bool(answer == z3.sat)


def random_rules(rng: np.random.Generator) -> list[str]:
    """Sentences about three nouns and three adjectives: some sets contradict themselves."""
    nouns, adjectives, names = ["blorp", "drimp", "flap"], ["odd", "tidy", "sour"], ["Elsa", "Igor"]
    sentences = []
    for _ in range(int(rng.integers(3, 7))):
        kind = int(rng.integers(3))
        noun, other = (nouns[k] for k in rng.choice(3, 2, replace=False))
        adjective, further = (adjectives[k] for k in rng.choice(3, 2, replace=False))
        name, no = names[int(rng.integers(2))], "not " if rng.integers(2) else ""
        quantifier = "All" if rng.integers(3) else "No"
        if kind == 0:
            sentences.append(f"{quantifier} {noun}s are {[adjective, other + 's'][int(rng.integers(2))]}")
        elif kind == 1:
            sentences.append(f"{quantifier} {adjective} things are {further}")
        else:
            sentences.append(f"{name} is {no}{['a ' + noun, adjective][int(rng.integers(2))]}")
    return sentences


def random_comparisons(rng: np.random.Generator) -> list[str]:
    names = ["Elsa", "Igor", "Paula", "Basil"]
    sentences = []
    for _ in range(int(rng.integers(3, 7))):
        left, right = (names[k] for k in rng.choice(4, 2, replace=False))
        scale = ["bolder", "ruder"][int(rng.integers(5) == 0)]
        sentences.append(f"{left} is {'not ' if rng.integers(3) == 0 else ''}{scale} than {right}")
    return sentences


@pytest.mark.parametrize("make", [random_rules, random_comparisons])
def test_solver_agrees_with_a_theorem_prover(make: object) -> None:
    verdicts = []
    for draw in range(150):
        *premises, statement = make(stream("logic test", make.__name__, draw))  # type: ignore[operator, attr-defined]
        formulas = [to_z3(premise) for premise in premises]
        asked = to_z3(statement)
        assert contradicts(premises) == (not satisfiable(*formulas)), premises
        assert entails(premises, statement) == (not satisfiable(*formulas, z3.Not(asked))), (premises, statement)
        verdicts.append((contradicts(premises), entails(premises, statement)))
    assert len(set(verdicts)) == 3  # contradictory, entailed, and not entailed all occurred


def test_labels_of_generated_problems_agree_with_a_theorem_prover() -> None:
    for problem in generate_problems(16, seed=3):
        # The prover's translation reads nouns by their last letter.
        nouns = {m for s in (*problem.premises, problem.conclusion) for m in re.findall(r"\ban? (\w+)", s)}
        nouns |= {m for s in problem.premises for m in re.findall(r"All (\w+)s are", s)}
        nouns |= {m for s in problem.premises for m in re.findall(r"are (\w+)s$", s)}

        def spelled(sentence: str, nouns: set[str] = nouns) -> str:
            for noun in nouns:
                sentence = re.sub(rf"\b{noun}(s?)\b", rf"{noun}p\1", sentence)
            return sentence

        formulas = [to_z3(spelled(premise)) for premise in problem.premises]
        assert satisfiable(*formulas)
        follows = not satisfiable(*formulas, z3.Not(to_z3(spelled(problem.conclusion))))
        assert follows == problem.label, problem


@pytest.mark.parametrize(
    ("premises", "statement", "follows"),
    [
        (["All trunks are odd", "Elsa is a trunk"], "Elsa is odd", True),
        (["All trunks are odd", "Elsa is odd"], "Elsa is a trunk", False),
        (["All trunks are odd", "Elsa is not odd"], "Elsa is not a trunk", True),
        (["All trunks are odd", "Elsa is not a trunk"], "Elsa is not odd", False),
        (["All trunks are odd", "All odd things are sour"], "All trunks are sour", True),
        (["All trunks are odd", "All odd things are sour"], "All sour things are odd", False),
        (["No trunks are odd", "Elsa is odd"], "Elsa is not a trunk", True),
        (["All qocs are luvs", "All luvs are odd", "Elsa is a qoc"], "Elsa is a luv", True),
        (["Elsa is bolder than Igor", "Igor is bolder than Ida"], "Elsa is bolder than Ida", True),
        (["Elsa is bolder than Igor", "Igor is bolder than Ida"], "Ida is not bolder than Elsa", True),
        (["Elsa is bolder than Igor", "Ida is bolder than Igor"], "Elsa is bolder than Ida", False),
        (["Elsa is not bolder than Igor"], "Igor is bolder than Elsa", False),  # they may be alike
        (["Elsa is taller than Igor"], "Igor is shorter than Elsa", True),  # opposites are one scale
        (["Elsa is slower than Igor"], "Elsa is faster than Igor", False),
        (["Elsa is taller than Igor"], "Elsa is older than Igor", False),
        (["Elsa is more careful than Igor"], "Igor is less careful than Elsa", True),
    ],
)
def test_textbook_cases(premises: list[str], statement: str, follows: bool) -> None:
    assert entails(premises, statement) is follows


def test_verdict_does_not_depend_on_the_order_of_premises() -> None:
    for problem in generate_problems(8, seed=5):
        for order in itertools.permutations(problem.premises):
            assert entails(order, problem.conclusion) == problem.label


def test_a_cycle_contradicts_itself_and_a_tie_does_not() -> None:
    cycle = ["Elsa is bolder than Igor", "Igor is bolder than Ida", "Ida is bolder than Elsa"]
    assert contradicts(cycle)
    assert not contradicts(["Elsa is not bolder than Igor", "Igor is not bolder than Elsa"])
    assert contradicts(["Elsa is bolder than Igor", "Igor is not shyer than Elsa", "Elsa is not bolder than Igor"])


def test_sentences_of_no_known_form_are_refused() -> None:
    for sentence in ("Some trunks are odd", "If Elsa runs then Igor is odd", "odd"):
        with pytest.raises(InputError, match="only these forms"):
            contradicts([sentence])


def test_release_problems_of_three_to_six_premises_are_labelled_as_the_solver_decides(release_folder: Path) -> None:
    n_checked = 0
    for path in sorted((release_folder / "data").glob("deductive_reasoning_data_*.json")):
        if "propositional" in path.name:
            continue
        for items in json.loads(path.read_text()).values():
            for item in items:
                premises = [item[name] for name in sorted(item) if name.startswith("premise")]
                assert not contradicts(premises), item
                assert entails(premises, item["conclusion"]) == ("true" in item["trial_type"]), item
                n_checked += 1
    assert n_checked > 2000
