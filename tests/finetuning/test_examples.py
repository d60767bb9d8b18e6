"""Training sets: of the scanner's problems, generated ones, and both."""

import pytest

from brainalign.errors import InputError
from brainalign.finetuning import TrainingSet, generate_training_problems
from brainalign.finetuning.config import DATA_SIZES
from brainalign.stimuli import own_wording

from .examples import dataset, tiny, training_set


@pytest.mark.parametrize("size", DATA_SIZES)
def test_a_data_size_arm_has_its_own_number_of_problems(size: int) -> None:
    problems = generate_training_problems(size, seed=1)
    assert len(problems) == size
    assert problems.labels.sum() == size / 2
    assert sorted(set(problems.types)) == ["syllogisms", "transitive"]
    largest = generate_training_problems(DATA_SIZES[-1], seed=1)
    assert set(problems.ids) <= set(largest.ids)
    assert not set(problems.ids) & set(dataset().problems.ids)


def test_a_size_without_an_arm_is_refused() -> None:
    with pytest.raises(InputError, match="found 33"):
        generate_training_problems(33, seed=1)


def test_prompts_are_the_models_own_and_sets_join() -> None:
    model, first = tiny(), training_set()
    problems = generate_training_problems(32, seed=1)
    second = TrainingSet.encode(model, problems, own_wording())
    assert list(second.prompts[3]) == model.encode_chat(own_wording().messages(problems[3]))
    joined = first.join(second)
    assert len(joined) == len(first) + 32
    assert joined.labels == (*first.labels, *second.labels)
    assert len({first.content_hash, second.content_hash, joined.content_hash}) == 3
    with pytest.raises(InputError, match="each once"):
        first.join(first)
    with pytest.raises(InputError, match="found 0"):
        TrainingSet((), (), ())
