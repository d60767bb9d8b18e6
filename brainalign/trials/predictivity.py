"""Kind `predictivity`: how well a model's states predict the betas; measured, not searched."""

from typing import TYPE_CHECKING, Any

import numpy as np

from brainalign.artifacts import Result, provenance, stream
from brainalign.betas import ROIS
from brainalign.errors import InputError
from brainalign.spaces import Choice, Space
from brainalign.stimuli import ALL_REASONING_TYPES
from brainalign.trials.protocol import Ask, DataSize, Resources, Work
from brainalign.trials.rungs import RungUnit
from brainalign.trials.settings import points

if TYPE_CHECKING:
    from brainalign.trials.context import Context
    from brainalign.zoo import ModelFacts

SUBSETS = ("all", *ALL_REASONING_TYPES)
ALL_FEATURES = 0
"""Stands for a model's own width where a setting says how many features are used."""
WORKING_GIB = 1.0
# What costs are modelled with.
_N_FOLDS = 5
_N_PENALTIES = 7
_FLOPS_AN_ELEMENT = 10
_RESULT_BYTES = 40_000
_LATER = {("features", ALL_FEATURES)}


class Predictivity:
    """Cross-validated ridge predictivity of every layer, and the same with each subject's problems shuffled."""

    name = "predictivity"
    version = 1
    arms: tuple[str, ...] = ("measured", "shuffled")
    default_arms: tuple[str, ...] = ("measured", "shuffled")
    objectives: tuple[str, ...] = ("score",)
    minimised: tuple[str, ...] = ()
    selects = False
    batched = False
    rung_unit: RungUnit | None = None

    def default_setting(self) -> dict[str, Any]:
        """Return the published setting: deductive reasoning ROI, all problems and features, fold seed 1."""
        return {"roi": "deductive_reasoning", "subset": "all", "fold_seed": 1, "features": ALL_FEATURES}

    def default_space(self) -> Space:
        """Return the three ROIs over all problems."""
        fixed: dict[str, str | int] = {"subset": "all", "fold_seed": 1, "features": ALL_FEATURES}
        return {"roi": Choice(options=ROIS), **{name: Choice(options=(value,)) for name, value in fixed.items()}}

    def check(self, space: Space, model: "ModelFacts", n_subjects: int) -> None:
        """Raise InputError where the space names an unknown ROI or subset, or more features than the model has."""
        for name, valid in (("roi", ROIS), ("subset", SUBSETS)):
            dimension = space[name]
            for value in dimension.options if isinstance(dimension, Choice) else (dimension,):
                if value not in valid:
                    raise InputError(f"predictivity: {name}: expected one of {', '.join(valid)}, found {value!r}")
        for value in points(space, "features"):
            if not isinstance(value, int) or not 0 <= value <= model.hidden_size:
                raise InputError(
                    f"predictivity: features: expected whole numbers from 0 (all) to {model.hidden_size}, the width of "
                    f"{model.name}, found {value!r}: lower features"
                )

    def resources(self, model: "ModelFacts") -> Resources:
        """Return one core, and the model's memory with room for Gram matrices."""
        return Resources(cpus=1, gpus=0, memory_gib=model.memory_gib + WORKING_GIB)

    def work(self, ask: Ask, model: "ModelFacts", data: DataSize) -> Work:
        """Count Gram matrices, their decompositions a fold, and products with every subject's betas."""
        n_problems = sum(data.n_problems.values())
        gram = 2 * n_problems**2 * model.hidden_size
        decomposition = _N_FOLDS * _FLOPS_AN_ELEMENT * n_problems**3
        products = _N_FOLDS * data.n_subjects * _N_PENALTIES * 2 * n_problems**2 * data.n_voxels
        n_sites = 2 * model.n_layers
        kept = _RESULT_BYTES + 40 * n_sites * data.n_subjects
        return Work(flops=n_sites * (gram + decomposition + products), passes=0, kept_bytes=kept)

    def identity(self, ask: Ask, context: "Context") -> dict[str, Any]:
        """Return what the scores depend on; a setting that came later stands only where it is not at its default."""
        drawn = ask.arm == "shuffled" or ask.setting.get("features", ALL_FEATURES) != ALL_FEATURES
        return {
            "arm": ask.arm,
            "replicate": ask.replicate if drawn else None,
            "setting": {name: value for name, value in ask.setting.items() if (name, value) not in _LATER},
            **context.stands_on,
        }

    def run(self, ask: Ask, context: "Context", key: str) -> Result:
        """Score all layers on all problems, whatever the part: nothing is selected here."""
        from brainalign.encoding import PredictivityConfig, predictivity, project

        dataset, states = context.dataset, context.activations.select(context.dataset.betas.stimulus_ids)
        problems = dataset.problems.subset(dataset.betas.stimulus_ids)
        betas = dict(dataset.betas.values[ask.setting["roi"]])
        if ask.arm == "shuffled":
            types, names = np.asarray(problems.types), (key, ask.replicate, ask.arm)
            betas = {
                subject: betas[subject][_shuffled(types, seen, (*names, subject))]
                for subject, seen in zip(dataset.betas.subjects, dataset.betas.seen, strict=True)
            }
        config = PredictivityConfig(seed=ask.setting["fold_seed"])
        features, n_features = states.values, ask.setting.get("features", ALL_FEATURES)
        if n_features != ALL_FEATURES:
            width = features.shape[-1]
            features = project(features, n_features, stream("predictivity.features", width, n_features, ask.replicate))
        found = predictivity(features, betas, problems.types, config, subset=ask.setting["subset"])
        scores = np.asarray(found.scores)
        detail = {
            **found.to_json(),
            "sites": ["attention", "layer"],
            "by_subject": {str(name): scores[:, column].tolist() for column, name in enumerate(found.subjects)},
        }
        metrics = {"score": found.score, "mad": found.mad, "best_layer": float(found.best.index)}
        return Result(key, self.name, ask.arm, metrics, detail, provenance=provenance())

    def rung_values(self, ask: Ask, result: Result) -> dict[int, float]:
        """Return nothing: there are no rungs."""
        return {}


def _shuffled(types: np.ndarray, seen: np.ndarray, names: tuple[str | int, ...]) -> np.ndarray:
    """Rows in an order that mixes a subject's trials of each reasoning type among themselves."""
    rows, rng = np.arange(len(types)), stream(*names)
    for kind in np.unique(types):
        mixed = (types == kind) & seen
        rows[mixed] = rng.permutation(rows[mixed])
    return rows
