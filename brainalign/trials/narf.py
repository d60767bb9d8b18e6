"""Kinds `narf`, `narf_label` and `label`: fine-tuning by betas, by betas and the answer, and by the answer alone."""

from brainalign.trials.tuning import Tuning

NARF = Tuning("narf", by_brain=True, by_label=False)
"""Brain-guided fine-tuning, without a look at the answers."""

NARF_LABEL = Tuning("narf_label", by_brain=True, by_label=True)
"""The same together with cross-entropy of the right answer (NARF+Label)."""

LABEL = Tuning("label", by_brain=False, by_label=True)
"""Cross-entropy of the right answer alone: what NARF+Label has to beat. It has no betas, so no arm but its own."""
