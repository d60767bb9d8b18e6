"""Phi."""

from brainalign.zoo.entry import Entry, published


def phi_4_mini_instruct() -> Entry:
    """Phi-4-mini-instruct: fused projections, rotation of three quarters of each head, tied embeddings."""
    return published("phi-4-mini-instruct", "MIT", ("1x24", "1x24", "1x24"))
