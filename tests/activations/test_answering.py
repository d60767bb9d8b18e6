"""Answers and continuations of packed passes are those of transformers' own passes, steered or not."""

from itertools import permutations

import numpy as np
import pytest
import torch

from brainalign.activations import displaced, edited
from brainalign.activations.answering import PassSize, answer_prompts, continuations, option_logits
from brainalign.activations.prefix_tree import build_tree
from brainalign.errors import InputError
from brainalign.zoo import LanguageModel
from tests.activations.plain import hooks_of, plain_answer, plain_logits, plain_margin

SMALL = PassSize(block_tokens=64, max_stored=40)
LAYERS = (1, 2)


@pytest.fixture(scope="module")
def orders(model: LanguageModel) -> list[list[int]]:
    """All orders of the parts of a made-up text: a tree of many levels."""
    parts = [model.encode_chat([{"role": "user", "content": text}])[-9:] for text in ("All a", "No b", "c is", "d")]
    return [sum(order, list(range(5, 11))) for order in permutations(parts)]


@pytest.mark.parametrize("size", [None, SMALL])
def test_answers_are_those_of_one_by_one(
    model: LanguageModel, prompts: list[list[int]], orders: list[list[int]], size: PassSize | None
) -> None:
    asked = [*prompts, *orders]
    found = answer_prompts(model, asked, size)
    logits = [plain_logits(model, ids) for ids in asked]
    assert found.answer.tolist() == [plain_answer(model, row) for row in logits]
    np.testing.assert_allclose(found.margin, [plain_margin(model, row) for row in logits], atol=1e-5, rtol=0)
    options = option_logits(model, asked, [3, 7, 4], size)
    np.testing.assert_allclose(options, torch.stack(logits)[:, [3, 7, 4]].numpy(), atol=1e-5, rtol=0)


def test_steering_acts_on_the_last_token_of_each_prompt(
    model: LanguageModel, prompts: list[list[int]], orders: list[list[int]]
) -> None:
    asked = [*prompts[:4], *orders]
    added = torch.from_numpy(np.random.default_rng(1).standard_normal((2, model.hidden_size)).astype(np.float32))
    before = hooks_of(model)
    with edited(model, "attention", LAYERS, lambda layer, states: states + added[layer - 1]):
        found = answer_prompts(model, asked, SMALL)
    assert hooks_of(model) == before
    expected = [plain_margin(model, plain_logits(model, ids, LAYERS, added)) for ids in asked]
    np.testing.assert_allclose(found.margin, expected, atol=1e-5, rtol=0)
    assert np.abs(found.margin - answer_prompts(model, asked).margin).max() > 1e-2


def test_portions_hold_every_node_once_behind_its_parents(orders: list[list[int]]) -> None:
    tree = build_tree(orders, 1)
    done: set[int] = set()
    forgotten: set[int] = set()
    for nodes, gone in tree.portions(20):
        for number in nodes:
            parent = tree.nodes[number].parent
            assert parent == -1 or (parent in done | set(nodes) and parent not in forgotten)
            assert number not in done
        done |= set(nodes)
        forgotten |= set(gone)
        held = sum(len(tree.nodes[n].tokens) for n in done - forgotten if not tree.nodes[n].is_leaf)
        assert held <= 20 + 18
    assert done == forgotten == set(range(len(tree.nodes)))


def test_continuations_are_those_of_a_plain_pass(model: LanguageModel, prompts: list[list[int]]) -> None:
    pairs = [(prompts[0], prompts[1][-3:]), (prompts[2][:1], prompts[2][1:9]), (prompts[0][:40], prompts[0][40:44])]
    for (context, ending), found in zip(pairs, continuations(model, pairs, block_tokens=50), strict=True):
        with torch.inference_mode():
            logits = model.module(input_ids=torch.tensor([[*context, *ending]]), use_cache=False).logits[0]
        rows = torch.log_softmax(logits[len(context) - 1 : -1].double(), dim=1)
        expected = rows.gather(1, torch.tensor(ending)[:, None]).sum()
        assert found.log_likelihood == pytest.approx(float(expected), abs=1e-4)
        assert found.is_greedy == (rows.argmax(dim=1).tolist() == list(ending))


def test_steered_continuations_are_those_of_generation_from_a_cache(
    model: LanguageModel, prompts: list[list[int]]
) -> None:
    context, ending = prompts[0], prompts[1][-4:]
    added = torch.from_numpy(np.random.default_rng(2).standard_normal((2, model.hidden_size)).astype(np.float32))
    with edited(model, "attention", LAYERS, lambda layer, states: states + added[layer - 1]):
        (found,) = continuations(model, [(context, ending)])
    expected, cache, ids = 0.0, None, list(context)
    with torch.inference_mode(), displaced(model, "attention", LAYERS, added):
        for target in ending:
            output = model.module(input_ids=torch.tensor([ids]), past_key_values=cache, use_cache=True)
            expected += float(torch.log_softmax(output.logits[0, -1].double(), dim=0)[target])
            cache, ids = output.past_key_values, [target]
    assert found.log_likelihood == pytest.approx(expected, abs=1e-4)


def test_a_continuation_of_nothing_is_refused(model: LanguageModel) -> None:
    assert continuations(model, []) == []
    with pytest.raises(InputError, match="begin-of-text"):
        continuations(model, [([], [1])])
