"""Gemma 2, and the small base model of Gemma 3."""

from dataclasses import replace

from brainalign.zoo.entry import Entry, published
from brainalign.zoo.facts import ChatRules


def gemma_2_9b_it() -> Entry:
    """gemma-2-9b-it: no system role, soft caps, alternating windows, a normed attention output."""
    rules = ChatRules(has_system_role=False)
    return published("gemma-2-9b-it", "Gemma", ("1x48", "1x48", "1x48"), rules, gated=True)


def gemma3_270m() -> Entry:
    """gemma-3-270m, the base model: real weights from packages, quantised; its terms have to be accepted."""
    row = published(
        "gemma3-270m",
        "Gemma",
        ("1x24", "1x24", "1x24"),
        ChatRules(style="base"),
        gated=True,
        builder="brainalign.zoo.gemma3_270m:build",
    )
    quantisation = "gguf-q4_k_m dequantised to float32"
    return replace(
        row, facts=replace(row.facts, dtype="float32", quantisation=quantisation, memory_gib=3.0, cards=None)
    )
