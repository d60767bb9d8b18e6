"""Arms by name."""

from difflib import get_close_matches

from brainalign.errors import InputError
from brainalign.steering.arms.arm import Arm
from brainalign.steering.arms.bias import Bias
from brainalign.steering.arms.guided import Guided
from brainalign.steering.arms.label import Label
from brainalign.steering.arms.measured_betas import BestSubject, OtherRoi, WorstSubject
from brainalign.steering.arms.prompt import Prompt
from brainalign.steering.arms.random_betas import RandomBetas, RandomBetasMean
from brainalign.steering.arms.random_direction import RandomDirection, SingleRandomDirection

ARMS: dict[str, type[Arm]] = {
    arm.name: arm
    for arm in (
        Guided,
        RandomDirection,
        SingleRandomDirection,
        RandomBetas,
        RandomBetasMean,
        Label,
        OtherRoi,
        BestSubject,
        WorstSubject,
        Prompt,
        Bias,
    )
}


def find_arm(name: str) -> type[Arm]:
    """Return the arm of a name.

    Raises
    ------
    InputError
        A name that no arm has; the message has the nearest.
    """
    if name not in ARMS:
        nearest = get_close_matches(name, ARMS, n=1, cutoff=0.0)[0]
        raise InputError(f"expected an arm among {', '.join(ARMS)}, found {name!r}: did you mean {nearest!r}?")
    return ARMS[name]
