"""Kind `nari`: an intervention at inference, guided or by a control, searched and reported on separate problems."""

import math
from typing import TYPE_CHECKING, Any

from brainalign.artifacts import Result, provenance
from brainalign.betas import ROIS
from brainalign.errors import InputError
from brainalign.spaces import Choice, DepthRange, Range, Space, check_layers, resolve_layers
from brainalign.steering.config import LOSSES, NariConfig
from brainalign.trials.protocol import Ask, DataSize, Resources, Work, result_key
from brainalign.trials.rungs import CHECKS, RungUnit
from brainalign.trials.settings import check_choices, check_numbers, points

if TYPE_CHECKING:
    from brainalign.steering import Displacements
    from brainalign.trials.context import Context
    from brainalign.zoo import ModelFacts

STAGE = "displacements"
WORKING_GIB = 1.0
_CHOICES = {"roi": ROIS, "loss": tuple(LOSSES), "compat": ("none", "release"), "intercept": (False, True)}
_LEAST = {"alpha": 0.0, "learning_rate": 1e-9, "n_steps": 1, "check_every": 1}
# What costs are modelled with: products with the map and its transpose in a step and its gradient, the mean share of
# pairs that are still asked, the share that ends mended, and bytes of a row and of a result.
_FLOPS_A_STEP = 6
_ALIVE = 0.85
_MENDED = 0.1
_PAIRS_A_PASS = 512
_OUTCOME_BYTES = 40
_RESULT_BYTES = 40_000
# Arms with random draws, and the settings that some arms never read.
_DRAWING = ("random_direction", "random_direction_single", "random_betas", "random_betas_mean")
_MAP = ("roi", "learning_rate", "loss", "intercept", "leave_target_out", "ridge_alphas")
_UNREAD: dict[str, tuple[str, ...]] = {
    "random_direction": _MAP,
    "random_direction_single": _MAP,
    "bias": (*_MAP, "layers"),
    "prompt": (*_MAP, "layers", "alpha"),
}


