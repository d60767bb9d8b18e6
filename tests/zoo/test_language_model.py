"""What a language model is asked: chats, hooks, scores."""

import pytest
import torch

from brainalign.errors import ModelError
from brainalign.zoo import LanguageModel, list_models, load_model

TINY = [facts.name for facts in list_models() if facts.name.startswith("tiny-random-")]
CHAT = [{"role": "user", "content": "Premises:\n1. All wugs are red.\nConclusion:\nNo wugs are red."}]


@pytest.fixture(scope="module")
def model() -> LanguageModel:
    return load_model("tiny-random-llama")


@pytest.mark.parametrize("name", TINY)
def test_answer_tokens_are_found_in_context(name: str) -> None:
    model = load_model(name)
    prompt = model.encode_chat(CHAT)
    for word, ids in (("True", model.true_ids), ("False", model.false_ids)):
        assert len(ids) == 2
        endings = {
            model.tokenizer.decode([*prompt, token]).removeprefix(model.tokenizer.decode(prompt)) for token in ids
        }
        assert endings == {word, f" {word}"}
    assert not set(model.true_ids) & set(model.false_ids)


def test_alone_a_word_may_be_tokenised_otherwise(model: LanguageModel) -> None:
    # As with SentencePiece: alone, the word gets a space of its own, so ids must come from prompt + word.
    assert model.tokenizer("True", add_special_tokens=False)["input_ids"] != [model.true_ids[0]]


def test_score_reads_margin_and_answer(model: LanguageModel) -> None:
    logits = torch.zeros(4, model.module.config.vocab_size)
    logits[0, model.true_ids[1]] = 3.0
    logits[1, model.false_ids[0]], logits[1, model.true_ids[0]] = 2.0, 1.5
    logits[2, 0], logits[2, model.true_ids[0]] = 9.0, 4.0
    logits[3, model.false_ids[1]], logits[3, model.false_ids[0]] = 5.0, 6.0
    answers = model.score(logits)
    assert answers.answer.tolist() == [1, 0, -1, 0]
    assert answers.margin.tolist() == [3.0, -0.5, 4.0, -6.0]
    assert len(answers) == 4


def test_forward_and_head_equal_the_plain_model(model: LanguageModel) -> None:
    ids = model.encode_chat(CHAT)
    plain = model.module(input_ids=torch.tensor([ids]), output_hidden_states=True)
    assert torch.allclose(model.forward(ids), plain.logits[0, -1], atol=1e-6)
    residual = []
    with model.hook("layer", model.n_layers - 1, lambda state: residual.append(state[0, -1:])):
        model.forward(ids)
    assert torch.allclose(model.head(residual[0])[0], plain.logits[0, -1], atol=1e-5)


def test_final_soft_cap_is_applied() -> None:
    gemma = load_model("tiny-random-gemma2")
    ids = gemma.encode_chat(CHAT)
    residual = []
    with gemma.hook("layer", gemma.n_layers - 1, lambda state: residual.append(1000 * state[0, -1:])):
        gemma.forward(ids)
    assert gemma.head(residual[0]).abs().max() <= gemma.module.config.final_logit_softcapping
    assert torch.allclose(gemma.head(residual[0] / 1000)[0], gemma.forward(ids), atol=1e-5)


def test_hook_sees_changes_and_leaves(model: LanguageModel) -> None:
    ids = model.encode_chat(CHAT)
    before = model.forward(ids)
    with model.hook("attention", 1, lambda state: state + 1.0) as firings:
        changed = model.forward(ids)
        model.forward(ids)
    assert firings.count == 2
    assert not torch.equal(changed, before)
    assert torch.equal(model.forward(ids), before)


def test_hook_is_gone_after_an_exception(model: LanguageModel) -> None:
    def fail(state: torch.Tensor) -> None:
        raise RuntimeError("inside")

    # transformers leaves hooks of its own behind after `output_hidden_states`, so compare with before.
    before = [list(module._forward_hooks) for module in model.module.modules()]
    with pytest.raises(RuntimeError, match="inside"), model.hook("layer", 2, fail):
        model.forward(model.encode_chat(CHAT))
    assert [list(module._forward_hooks) for module in model.module.modules()] == before


def test_site_of_attention_is_after_the_output_projection() -> None:
    gemma = load_model("tiny-random-gemma2")
    seen: dict[str, torch.Tensor] = {}
    norm = gemma.module.model.layers[1].post_attention_layernorm
    handle = norm.register_forward_hook(lambda module, inputs, output: seen.update(into_norm=inputs[0]))
    with gemma.hook("attention", 1, lambda state: seen.update(site=state)):
        gemma.forward(gemma.encode_chat(CHAT))
    handle.remove()
    assert torch.equal(seen["site"], seen["into_norm"])
    assert gemma.attention(1) is gemma.layers[1].self_attn


def test_bad_layers_sites_and_prompts_are_refused(model: LanguageModel) -> None:
    with pytest.raises(ModelError, match="expected a layer from 0 to 3 of tiny-random-llama, found 4"):
        model.attention(4)
    with pytest.raises(ModelError, match="found 'mlp'"):
        model.site("mlp", 0)  # type: ignore[arg-type]
    with pytest.raises(ModelError, match="expected a prompt of at most 4096 tokens for tiny-random-llama"):
        model.encode_chat([{"role": "user", "content": "wug " * 5000}])


def test_a_tokenizer_that_splits_true_is_refused(model: LanguageModel) -> None:
    class Letters:
        """Every letter is a token."""

        def apply_chat_template(self, chat: list[dict[str, str]], **_: object) -> str:
            return chat[0]["content"]

        def __call__(self, text: str, **_: object) -> dict[str, list[int]]:
            return {"input_ids": [ord(letter) for letter in text]}

    with pytest.raises(ModelError, match="expected True and False to be one token each"):
        LanguageModel(model.facts, model.module, Letters(), "hash")
