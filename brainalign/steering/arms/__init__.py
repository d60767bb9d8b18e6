"""The arms of a search: the guided one and its controls, by name."""

from brainalign.steering.arms.arm import Arm, Attempts, Names
from brainalign.steering.arms.bias import Bias
from brainalign.steering.arms.guided import Guided
from brainalign.steering.arms.random_betas import RandomBetas
from brainalign.steering.arms.random_direction import RandomDirection, SingleRandomDirection
from brainalign.steering.arms.registry import ARMS, find_arm

__all__ = [
    "ARMS",
    "Arm",
    "Attempts",
    "Bias",
    "Guided",
    "Names",
    "RandomBetas",
    "RandomDirection",
    "SingleRandomDirection",
    "find_arm",
]
