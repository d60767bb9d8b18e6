"""Questions to train on: four about the same rules, two of them true, so that only the rules can tell which.

Of a syllogism the fact and the question are exchanged, of a comparison its two ends; and "not" is put into both the
fact and the question, or into the question of a comparison. Each of the two changes turns the label round:

    All blemps are drasks. Leon is a blemp. Leon is a drask?              true
    All blemps are drasks. Leon is a drask. Leon is a blemp?              false
    All blemps are drasks. Leon is not a drask. Leon is not a blemp?      true
    All blemps are drasks. Leon is not a blemp. Leon is not a drask?      false
"""

from collections.abc import Iterator, Sequence

from brainalign.stimuli import REASONING_TYPES, Problem, generate_problems

VOCABULARY = "train"
N_SIBLINGS = 4
_NOT, _IS = " is not ", " is "


def siblings(problem: Problem) -> list[Problem]:
    """Ask four questions about the rules of a generated syllogism or transitive problem, both labels equally often."""
    label = problem.label != (_NOT in problem.conclusion)
    found = []
    for is_turned in (False, True):
        for is_negated in (False, True):
            premises, question = _question(problem, is_turned=is_turned, is_negated=is_negated)
            own = label ^ is_turned ^ is_negated
            found.append(Problem.of(problem.reasoning_type, premises, question, label=own, category=""))
    return found


def blocks(n_blocks: int, n_each: int, n_premises: Sequence[int], seed: int) -> Iterator[list[Problem]]:
    """Write blocks of questions about `n_each` problems of either type, all with one number of premises.

    What a block asks is therefore introduced by two instructions only. Block after block takes the next number of
    premises. The words are those of the "train" vocabulary.
    """
    n_rounds = -(-n_blocks // len(n_premises))
    written = {
        (n, kind): generate_problems(
            n_rounds * n_each, seed, n_premises=n, reasoning_types=(kind,), vocabulary=VOCABULARY
        ).problems
        for n in n_premises
        for kind in REASONING_TYPES
    }
    for number in range(n_blocks):
        round_, place = divmod(number, len(n_premises))
        own = slice(round_ * n_each, (round_ + 1) * n_each)
        problems = [problem for kind in REASONING_TYPES for problem in written[n_premises[place], kind][own]]
        yield [question for problem in problems for question in siblings(problem)]


def _question(problem: Problem, *, is_turned: bool, is_negated: bool) -> tuple[list[str], str]:
    """Premises and question, affirmed or not, of which the fact and the question or the two ends are exchanged."""
    asked = _affirmed(problem.conclusion)
    if problem.reasoning_type == "transitive":
        question = _reversed(asked) if is_turned else asked
        return list(problem.premises), _denied(question) if is_negated else question
    (place,) = (place for place, sentence in enumerate(problem.premises) if not sentence.startswith("All "))
    pair = (_affirmed(problem.premises[place]), asked)
    fact, question = pair[::-1] if is_turned else pair
    if is_negated:
        fact, question = _denied(fact), _denied(question)
    return [*problem.premises[:place], fact, *problem.premises[place + 1 :]], question


def _affirmed(sentence: str) -> str:
    return sentence.replace(_NOT, _IS, 1)


def _denied(sentence: str) -> str:
    return sentence.replace(_IS, _NOT, 1)


def _reversed(comparison: str) -> str:
    """Exchange the two that are compared."""
    left, said = comparison.split(_IS)
    scale, right = said.split(" than ")
    return f"{right}{_IS}{scale} than {left}"
