"""Instructions are many and different, and the answers under them are the model's own."""

import numpy as np
import pytest

from brainalign.artifacts import Store
from brainalign.errors import InputError
from brainalign.steering.instructions import STAGE, InstructionVariants, instructions
from brainalign.stimuli import REASONING_TYPES, generate_problems, own_wording
from brainalign.zoo import load_model


def test_all_are_different_and_say_how_to_answer() -> None:
    found = instructions()
    for kind in REASONING_TYPES:
        texts = [texts[kind] for texts in found]
        assert len(set(texts)) == len(texts) >= 400
        assert all("'True'" in text and "'False'" in text and "{count}" in text for text in texts)
    assert found == instructions()


def test_answers_are_those_of_plain_forward_passes_and_found_again(store: Store) -> None:
    model, problems = load_model("tiny-random-gemma2"), generate_problems(3, seed=1)
    variants = InstructionVariants(model, problems, own_wording(), store)
    rows = np.array([4, 0, 4])
    found = variants.answer(7, rows)
    for place, row in enumerate(rows):
        ids = model.encode_chat(list(variants)[7].messages(problems[int(row)]))
        plain = model.score(model.forward(ids)[None])
        assert found.margin[place] == pytest.approx(plain.margin[0], abs=1e-5)
        assert found.answer[place] == plain.answer[0]
    assert len(list((store.root / "stages" / STAGE).iterdir())) == 1
    again = InstructionVariants(model, problems, own_wording(), store).answer(7, rows)
    assert np.array_equal(again.margin, found.margin)
    assert not np.array_equal(variants.answer(8, rows).margin, found.margin)
    with pytest.raises(InputError, match="ask less often"):
        variants.answer(len(variants), rows)


def test_pictures_have_instructions_of_their_own_and_other_types_none() -> None:
    model, problems = load_model("tiny-random-llama"), generate_problems(2, seed=1, reasoning_types=["relational"])
    wordings = list(InstructionVariants(model, problems, own_wording()))
    said = [wording.messages(problems[0])[0]["content"] for wording in wordings]
    assert len(set(said)) == len(said) >= 400
    assert all("shape" in text and "texture" in text and "'True'" in text and "{" not in text for text in said)
    assert all("premise" not in text and "conclusion" not in text for text in said)
    assert {wording.texts("propositional") for wording in wordings} == {own_wording().texts("propositional")}
    others = generate_problems(2, seed=1, reasoning_types=["propositional"])
    with pytest.raises(InputError, match=r"found propositional.*leave the arm prompt out"):
        InstructionVariants(model, others, own_wording())
