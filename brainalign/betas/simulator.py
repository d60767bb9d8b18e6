"""Simulate betas with a known map, a known noise ceiling, a known spread over subjects and, if asked, a planted effect.

For subject s, voxel v and problem i with features f_i::

    y_iv = offset_v + scale (c_sv z_iv + sqrt(1 - c_sv^2) e_iv),    z_iv = <f_i + t_i d u - mean, w_sv>

where z has unit variance over the problems, e is standard normal noise, and c_sv is the correlation that a perfect
model reaches: the noise ceiling. With a planted effect t_i is +1 or -1 for the right answer True or False and d u is a
step along the direction u that stands for the answer: the betas show features that hold the right answer although f_i
need not. Without it d is 0.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from brainalign.artifacts import stream
from brainalign.betas.dataset import Betas, DataSource, FmriDataset, dataset_hash
from brainalign.betas.simulator_config import LARGEST_PLANTED_SHARE, STEP_SDS, SimulatorConfig
from brainalign.errors import InputError
from brainalign.stimuli import ProblemSet, generate_problems, own_wording

_N_WIDTHS = 3  # of subjects with voxels of their own
_SCALE, _OFFSET, _OFFSET_SPREAD = 0.6, 0.5, 0.2  # as the release's betas: mean near 0.5, standard deviation near 0.6


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
    if config.dataset == "hcp":
        return generate_problems(config.n_problems_per_type, config.seed, reasoning_types=("relational",))
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
    step = STEP_SDS * float(((x - mean) @ direction).std()) if config.planted_effect else 0.0
    if config.planted_effect and step == 0:
        raise InputError("expected features that vary along the answer direction, found none: give another direction")
    signs = np.where(problems.labels, 1.0, -1.0)
    displacement = step * np.outer(signs, direction)
    shown = x + displacement - mean
    maps = {roi: _subject_maps(config, roi, x - mean, shown, direction / step if step else None) for roi in config.rois}
    ceilings = {roi: _voxel_ceilings(config, roi) for roi in config.rois}
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
    config: SimulatorConfig, roi: str, centred: np.ndarray, shown: np.ndarray, answer_axis: np.ndarray | None
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
            found = _planted(config.planted_share, found, centred, answer_axis, signs)
        maps[subject] = found / (shown @ found).std(axis=0)
    return maps


def _planted(
    share: float, found: np.ndarray, centred: np.ndarray, answer_axis: np.ndarray, signs: np.ndarray
) -> np.ndarray:
    """Let a map read the answer's direction, so that the step to the right answer makes up `share` of the variance.

    The features' own variation along the direction is read too, with the step's share over the squared step in standard
    deviations; the rest of the map, which does not read the direction, gets what is left.
    """
    rest = found - np.outer(answer_axis, answer_axis @ found) / (answer_axis @ answer_axis)
    deviations = (centred @ rest).std(axis=0)
    left = np.sqrt(max(0.0, 1 - share / LARGEST_PLANTED_SHARE))
    scaled = rest * np.divide(left, deviations, out=np.zeros_like(deviations), where=deviations > 0)
    return np.asarray(scaled + np.outer(answer_axis, np.sqrt(share) * signs))


def _voxel_ceilings(config: SimulatorConfig, roi: str) -> dict[str, np.ndarray]:
    n_voxels = config.n_voxels[roi]
    ranks = np.linspace(-1.0, 1.0, n_voxels) if n_voxels > 1 else np.zeros(1)
    return {
        subject: median
        + config.voxel_spread * stream("simulator", config.seed, "voxel ceilings", roi, subject).permutation(ranks)
        for subject, median in zip(config.subjects, config.subject_ceilings(), strict=True)
    }


def _dataset(config: SimulatorConfig, problems: ProblemSet, truth: SimulatedTruth) -> FmriDataset:
    values = {roi: {name: _noisy(config, truth, roi, name) for name in config.subjects} for roi in config.rois}
    draws = [stream("simulator", config.seed, "answers", name).random(len(problems)) for name in config.subjects]
    seen = _seen(config, len(problems))
    correct = (np.array(draws) < config.accuracy) & seen
    for by_subject in values.values():
        for place, (name, array) in enumerate(by_subject.items()):
            array[~seen[place]] = np.nan
            by_subject[name] = array[:, : array.shape[1] - _n_missing(config, place)]
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


def _seen(config: SimulatorConfig, n_problems: int) -> np.ndarray:
    """Which subject saw which problem, bool (n_subjects, n_problems)."""
    seen = np.ones((config.n_subjects, n_problems), dtype=bool)
    if config.dataset == "hcp":
        # Twins stand side by side, so a list cut between two pairs has both labels equally often.
        third = 2 * (n_problems // 6)
        seen[::2, n_problems - third :] = False
        seen[1::2, :third] = False
    return seen


def _n_missing(config: SimulatorConfig, place: int) -> int:
    """How many of the region's voxels a subject lacks: those of HCP were chosen in each subject by itself."""
    return min(place % _N_WIDTHS, min(config.n_voxels.values()) - 1) if config.dataset == "hcp" else 0


def _noisy(config: SimulatorConfig, truth: SimulatedTruth, roi: str, subject: str) -> np.ndarray:
    """Betas, float32 (n_problems, n_voxels)."""
    rng = stream("simulator", config.seed, "noise", roi, subject)
    ceiling, signal = truth.ceilings[roi][subject], truth.noiseless(roi, subject)
    offset = _OFFSET + _OFFSET_SPREAD * rng.standard_normal(signal.shape[1])
    noise = rng.standard_normal(signal.shape)
    betas: np.ndarray = offset + _SCALE * (ceiling * signal + np.sqrt(1 - ceiling**2) * noise)
    return betas.astype(np.float32)
