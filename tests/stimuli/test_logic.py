"""The logic solver against a theorem prover, by hand, and on the release's own items."""

import itertools
import re
from pathlib import Path

import numpy as np
import pytest
import z3

from brainalign.artifacts import stream
from brainalign.errors import InputError
from brainalign.stimuli import Problem, contradicts, decide, entails, generate_problems, read_problems
from brainalign.stimuli.words import words_of

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


@pytest.mark.parametrize("vocabulary", ["simulation", "train", "validation", "test"])
@pytest.mark.parametrize("n_premises", [3, 4, 5, 6])
def test_labels_of_generated_chains_agree_with_a_theorem_prover(n_premises: int, vocabulary: str) -> None:
    for problem in generate_problems(16, seed=3, n_premises=n_premises, vocabulary=vocabulary):
        # The prover's translation reads nouns by their last letter.
        nouns = {m for s in (*problem.premises, problem.conclusion) for m in re.findall(r"\ban? (\w+)", s)}
        nouns |= {m for s in problem.premises for m in re.findall(r"All (\w+)s are", s)}
        nouns &= set(words_of(vocabulary).pseudowords)
        nouns |= {m for s in problem.premises for m in re.findall(r"are (\w+)s$", s)} & set(
            words_of(vocabulary).pseudowords
        )

        def spelled(sentence: str, nouns: set[str] = nouns) -> str:
            for noun in nouns:
                sentence = re.sub(rf"\b{noun}(s?)\b", rf"{noun}p\1", sentence)
            return sentence

        formulas = [to_z3(spelled(premise)) for premise in problem.premises]
        assert satisfiable(*formulas)
        follows = not satisfiable(*formulas, z3.Not(to_z3(spelled(problem.conclusion))))
        assert follows == problem.label == decide(problem), problem


def formula_to_z3(sentence: str) -> z3.BoolRef:
    """Translate by splitting at the connectives, independently of the package."""
    if sentence.startswith("If "):
        left, right = sentence.removeprefix("If ").split(", then ")
        return z3.Implies(formula_to_z3(left), formula_to_z3(right))
    if " only if " in sentence:
        left, right = sentence.split(" only if ")
        return z3.Or(z3.Not(formula_to_z3(left)), formula_to_z3(right))
    if " or " in sentence:
        return z3.Or(*[formula_to_z3(part) for part in sentence.removeprefix("Either ").split(" or ")])
    if " is not " in sentence:
        return z3.Not(z3.Bool(sentence.replace(" is not ", " is ")))
    return z3.Bool(sentence)


def test_labels_of_generated_arguments_agree_with_a_theorem_prover() -> None:
    problems = generate_problems(48, seed=3, reasoning_types=("propositional",), vocabulary="test")
    for problem in problems:
        formulas = [formula_to_z3(premise) for premise in problem.premises]
        assert satisfiable(*formulas)
        follows = not satisfiable(*formulas, z3.Not(formula_to_z3(problem.conclusion)))
        assert follows == problem.label == decide(problem), problem
    assert problems.labels.mean() == 0.5


def test_truth_tables_agree_with_a_theorem_prover() -> None:
    atoms = ["Elsa is odd", "Igor is sour", "Ida is tidy"]
    verdicts = set()
    for draw in range(200):
        rng = stream("formula test", draw)

        def literal(rng: np.random.Generator = rng) -> str:
            return atoms[int(rng.integers(3))].replace(" is ", " is not " if rng.integers(2) else " is ")

        templates = ["If {}, then {}", "{} or {}", "Either {} or {}", "{} only if {}"]
        sentences = [templates[int(rng.integers(4))].format(literal(), literal()) for _ in range(3)]
        premises, statement = [*sentences[:2], literal(), literal()], sentences[2] if rng.integers(2) else literal()
        formulas = [formula_to_z3(premise) for premise in premises]
        assert contradicts(premises) == (not satisfiable(*formulas)), premises
        follows = not satisfiable(*formulas, z3.Not(formula_to_z3(statement)))
        assert entails(premises, statement) == follows, (premises, statement)
        verdicts.add((contradicts(premises), follows))
    assert len(verdicts) == 3


def test_labels_of_generated_pictures_agree_with_a_theorem_prover() -> None:
    values, kinds = z3.DeclareSort("Value"), ("texture", "shape")
    for problem in generate_problems(16, seed=3, reasoning_types=("relational",), vocabulary="test"):
        seen = {kind: {n: z3.Const(f"{kind} {n}", values) for n in "ABCD"} for kind in kinds}
        constants: dict[str, z3.ExprRef] = {}
        formulas = []
        for premise in problem.premises:
            _, name, _, _, texture, shape = premise.split()
            for kind, word in zip(kinds, (texture, shape), strict=True):
                formulas.append(seen[kind][name] == constants.setdefault(word, z3.Const(word, values)))
        formulas.append(z3.Distinct(*constants.values()))
        differ = {kind: (seen[kind]["A"] != seen[kind]["B"], seen[kind]["C"] != seen[kind]["D"]) for kind in kinds}
        assert satisfiable(*formulas, z3.Xor(*[pair[0] for pair in differ.values()]))
        statement = z3.Or(*[z3.And(*pair) for pair in differ.values()])
        follows = not satisfiable(*formulas, z3.Not(statement))
        assert follows == problem.label == decide(problem), problem


@pytest.mark.parametrize(
    ("pictures", "message"),
    [
        (["a red star", "a red moon", "a blue bell"], "pictures A, B, C and D"),
        (["a red star", "a red star", "a blue bell", "a pink bell"], "found 0"),
        (["a red star", "a blue moon", "a blue bell", "a pink bell"], "found 2"),
        (["red", "a red moon", "a blue bell", "a pink bell"], "only these forms"),
    ],
)
def test_pictures_that_ask_nothing_are_refused(pictures: list[str], message: str) -> None:
    premises = [f"Picture {name} is {picture}" for name, picture in zip("ABCD", pictures, strict=False)]
    with pytest.raises(InputError, match=message):
        decide(Problem.of("relational", premises, "x", label=True, category=""))


def test_contradictory_premises_have_no_label() -> None:
    premises = ["Elsa is bolder than Igor", "Igor is bolder than Elsa"]
    with pytest.raises(InputError, match="drop the problem"):
        decide(Problem.of("transitive", premises, "Elsa is bolder than Ida", label=True, category=""))


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
        (["If Elsa is odd, then Igor is sour", "Igor is sour"], "Elsa is odd", False),
        (["If Elsa is odd, then Igor is sour", "Igor is not sour"], "Elsa is not odd", True),
        (["Elsa is odd only if Igor is sour", "Elsa is odd"], "Igor is sour", True),
        (["Elsa is odd or Igor is sour", "Elsa is odd"], "Igor is not sour", False),  # "or" is inclusive
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


def test_release_problems_are_labelled_as_the_solver_decides(release_folder: Path) -> None:
    n_checked = 0
    for path in sorted((release_folder / "data").glob("*_data_*.json")) + sorted(
        (release_folder / "data").glob("relational_*.jsonl")
    ):
        for problem in read_problems(path):
            assert decide(problem) == problem.label, problem
            n_checked += 1
    assert n_checked > 4000
    stimuli = read_problems(release_folder / "stimuli_mapping_final.jsonl")
    assert [decide(problem) for problem in stimuli] == list(stimuli.labels)
