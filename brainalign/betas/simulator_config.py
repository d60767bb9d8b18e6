"""Settings of the simulator."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from brainalign.artifacts import stream
from brainalign.betas.dataset import DATASETS, HCP_ROIS, ROIS, DatasetName
from brainalign.errors import InputError

STEP_SDS = 2.0  # step to the right answer, in standard deviations of the features along the answer's direction
LARGEST_PLANTED_SHARE = 1 / (1 + STEP_SDS**-2)


_VOXELS: Mapping[DatasetName, dict[str, int]] = {
    "deductive": dict(zip(ROIS, (120, 160, 200), strict=True)),
    "hcp": dict.fromkeys(HCP_ROIS, 200),
}


@dataclass(frozen=True)
class SimulatorConfig:
    """What is simulated.

    Attributes
    ----------
    dataset : {"deductive", "hcp"}
        Shape of the data. ``"hcp"``: relational problems, one region, subjects with voxels of their own who saw one of
        two lists of problems, each list two thirds of them.
    n_subjects : int
    n_voxels : mapping of ROI to int
        A default for each data set. Of HCP shape, the most that a subject has.
    n_problems_per_type : int
        Generated problems of each reasoning type.
    noise_ceiling : float
        Correlation between betas and their noiseless part: mean over subjects of the median over voxels.
    subject_spread : float
        Standard deviation over subjects of that median.
    voxel_spread : float
        Half range of the ceiling over the voxels of a subject.
    shared_share : float
        Share of the map's variance that all subjects have in common.
    n_components : int
        Principal axes of the features that the map reads, with equal weight.
    n_latents : int
        Width of the features where none are given.
    type_effect : float
        Distance between reasoning types along one latent, in its standard deviations; only where no features are given.
    accuracy : float
        Probability that a subject solves a problem.
    planted_effect : bool
        Betas carry the right answer.
    planted_share : float
        Share of the noiseless variance that the right answer makes up where it is planted, up to 0.8.
    seed : int
    """

    dataset: DatasetName = "deductive"
    n_subjects: int = 10
    n_voxels: Mapping[str, int] = field(default_factory=dict)
    n_problems_per_type: int = 35
    noise_ceiling: float = 0.5
    subject_spread: float = 0.1
    voxel_spread: float = 0.1
    shared_share: float = 0.5
    n_components: int = 8
    n_latents: int = 32
    type_effect: float = 1.0
    accuracy: float = 0.85
    planted_effect: bool = False
    planted_share: float = 0.5
    seed: int = 0

    def __post_init__(self) -> None:
        if self.dataset not in DATASETS:
            raise InputError(f"expected a data set of {', '.join(DATASETS)}, found {self.dataset!r}: choose one")
        if not self.n_voxels:
            object.__setattr__(self, "n_voxels", _VOXELS[self.dataset])
        counts = (self.n_subjects, self.n_problems_per_type, self.n_components, self.n_latents, *self.n_voxels.values())
        if min(counts) < 1 or set(self.n_voxels) != set(self.rois):
            raise InputError(
                f"expected at least 1 subject, problem, component, latent and voxel in each of {self.rois}, found "
                f"{self}: raise what is too small"
            )
        shares = {name: getattr(self, name) for name in ("shared_share", "accuracy", "planted_share")}
        wrong = {name: share for name, share in shares.items() if not 0 <= share <= 1}
        if wrong:
            raise InputError(f"expected shares between 0 and 1, found {wrong}: change the simulator's settings")
        if self.planted_share > LARGEST_PLANTED_SHARE:
            raise InputError(
                f"expected planted_share of at most {LARGEST_PLANTED_SHARE}, found {self.planted_share}: "
                "the features' own variation along the answer needs the rest"
            )
        medians = self.subject_ceilings()
        lowest, highest = float(medians.min()) - self.voxel_spread, float(medians.max()) + self.voxel_spread
        if min(lowest, self.subject_spread, self.voxel_spread) < 0 or highest > 1:
            raise InputError(
                f"expected noise ceilings between 0 and 1, found {lowest:.2f} to {highest:.2f} over subjects and "
                "voxels: lower subject_spread or voxel_spread, or move noise_ceiling"
            )

    @property
    def rois(self) -> tuple[str, ...]:
        """Regions, in the order of the data set's."""
        return tuple(_VOXELS[self.dataset])

    @property
    def subjects(self) -> tuple[str, ...]:
        """Names that cannot be taken for those of real subjects."""
        return tuple(f"sim-{number:02d}" for number in range(1, self.n_subjects + 1))

    def subject_ceilings(self) -> np.ndarray:
        """Median ceiling of each subject, float64 (n_subjects,), with exactly the mean and spread asked for."""
        ranks = np.linspace(-1.0, 1.0, self.n_subjects) if self.n_subjects > 1 else np.zeros(1)
        unit = ranks / ranks.std() if self.n_subjects > 1 else ranks
        order = stream("simulator", self.seed, "ceilings").permutation(self.n_subjects)
        return self.noise_ceiling + self.subject_spread * unit[order]
