"""How models are spoken to, by the habits that their rows record; tokenizers of the tiny models stand in."""

from dataclasses import replace

import pytest

from brainalign.errors import ModelError
from brainalign.stimuli import generate_problems, own_wording
from brainalign.zoo import Chat, load_model, model_facts
from brainalign.zoo.chat import check_room, context_of
from brainalign.zoo.facts import ChatRules
from brainalign.zoo.meta import meta_model
from brainalign.zoo.tiny_tokenizers import CONVENTIONS, build_tokenizer

CHAT = [{"role": "user", "content": "All wugs are red."}]


def chat_of(name: str, family: str, context: int = 4096) -> Chat:
    facts = replace(model_facts(name), answer_ids=None)
    return Chat(facts, build_tokenizer(family), context)


def test_a_lead_is_given_with_the_prompt_and_answers_are_found_before_it() -> None:
    with_lead, without = chat_of("llama-2-7b-chat", "llama"), chat_of("tiny-random-llama", "llama")
    space = with_lead.tokenizer.convert_tokens_to_ids("▁")
    assert with_lead.encode(CHAT) == [*without.encode(CHAT), space]
    assert with_lead.true_ids == without.true_ids
    assert with_lead.render(CHAT, generation_prompt=False) == without.render(CHAT)


def test_base_models_continue_one_text_behind_their_begin_token() -> None:
    (problem,) = list(generate_problems(1, seed=1))[:1]
    wording = own_wording()
    expected = wording.for_base().messages(problem)[0]["content"]
    qwen, llama = chat_of("qwen2-7b", "qwen2"), chat_of("llama-2-7b", "llama")
    assert qwen.render(qwen.words(wording).messages(problem)) == expected
    assert llama.render(llama.words(wording).messages(problem)) == f"<s>{expected}"
    ids = llama.encode_problem(problem, wording)
    assert ids.count(llama.tokenizer.bos_token_id) == 1
    assert ids[0] == llama.tokenizer.bos_token_id
    # The answer follows a line break.
    assert llama.tokenizer.decode(ids[-3:]).endswith(":\n")
    llama.check()


def test_chat_models_keep_the_chat_s_words() -> None:
    wording = own_wording()
    assert chat_of("tiny-random-qwen3", "qwen3").words(wording) is wording


def test_thinking_is_off_for_qwen3() -> None:
    assert chat_of("qwen3-4b", "qwen3").render(CHAT).endswith("<think>\n\n</think>\n\n")


def test_another_model_s_tokenizer_is_refused() -> None:
    facts = model_facts("qwen2-7b-instruct")
    with pytest.raises(ModelError, match=r"tokens \(2514, 3007\) and \(4049, 3557\) of qwen2-7b"):
        Chat(facts, build_tokenizer("qwen2"), 4096).check()


def test_a_tokenizer_without_a_template_is_refused() -> None:
    chat = chat_of("qwen2-7b-instruct", "qwen2")
    chat.tokenizer.chat_template = None
    with pytest.raises(ModelError, match="expected a tokenizer of qwen2-7b-instruct with a chat template"):
        chat.encode(CHAT)


def test_contexts_come_from_configurations() -> None:
    assert context_of(load_model("tiny-random-llama").module.config) == 4096
    assert context_of(meta_model("llama-3.3-70b-instruct").config) == 131072
    # "longrope" turns every token otherwise in a longer prompt, so prefixes could not be shared.
    assert context_of(meta_model("phi-4-mini-instruct").config) == 4096
    with pytest.raises(ModelError, match="expected a prompt of at most 8 tokens for tiny-random-qwen3, found"):
        chat_of("tiny-random-qwen3", "qwen3", context=8).encode(CHAT)


def test_rules_say_which_templates_take_a_system_message() -> None:
    system = [{"role": "system", "content": "Be brief."}, *CHAT]
    for family in CONVENTIONS:
        chat = chat_of(f"tiny-random-{family}", family)
        if chat.facts.chat.has_system_role:
            assert "Be brief." in chat.render(system)
        else:
            with pytest.raises(ModelError, match="put a system text into the first user turn"):
                chat.render(system)
    assert ChatRules().has_system_role


def test_a_context_shorter_than_the_words_of_a_prompt_is_told_from_the_facts_alone() -> None:
    facts, problems, wording = model_facts("llama-2-7b-chat"), generate_problems(1, seed=1), own_wording()
    check_room(facts, problems, wording)
    short = replace(facts, context=20)
    with pytest.raises(ModelError, match=r"at most 20 tokens for llama-2-7b-chat, found \d+ words in that of problem"):
        check_room(short, problems, wording)
