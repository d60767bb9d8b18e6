"""Problems: cleaned sentences, stable ids, sets in order."""

import numpy as np
import pytest

from brainalign.errors import InputError
from brainalign.stimuli import Problem, ProblemSet, clean_sentence

PREMISES = ("All blemps are frosty", "All frosty things are odd", "Elsa is a blemp")


def problem(conclusion: str = "Elsa is odd", **changes: object) -> Problem:
    fields: dict[str, object] = {"label": True, "category": "3_true_affirm", **changes}
    return Problem.of("syllogisms", PREMISES, conclusion, **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Elsa is odd", "Elsa is odd"),
        ("Elsa is odd.", "Elsa is odd"),
        (" Elsa  is odd  ", "Elsa is odd"),
        ("Elsa is odd .", "Elsa is odd"),
        ("Elsa is odd..", "Elsa is odd"),
        ("Elsa is odd. . ", "Elsa is odd"),
    ],
)
def test_full_stops_and_stray_spaces_are_stripped(text: str, expected: str) -> None:
    assert clean_sentence(text) == expected


def test_id_does_not_depend_on_spaces_or_full_stops_or_label() -> None:
    spaced = Problem.of("syllogisms", [f" {p} ." for p in PREMISES], "Elsa is odd. ", label=False, category="x")
    assert spaced.stimulus_id == problem().stimulus_id
    assert spaced.premises == PREMISES


def test_id_is_pinned() -> None:
    # Ids name rows of stored results: this one was computed once with hashlib, outside of the package.
    import hashlib
    import json

    text = json.dumps(["syllogisms", list(PREMISES), "Elsa is odd"], separators=(",", ":"))
    assert problem().stimulus_id == "syl-" + hashlib.sha256(text.encode()).hexdigest()[:10]


def test_id_depends_on_type_sentences_and_their_order() -> None:
    variants = {
        problem().stimulus_id,
        problem("Elsa is not odd").stimulus_id,
        Problem.of("syllogisms", PREMISES[::-1], "Elsa is odd", label=True, category="").stimulus_id,
        Problem.of("transitive", PREMISES, "Elsa is odd", label=True, category="").stimulus_id,
    }
    assert len(variants) == 4


def test_set_gives_columns_in_order_and_subsets_in_the_order_asked_for() -> None:
    first, second = problem(), problem("Elsa is not odd", label=False)
    problems = ProblemSet((first, second), "generated")
    assert problems.ids == (first.stimulus_id, second.stimulus_id)
    np.testing.assert_array_equal(problems.labels, [True, False])
    assert problems.types.tolist() == ["syllogisms", "syllogisms"]
    assert list(problems.subset(problems.ids[::-1])) == [second, first]
    assert problems.subset(problems.ids).content_hash == problems.content_hash
    assert problems.subset(problems.ids[::-1]).content_hash != problems.content_hash


def test_unknown_id_doubled_id_and_empty_sentence_are_refused() -> None:
    with pytest.raises(InputError, match=r"1 others \(syl-0"):
        ProblemSet((problem(),), "generated").subset(["syl-0"])
    with pytest.raises(InputError, match="twice"):
        ProblemSet((problem(), problem()), "generated")
    with pytest.raises(InputError, match="no sentence empty"):
        problem(" .")
    with pytest.raises(InputError, match="reasoning type"):
        Problem.of("modal", PREMISES, "Elsa is odd", label=True, category="")  # type: ignore[arg-type]
