"""Settings of an intervention at inference."""

import math
from dataclasses import dataclass
from typing import Literal

from brainalign.errors import InputError

LOSSES = ("cosine", "mse", "pearson")
RIDGE_ALPHAS = (1e-3, 1e-2, 1e-1, 1.0, 1e1, 1e2, 1e3)
VERSION = 1
"""Raised by hand when the meaning of an outcome of steering changes."""
RADII_A_SWEEP = 10
AVERAGES = ("mean", "nearest")
SOURCES = ("same", "other")


@dataclass(frozen=True)
class NariConfig:
    """Settings of one NARI search, the same for every arm.

    Attributes
    ----------
    layers : tuple of int
        Steered layers, counted from 0.
    roi : str
        Region whose betas guide.
    alpha : float
        Radius of the ball that holds a displacement, in units of its layer's sigma; 0 moves nothing.
    learning_rate : float
        AdamW's learning rate in units of the layer's mean absolute activation.
    n_steps : int
        Most optimisation steps a pair gets.
    check_every : int
        Steps between two questions to the model.
    loss : {"cosine", "mse", "pearson"}
        What is maximised between predicted and measured betas (minus the error for ``"mse"``).
    intercept : bool
        Whether the map's intercept enters the prediction.
    leave_target_out : bool
        Whether the map of a pair is fitted without the pair's own problem.
    ridge_alphas : tuple of float
        Ridge penalties to choose from by leave-one-out.
    compat : {None, "release"}
        ``"release"`` repeats the public release: the map is fitted on all problems, the steered one included (whatever
        ``leave_target_out`` says), and the random-direction arm asks only floor(alpha) times, at 1, 2, … sigma along
        one direction. The release's wrong index at its roll-back is not repeated.
    """

    layers: tuple[int, ...]
    roi: str = "deductive_reasoning"
    alpha: float = 10.0
    learning_rate: float = 0.1
    n_steps: int = 200
    check_every: int = 5
    loss: str = "cosine"
    intercept: bool = False
    leave_target_out: bool = True
    ridge_alphas: tuple[float, ...] = RIDGE_ALPHAS
    compat: Literal["release"] | None = None

    def __post_init__(self) -> None:
        """Refuse settings that no search can run with."""
        if not self.layers or list(self.layers) != sorted(set(self.layers)) or self.layers[0] < 0:
            raise InputError(
                f"expected one or more layers, rising and counted from 0, found {self.layers}: "
                "name layers such as (7, 8, 9)"
            )
        if self.loss not in LOSSES:
            raise InputError(f"expected a loss among {', '.join(LOSSES)}, found {self.loss!r}: choose one of them")
        if self.compat not in (None, "release"):
            raise InputError(f"expected compat None or 'release', found {self.compat!r}: leave it out or say 'release'")
        if not 1 <= self.check_every <= self.n_steps:
            raise InputError(
                f"expected 1 <= check_every <= n_steps, found check_every {self.check_every} and n_steps "
                f"{self.n_steps}: ask the model at least once"
            )
        if self.alpha < 0 or self.learning_rate <= 0:
            raise InputError(
                f"expected alpha >= 0 and learning_rate > 0, found {self.alpha} and {self.learning_rate}: raise them"
            )

    @property
    def n_checks(self) -> int:
        """Questions to the model that a pair gets at most."""
        return self.n_steps // self.check_every

    @property
    def leaves_target_out(self) -> bool:
        """Whether maps are fitted without their target, compatibility considered."""
        return self.leave_target_out and self.compat is None


@dataclass(frozen=True)
class TransferConfig:
    """How displacements become directions, and how far along these a state is moved.

    Attributes
    ----------
    strength : float
        Factor of the direction; with ``normalise`` the length in units of sigma.
    normalise : bool
        Whether each displacement counts as much whatever its length, and directions are sigma long.
    average : {"mean", "nearest"}
        The mean of all sources, or the source nearest to the steered problem.
    source : {"same", "other"}
        Displacements of the problem's own reasoning type, or of the other types.
    """

    strength: float = 1.0
    normalise: bool = False
    average: Literal["mean", "nearest"] = "mean"
    source: Literal["same", "other"] = "same"

    def __post_init__(self) -> None:
        """Refuse what no direction can be made with."""
        for name, valid in (("average", AVERAGES), ("source", SOURCES)):
            if getattr(self, name) not in valid:
                raise InputError(
                    f"expected {name} among {', '.join(valid)}, found {getattr(self, name)!r}: choose one of them"
                )
        if not math.isfinite(self.strength):
            raise InputError(f"expected a finite strength, found {self.strength}: give a number")


def middle_half(n_layers: int) -> tuple[int, ...]:
    """Layers of the middle half: L//4 … L//4 + L//2 - 1, counted from 0.

    Examples
    --------
    >>> middle_half(8)
    (2, 3, 4, 5)
    """
    first = n_layers // 4
    return tuple(range(first, first + max(1, n_layers // 2)))
