"""Llama 2, 3 and 3.3."""

from brainalign.zoo.entry import Entry, published
from brainalign.zoo.facts import ChatRules


def llama_2_7b_chat() -> Entry:
    """Llama-2-7b-chat: its answers begin with a space token of their own, before the word's own space."""
    rules = ChatRules(answer_lead=" ")
    return published("llama-2-7b-chat", "Llama-2", ("1x48", "1x24", "1x48"), rules, gated=True)


def llama_2_7b() -> Entry:
    """Llama-2-7b, the base model."""
    return published("llama-2-7b", "Llama-2", ("1x48", "1x24", "1x48"), ChatRules(style="base"), gated=True)


def llama_3_8b_instruct() -> Entry:
    """Meta-Llama-3-8B-Instruct."""
    return published("llama-3-8b-instruct", "Llama-3", ("1x24", "1x24", "1x48"), gated=True)


def llama_3_3_70b_instruct() -> Entry:
    """Llama-3.3-70B-Instruct: its template names a date, so one is held (else two days would give two prompts)."""
    rules = ChatRules(options=(("date_string", "26 Jul 2024"),))
    return published("llama-3.3-70b-instruct", "Llama-3.3", ("2x80", "2x80", "4x80"), rules, gated=True)
