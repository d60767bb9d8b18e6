"""Gemma 2, and the small base model of Gemma 3."""

from brainalign.zoo.entry import Entry, published
from brainalign.zoo.facts import ChatRules


def gemma_2_9b_it() -> Entry:
    """gemma-2-9b-it: no system role, soft caps, alternating windows, a normed attention output."""
    rules = ChatRules(has_system_role=False)
    return published("gemma-2-9b-it", "Gemma", ("1x48", "1x48", "1x48"), rules, gated=True)