class Nari:
    """Guided intervention at inference (NARI) and its controls.

    On the selection part, ridge maps and scales are computed from the selection part alone; on the report part from all
    problems. Either way the map of a pair leaves the pair's own problem out, unless ``compat: release`` asks for the
    published way.
    """

    name = "nari"
    version = 1
    arms: tuple[str, ...] = (
        "guided",
        "random_direction",
        "random_direction_single",
        "random_betas",
        "random_betas_mean",
        "label",
        "other_roi",
        "best_subject",
        "worst_subject",
        "prompt",
        "bias",
    )
    default_arms: tuple[str, ...] = ("guided", "random_direction", "random_direction_single", "random_betas", "bias")
    objectives: tuple[str, ...] = ("net_balanced_accuracy", "net_accuracy", "balanced_accuracy", "corrected")
    minimised: tuple[str, ...] = ("broken", "invalid")
    selects = True
    batched = True
    rung_unit: RungUnit | None = CHECKS

    def default_setting(self) -> dict[str, Any]:
        """Return the source's setting: middle half of the layers, radius 10 sigma, 200 steps, a check every 5."""
        return {
            "layers": {"start": 0.25, "width": 0.5},
            "alpha": 10.0,
            "learning_rate": 0.1,
            "n_steps": 200,
            "check_every": 5,
            "loss": "cosine",
            "roi": "deductive_reasoning",
            "intercept": False,
            "compat": "none",
        }

    def default_space(self) -> Space:
        """Return a space over layers, radius, learning rate, ROI and loss, small radii included."""
        fixed = {
            name: Choice(options=(self.default_setting()[name],))
            for name in ("n_steps", "check_every", "intercept", "compat")
        }
        return {
            "layers": DepthRange(start=Range(low=0.0, high=0.75), width=Range(low=0.05, high=0.5)),
            "alpha": Range(low=0.3, high=10, log=True),
            "learning_rate": Range(low=0.01, high=0.3, log=True),
            "roi": Choice(options=ROIS),
            "loss": Choice(options=tuple(LOSSES)),
            **fixed,
        }

    def check(self, space: Space, model: "ModelFacts", n_subjects: int) -> None:
        """Raise InputError where a point of the space cannot run on the model."""
        check_choices(self.name, space, _CHOICES)
        check_numbers(self.name, space, _LEAST, whole=("n_steps", "check_every"))
        if max(points(space, "check_every")) > min(points(space, "n_steps")):
            raise InputError(
                "nari: expected check_every <= n_steps for every point: raise n_steps or lower check_every"
            )
        check_layers("nari: layers", space["layers"], model.n_layers)

    def resources(self, model: "ModelFacts") -> Resources:
        """Return one core, and the model's memory with room for a search, on GPUs where there are some."""
        needed = model.memory_gib + WORKING_GIB
        return Resources(cpus=1, gpus=0, memory_gib=needed, device_memory_gib=needed)

    def work(self, ask: Ask, model: "ModelFacts", data: DataSize) -> Work:
        """Count the optimisation's products with the map, and a token through the steered layers and above a check."""
        setting, n_pairs = ask.setting, data.n_pairs[ask.part]
        layers = resolve_layers(setting["layers"], model.n_layers)
        n_steps = int(setting["n_steps"])
        n_checks = n_steps // int(setting["check_every"])
        reads_map = "roi" not in _UNREAD.get(ask.arm, ())
        asks_model = ask.arm != "bias"
        a_step = _FLOPS_A_STEP * data.n_voxels * model.hidden_size * len(layers) if reads_map else 0
        share_passed = (model.n_layers - layers[0]) / model.n_layers
        a_check = 2 * model.n_parameters * share_passed if asks_model else 0
        kept = float(n_pairs * _OUTCOME_BYTES + _RESULT_BYTES)
        if ask.part == "selection" and reads_map:
            kept += _MENDED * n_pairs * len(layers) * model.hidden_size * 4
        return Work(
            flops=_ALIVE * n_pairs * (n_steps * a_step + n_checks * a_check),
            passes=n_checks * math.ceil(n_pairs / _PAIRS_A_PASS) * share_passed if asks_model else 0,
            kept_bytes=kept,
        )

    def config(self, ask: Ask, n_layers: int) -> NariConfig:
        """Spell a setting as the configuration of a search on a model with so many layers."""
        setting = ask.setting
        return NariConfig(
            layers=resolve_layers(setting["layers"], n_layers),
            roi=setting["roi"],
            alpha=float(setting["alpha"]),
            learning_rate=float(setting["learning_rate"]),
            n_steps=int(setting["n_steps"]),
            check_every=int(setting["check_every"]),
            loss=setting["loss"],
            intercept=setting["intercept"],
            compat="release" if setting["compat"] == "release" else None,
        )

    def parts(self, ask: Ask, context: "Context") -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Problems that maps are fitted on, and problems to steer."""
        targets = context.targets(ask.part)
        return (targets if ask.part == "selection" else tuple(context.dataset.problems.ids)), targets

    def identity(self, ask: Ask, context: "Context") -> dict[str, Any]:
        """Return what the outcomes depend on.

        Layers stand as indices and what an arm does not read is left out, so equal searches meet under one key.
        """
        from dataclasses import asdict

        pool, targets = self.parts(ask, context)
        config = asdict(self.config(ask, context.model.n_layers))
        return {
            "arm": ask.arm,
            "replicate": ask.replicate if ask.arm in _DRAWING else None,
            "config": {name: value for name, value in config.items() if name not in _UNREAD.get(ask.arm, ())},
            "pool": sorted(pool),
            "targets": sorted(targets),
            **context.stands_on,
        }

    def run(self, ask: Ask, context: "Context", key: str) -> Result:
        """Search every pair of the part's problems and the subjects who solved them.

        What an arm mended on the selection part is kept under the result's key, for trials that stand on it.
        """
        from brainalign.steering import SEARCHED_ARMS, Watch, assemble, search_nari, summarise
        from brainalign.steering.nari import PAIRS_A_BLOCK

        config = self.config(ask, context.model.n_layers)
        inputs = assemble(
            context.activations,
            context.dataset,
            context.prompts,
            roi=config.roi,
            parts=self.parts(ask, context),
            variants=context.variants,
        )
        block = max(1, PAIRS_A_BLOCK // context.batch_divisor)
        watch = Watch(ask.rungs.at, ask.rungs.halt)
        search = search_nari(inputs, config, ask.arm, (key, ask.replicate), pairs_a_block=block, watch=watch)
        if ask.part == "selection" and ask.arm in SEARCHED_ARMS:
            described = {"model": context.model_name, "arm": ask.arm, "n_pairs": len(search.displacements)}
            context.store.save_arrays(STAGE, key, search.displacements.to_arrays(), described)
        summary = summarise(search.outcomes)
        detail: dict[str, Any] = {"summary": summary.to_json(), "layers": list(config.layers), "part": ask.part}
        if ask.arm == "other_roi":
            detail["other_roi"] = inputs.other_roi
        return Result(key, self.name, ask.arm, summary.metrics(), detail, search.outcomes, provenance())

    def rung_values(self, ask: Ask, result: Result) -> dict[int, float]:
        """Return net balanced accuracy after so many checks."""
        from brainalign.steering import net_after

        found = {rung.at: net_after(result.outcomes, rung.at) for rung in ask.rungs.steps}
        return {at: value for at, value in found.items() if value is not None}

    def displacements(self, ask: Ask, context: "Context") -> "Displacements":
        """Find what a search on the selection part mended, or run the search and keep its result as well."""
        from brainalign.steering import Displacements

        key = result_key(self, ask, context)
        arrays = context.store.load_arrays(STAGE, key)
        if arrays is None:
            context.store.write_result(self.run(ask, context, key))
            arrays = context.store.load_arrays(STAGE, key)
        if arrays is None:
            raise InputError(f"expected an arm that displaces states, found {ask.arm}: transfer another")
        return Displacements.from_arrays(arrays)
