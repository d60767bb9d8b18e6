"""Mistral."""

from brainalign.zoo.entry import Entry, published
from brainalign.zoo.facts import ChatRules


def mistral_7b_instruct_v0_2() -> Entry:
    """Mistral-7B-Instruct-v0.2: no system role, no sliding window."""
    rules = ChatRules(has_system_role=False)
    return published("mistral-7b-instruct-v0.2", "Apache-2.0", ("1x24", "1x24", "1x48"), rules, gated=True)
