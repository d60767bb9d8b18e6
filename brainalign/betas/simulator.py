"""Simulate betas with a known map, a known noise ceiling, a known spread over subjects and, if asked, a planted effect.

For subject s, voxel v and problem i with features f_i::

    y_iv = offset_v + scale (c_sv z_iv + sqrt(1 - c_sv^2) e_iv),    z_iv = <f_i + t_i d u - mean, w_sv>

where z has unit variance over the problems, e is standard normal noise, and c_sv is the correlation that a perfect
model reaches: the noise ceiling. With a planted effect t_i is +1 or -1 for the right answer True or False and d u is a
step along the direction u that stands for the answer: the betas show features that hold the right answer although f_i
need not. Without it d is 0.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from brainalign.artifacts import stream
from brainalign.betas.dataset import ROIS, Betas, DataSource, FmriDataset, dataset_hash
from brainalign.errors import InputError
from brainalign.stimuli import ProblemSet, generate_problems, own_wording

_SCALE, _OFFSET, _OFFSET_SPREAD = 0.6, 0.5, 0.2  # as the release's betas: mean near 0.5, standard deviation near 0.6
_STEP_SDS = 2.0


def _default_voxels() -> dict[str, int]:
    return dict(zip(ROIS, (120, 160, 200), strict=True))


@dataclass(frozen=True)
class SimulatorConfig:
    """What is simulated.

    Attributes
    ----------
    n_subjects : int
    n_voxels : mapping of ROI to int
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
        Share of the noiseless variance that the right answer makes up where it is planted.
    seed : int
    """

    n_subjects: int = 4
    n_voxels: Mapping[str, int] = field(default_factory=_default_voxels)
    n_problems_per_type: int = 36
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
        counts = (self.n_subjects, self.n_problems_per_type, self.n_components, self.n_latents, *self.n_voxels.values())
        if min(counts) < 1 or set(self.n_voxels) != set(ROIS):
            raise InputError(
                f"expected at least 1 subject, problem, component, latent and voxel in each of {ROIS}, found {self}"
            )
        shares = {name: getattr(self, name) for name in ("shared_share", "accuracy", "planted_share")}
        wrong = {name: share for name, share in shares.items() if not 0 <= share <= 1}
        if wrong:
            raise InputError(f"expected shares between 0 and 1, found {wrong}: change the simulator's settings")
        medians = self.subject_ceilings()
        lowest, highest = float(medians.min()) - self.voxel_spread, float(medians.max()) + self.voxel_spread
        if min(lowest, self.subject_spread, self.voxel_spread) < 0 or highest > 1:
            raise InputError(
                f"expected noise ceilings between 0 and 1, found {lowest:.2f} to {highest:.2f} over subjects and "
                "voxels: lower subject_spread or voxel_spread, or move noise_ceiling"
            )

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


@dataclass(frozen=True)
class SimulatedTruth:
    """What the simulated betas were made from.

    Attributes
    ----------
    features : ndarray
        float64 (n_problems, n_features): those given, or the latents.
    displacement : ndarray
        float64 (n_problems, n_features): step to the right answer, all zero without a planted effect.
    mean : ndarray
        float64 (n_features,).
    maps : mapping of ROI to mapping of subject to ndarray
        float64 (n_features, n_voxels), from centred features to the noiseless part of unit variance.
    ceilings : mapping of ROI to mapping of subject to ndarray
        float64 (n_voxels,): correlation of betas and noiseless part.
    """

    features: np.ndarray
    displacement: np.ndarray
    mean: np.ndarray
    maps: Mapping[str, Mapping[str, np.ndarray]]
    ceilings: Mapping[str, Mapping[str, np.ndarray]]

    def noiseless(self, roi: str, subject: str) -> np.ndarray:
        """Noiseless part of the betas, float64 (n_problems, n_voxels)."""
        signal: np.ndarray = (self.features + self.displacement - self.mean) @ self.maps[roi][subject]
        return signal - signal.mean(axis=0)


def simulated_problems(config: SimulatorConfig) -> ProblemSet:
    """Problems of a simulated data set; features must have one row for each."""
    return generate_problems(config.n_problems_per_type, config.seed)


def simulate_dataset(
    config: SimulatorConfig, features: np.ndarray | None = None, answer_direction: np.ndarray | None = None
) -> FmriDataset:
    """Simulate betas; see `simulate_with_truth`, which also tells what they were made from."""
    return simulate_with_truth(config, features, answer_direction)[0]


def simulate_with_truth(
    config: SimulatorConfig, features: np.ndarray | None = None, answer_direction: np.ndarray | None = None
) -> tuple[FmriDataset, SimulatedTruth]:
    """Simulate betas of generated problems and tell the truth behind them.

    Parameters
    ----------
    config : SimulatorConfig
    features : ndarray, optional
        (n_problems, n_features), one row for each of `simulated_problems`, such as a model's states at one layer.
        Random latents by default.
    answer_direction : ndarray, optional
        (n_features,): where features go as the answer goes from False to True, used by a planted effect. By default the
        difference of the features' means by label, and a latent of its own where no features are given.

    Returns
    -------
    dataset : FmriDataset
    truth : SimulatedTruth

    Raises
    ------
    InputError
        Features that do not fit the problems, or an answer direction along which they do not vary.
    """
    problems = simulated_problems(config)
    x, direction = _features_and_direction(config, problems, features, answer_direction)
    mean = x.mean(axis=0)
    step = _STEP_SDS * float(((x - mean) @ direction).std()) if config.planted_effect else 0.0
    if config.planted_effect and step == 0:
        raise InputError("expected features that vary along the answer direction, found none: give another direction")
    signs = np.where(problems.labels, 1.0, -1.0)
    displacement = step * np.outer(signs, direction)
    maps = {
        roi: _subject_maps(config, roi, x + displacement - mean, direction / step if step else None, x - mean)
        for roi in ROIS
    }
    ceilings = {roi: _voxel_ceilings(config, roi) for roi in ROIS}
    truth = SimulatedTruth(x, displacement, mean, maps, ceilings)
    return _dataset(config, problems, truth), truth


def _features_and_direction(
    config: SimulatorConfig, problems: ProblemSet, features: np.ndarray | None, direction: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    if features is None:
        x = stream("simulator", config.seed, "latents").standard_normal((len(problems), config.n_latents))
        x[:, 0] += np.where(problems.types == "syllogisms", 0.5, -0.5) * config.type_effect
        away = np.eye(config.n_latents)[-1] if direction is None else np.asarray(direction, dtype=np.float64)
    else:
        x = np.asarray(features, dtype=np.float64)
        if x.ndim != 2 or len(x) != len(problems) or not np.isfinite(x).all():
            raise InputError(
                f"expected finite features of shape ({len(problems)}, n_features), found {x.shape}: "
                "one row for each of simulated_problems(config)"
            )
        by_label = x[problems.labels].mean(axis=0) - x[~problems.labels].mean(axis=0)
        away = by_label if direction is None else np.asarray(direction, dtype=np.float64)
    norm = float(np.linalg.norm(away))
    if away.shape != x.shape[1:] or norm == 0:
        raise InputError(f"expected an answer direction of shape {x.shape[1:]}, not zero, found {away.shape}: give one")
    return x, away / norm


def _subject_maps(
    config: SimulatorConfig, roi: str, shown: np.ndarray, answer_axis: np.ndarray | None, centred: np.ndarray
) -> dict[str, np.ndarray]:
    """Draw maps (n_features, n_voxels) that give each voxel unit variance over the features that the betas show."""
    n_voxels = config.n_voxels[roi]
    _, sizes, axes = np.linalg.svd(centred, full_matrices=False)
    n_axes = min(config.n_components, int((sizes > sizes[0] * 1e-10).sum()))
    whiten = axes[:n_axes].T / (sizes[:n_axes] / np.sqrt(len(centred)))
    common = stream("simulator", config.seed, "map", roi).standard_normal((n_axes, n_voxels))
    signs = stream("simulator", config.seed, "answer", roi).choice([-1.0, 1.0], n_voxels)
    maps = {}
    for subject in config.subjects:
        own = stream("simulator", config.seed, "map", roi, subject).standard_normal((n_axes, n_voxels))
        weights = np.sqrt(config.shared_share) * common + np.sqrt(1 - config.shared_share) * own
        found = whiten @ (weights / np.linalg.norm(weights, axis=0))
        if answer_axis is not None:
            planted = np.outer(answer_axis, np.sqrt(config.planted_share) * signs)
            found = np.sqrt(1 - config.planted_share) * found + planted
        maps[subject] = found / (shown @ found).std(axis=0)
    return maps


def _voxel_ceilings(config: SimulatorConfig, roi: str) -> dict[str, np.ndarray]:
    n_voxels = config.n_voxels[roi]
    ranks = np.linspace(-1.0, 1.0, n_voxels) if n_voxels > 1 else np.zeros(1)
    return {
        subject: median
        + config.voxel_spread * stream("simulator", config.seed, "voxel ceilings", roi, subject).permutation(ranks)
        for subject, median in zip(config.subjects, config.subject_ceilings(), strict=True)
    }


def _dataset(config: SimulatorConfig, problems: ProblemSet, truth: SimulatedTruth) -> FmriDataset:
    values = {roi: {name: _noisy(config, truth, roi, name) for name in config.subjects} for roi in ROIS}
    draws = [stream("simulator", config.seed, "answers", name).random(len(problems)) for name in config.subjects]
    correct = np.array(draws) < config.accuracy
    effect = "a planted effect" if config.planted_effect else "no planted effect"
    source = DataSource(
        kind="simulated",
        description=f"SIMULATED betas, not brain data: {config.n_subjects} subjects, {len(problems)} problems, noise "
        f"ceiling {config.noise_ceiling:.2f}, spread {config.subject_spread:.2f} over subjects, {effect}",
        location=None,
        content_hash=dataset_hash(problems, values, correct, config.subjects),
    )
    betas = Betas(problems.ids, config.subjects, values, correct, source)
    return FmriDataset(problems, betas, own_wording(), source)


def _noisy(config: SimulatorConfig, truth: SimulatedTruth, roi: str, subject: str) -> np.ndarray:
    """Betas, float32 (n_problems, n_voxels)."""
    rng = stream("simulator", config.seed, "noise", roi, subject)
    ceiling, signal = truth.ceilings[roi][subject], truth.noiseless(roi, subject)
    offset = _OFFSET + _OFFSET_SPREAD * rng.standard_normal(signal.shape[1])
    noise = rng.standard_normal(signal.shape)
    betas: np.ndarray = offset + _SCALE * (ceiling * signal + np.sqrt(1 - ceiling**2) * noise)
    return betas.astype(np.float32)
