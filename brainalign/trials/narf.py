"""Kinds `narf`, `narf_label` and `label`: fine-tuning by betas, by betas and the answer, and by the answer alone."""

from brainalign.trials.tuning import Tuning

NARF = Tuning("narf", train_weight=1.0, label_loss_weight=0.0)
"""Brain-guided fine-tuning, without a look at the answers."""

NARF_LABEL = Tuning("narf_label", train_weight=0.1, label_loss_weight=1.0)
"""The same together with cross-entropy of the right answer (NARF+Label)."""

LABEL = Tuning("label", train_weight=0.0, label_loss_weight=1.0)
"""Cross-entropy of the right answer alone: what NARF+Label has to beat. It has no betas, so no arm but its own."""
