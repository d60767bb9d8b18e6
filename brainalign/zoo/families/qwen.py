"""Qwen 2, Qwen 3 and what was distilled into Qwen: ChatML, no begin-of-text token, biases on q, k and v in Qwen 2."""

from brainalign.zoo.entry import Entry, published
from brainalign.zoo.facts import ChatRules


def qwen2_1_5b_instruct() -> Entry:
    """Qwen2-1.5B-Instruct."""
    return published("qwen2-1.5b-instruct", "Apache-2.0", ("1x24", "1x24", "1x24"))


def qwen2_7b_instruct() -> Entry:
    """Qwen2-7B-Instruct."""
    return published("qwen2-7b-instruct", "Apache-2.0", ("1x24", "1x24", "1x48"))


def qwen2_72b_instruct() -> Entry:
    """Qwen2-72B-Instruct; it answers on 2 x 80 GB one prompt at a time."""
    return published("qwen2-72b-instruct", "Tongyi-Qianwen", ("3x80", "3x80", "4x80"))


def qwen2_7b() -> Entry:
    """Qwen2-7B, the base model."""
    return published("qwen2-7b", "Apache-2.0", ("1x24", "1x24", "1x48"), ChatRules(style="base"))


def qwen3_4b() -> Entry:
    """Qwen3-4B; it thinks unless the template is told not to."""
    rules = ChatRules(options=(("enable_thinking", False),))
    return published("qwen3-4b", "Apache-2.0", ("1x24", "1x24", "1x24"), rules)


def deepseek_r1_distill_qwen_1_5b() -> Entry:
    """DeepSeek-R1-Distill-Qwen-1.5B; it answers after ``</think>``."""
    rules = ChatRules(style="thinking")
    return published("deepseek-r1-distill-qwen-1.5b", "MIT", ("1x24", "1x24", "1x24"), rules)
