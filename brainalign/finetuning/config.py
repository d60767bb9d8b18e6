"""Scientific settings of a fine-tuning: what is supervised, by which losses, and what is trained."""

import math
from dataclasses import dataclass
from typing import Literal

from brainalign.errors import InputError
from brainalign.steering.config import LOSSES, RIDGE_ALPHAS, NariConfig

VERSION = 1
"""Raised by hand when the meaning of an objective changes."""
TARGETS = ("direct", "nearest", "all")
SITES = ("attention", "layer")
ARMS = {"guided": "guided", "random_betas": "random_betas", "label_as_betas": "label"}
"""Arms of fine-tuning, each with the arm of steering whose betas it takes."""
DATA_SIZES = (32, 64, 96, 128, 160, 192)
"""Generated problems of the data-size arms, each set trained on alone."""


@dataclass(frozen=True)
class NarfConfig:
    """Settings of one objective and its parameters, the same for every arm.

    Attributes
    ----------
    layers : tuple of int
        Layers whose states are supervised and whose attention modules are trained, counted from 0.
    site : {"attention", "layer"}
        Whose output at the last prompt token is supervised.
    targets : {"direct", "nearest", "all"}
        ``"direct"``: states whose predicted voxels agree with the betas. Otherwise states that a NARI search reached:
        the one with the smallest displacement of a problem, or all of them.
    loss : {"cosine", "pearson", "mse"}
        Of predicted against measured betas; read by ``"direct"`` only, states are compared by their squared error.
    roi : str
        Region whose betas guide.
    intercept, leave_target_out, ridge_alphas
        How maps are fitted, as in :class:`brainalign.steering.NariConfig`; read by ``"direct"`` only.
    train_weight : float
        Weight of the brain loss; 0 leaves it out.
    reg_weight : float
        Weight of the loss that holds problems which the model had right at their own state; ``"direct"`` has none.
    label_loss_weight : float
        Weight of the cross-entropy of True and False; 0 leaves it out, and the layers above the supervised ones.
    lora_rank : int or None
        Rank of the adapters of the query, key, value and output projections; None trains attention modules in full.
    lora_alpha : int or None
        Scale of the adapters times their rank; None is twice the rank.
    """

    layers: tuple[int, ...]
    site: Literal["attention", "layer"] = "attention"
    targets: Literal["direct", "nearest", "all"] = "direct"
    loss: Literal["cosine", "pearson", "mse"] = "cosine"
    roi: str = "deductive_reasoning"
    intercept: bool = False
    leave_target_out: bool = True
    ridge_alphas: tuple[float, ...] = RIDGE_ALPHAS
    train_weight: float = 1.0
    reg_weight: float = 1.0
    label_loss_weight: float = 0.0
    lora_rank: int | None = 8
    lora_alpha: int | None = None

    def __post_init__(self) -> None:
        """Refuse settings that nothing can be trained with."""
        if not self.layers or list(self.layers) != sorted(set(self.layers)) or self.layers[0] < 0:
            raise InputError(
                f"expected one or more layers, rising and counted from 0, found {self.layers}: "
                "name layers such as (7, 8, 9)"
            )
        for name, valid in (("site", SITES), ("targets", TARGETS), ("loss", LOSSES)):
            if getattr(self, name) not in valid:
                raise InputError(
                    f"expected {name} among {', '.join(valid)}, found {getattr(self, name)!r}: choose one of them"
                )
        if self.site != "attention" and self.targets != "direct":
            raise InputError(
                f"expected the site 'attention' for targets {self.targets!r}, found {self.site!r}: "
                "a NARI search moves attention outputs"
            )
        self._check_numbers()

    def _check_numbers(self) -> None:
        weights = (self.train_weight, self.reg_weight, self.label_loss_weight)
        if not all(math.isfinite(weight) and weight >= 0 for weight in weights):
            raise InputError(f"expected weights of losses of at least 0, found {weights}: a weight is no sign")
        if self.train_weight == 0 and self.label_loss_weight == 0:
            raise InputError(
                "expected a train_weight or label_loss_weight above 0, found 0 for both, so that nothing would be "
                "learned: raise one of them"
            )
        if (self.lora_rank is not None and self.lora_rank < 1) or (self.lora_alpha is not None and self.lora_alpha < 1):
            raise InputError(
                f"expected a LoRA rank and alpha of at least 1, found {self.lora_rank} and {self.lora_alpha}: "
                "leave the rank out (None) to train attention modules in full"
            )

    @property
    def weights(self) -> dict[str, float]:
        """Weight of each loss that is computed, by name."""
        regularised = self.train_weight > 0 and self.targets != "direct"
        every = {
            "brain": self.train_weight,
            "regulariser": self.reg_weight if regularised else 0.0,
            "label": self.label_loss_weight,
        }
        return {name: weight for name, weight in every.items() if weight > 0}

    @property
    def maps(self) -> NariConfig:
        """The settings that an arm of steering fits its maps with."""
        return NariConfig(
            layers=self.layers,
            roi=self.roi,
            loss=self.loss,
            intercept=self.intercept,
            leave_target_out=self.leave_target_out,
            ridge_alphas=self.ridge_alphas,
        )
