"""The arms of a search: the guided one and its controls, by name."""

from brainalign.steering.arms.arm import Arm, Attempts, Names
from brainalign.steering.arms.bias import Bias
from brainalign.steering.arms.guided import Guided
from brainalign.steering.arms.label import Label
from brainalign.steering.arms.measured_betas import BestSubject, OtherRoi, WorstSubject
from brainalign.steering.arms.prompt import Prompt
from brainalign.steering.arms.random_betas import RandomBetas, RandomBetasMean
from brainalign.steering.arms.random_direction import RandomDirection, SingleRandomDirection
from brainalign.steering.arms.registry import ARMS, find_arm

__all__ = [
    "ARMS",
    "Arm",
    "Attempts",
    "BestSubject",
    "Bias",
    "Guided",
    "Label",
    "Names",
    "OtherRoi",
    "Prompt",
    "RandomBetas",
    "RandomBetasMean",
    "RandomDirection",
    "SingleRandomDirection",
    "WorstSubject",
    "find_arm",
]
