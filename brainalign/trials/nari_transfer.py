"""Kind `nari_transfer`: directions that mended some problems, tried once on others, guided or by a control."""

import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from brainalign.artifacts import Result, provenance
from brainalign.errors import InputError
from brainalign.spaces import Choice, Range, Space
from brainalign.steering.config import AVERAGES, SOURCES, TransferConfig
from brainalign.trials.nari import Nari
from brainalign.trials.protocol import Ask, DataSize, Resources, Work, result_key
from brainalign.trials.rungs import RungUnit
from brainalign.trials.settings import check_choices, points

if TYPE_CHECKING:
    from brainalign.steering import Displacements, Transferred
    from brainalign.trials.context import Context
    from brainalign.zoo import ModelFacts

_CHOICES = {"normalise": (False, True), "average": AVERAGES, "source": SOURCES}
_GAP = "selection_gap"
# What costs are modelled with: rows that go through the model together, bytes of a row and of a result.
_ANSWERS_A_PASS = 512
_OUTCOME_BYTES = 40
_RESULT_BYTES = 40_000


class NariTransfer:
    """Directions averaged from a NARI search's successes, added once to other problems with no look at their answers.

    The search runs on the selection part, and the selection part chooses the strength: there, the direction that moves
    a problem is made without the problem's own displacement (leave-one-out over problems). The report part is moved by
    the directions of the whole selection part; scales come from the selection part as well. A row is a problem of the
    part and a subject whose directions moved it.
    """

    name = "nari_transfer"
    version = 1
    arms: tuple[str, ...] = (
        "guided",
        "random_direction",
        "random_betas",
        "random_betas_mean",
        "label",
        "other_roi",
        "bias",
    )
    default_arms: tuple[str, ...] = ("guided", "random_direction", "random_betas", "bias")
    objectives: tuple[str, ...] = ("net_balanced_accuracy", "net_accuracy", "balanced_accuracy")
    minimised: tuple[str, ...] = ("broken", "invalid")
    selects = True
    batched = True
    rung_unit: RungUnit | None = None

    def __init__(self) -> None:
        self._nari = Nari()

    def default_setting(self) -> dict[str, Any]:
        """Return NARI's setting, and the mean of the problem's own type at its own length."""
        transfer = asdict(TransferConfig())
        return {**self._nari.default_setting(), **transfer}

    def default_space(self) -> Space:
        """Return NARI's setting as it is, and a space over strength and how directions are made."""
        fixed = {
            name: Choice(options=(value,))
            for name, value in self._nari.default_setting().items()
            if not isinstance(value, Mapping)
        }
        return {
            "layers": self._nari.default_space()["layers"],
            **fixed,
            "strength": Range(low=0.1, high=10, log=True),
            "normalise": Choice(options=(False, True)),
            "average": Choice(options=AVERAGES),
            "source": Choice(options=("same",)),
        }

    def check(self, space: Space, model: "ModelFacts", n_subjects: int) -> None:
        """Raise InputError where a point of the space cannot run on the model."""
        self._nari.check({name: space[name] for name in self._nari.default_setting()}, model, n_subjects)
        check_choices(self.name, space, _CHOICES)
        for value in points(space, "strength"):
            if not isinstance(value, (int, float)):
                raise InputError(f"nari_transfer: strength: expected numbers, found {value!r}: mend the range")

    def resources(self, model: "ModelFacts") -> Resources:
        """Return what a search needs."""
        return self._nari.resources(model)

    def work(self, ask: Ask, model: "ModelFacts", data: DataSize) -> Work:
        """Count the search behind the directions, and one steered answer a problem and subject."""
        search = self._nari.work(self._search(ask), model, data)
        n_answers = data.n_subjects * data.n_problems[ask.part]
        return Work(
            flops=search.flops + 2 * model.n_parameters * n_answers,
            passes=search.passes + math.ceil(n_answers / _ANSWERS_A_PASS),
            kept_bytes=search.kept_bytes + n_answers * _OUTCOME_BYTES + _RESULT_BYTES,
        )

    def identity(self, ask: Ask, context: "Context") -> dict[str, Any]:
        """Return what the outcomes depend on: the search behind them, the directions, and the problems moved."""
        search = self._search(ask)
        return {
            "arm": ask.arm,
            "replicate": ask.replicate,
            "search": result_key(self._nari, search, context),
            "transfer": asdict(self._config(ask)),
            "targets": sorted(context.targets(ask.part)),
        }

    def run(self, ask: Ask, context: "Context", key: str) -> Result:
        """Move every problem of the part by every subject's directions."""
        from brainalign.steering import overall_rates, summarise

        found = self._nari.displacements(self._search(ask), context)
        moved = self._move(ask, context, found, key)
        summary = summarise(moved.outcomes)
        metrics = summary.metrics() | {"n_without": float(moved.n_without), "n_not_finite": float(moved.n_not_finite)}
        detail = {"summary": summary.to_json(), "layers": list(found.layers), "part": ask.part, "n_found": len(found)}
        if ask.part == "report":
            chosen_on = Ask(ask.setting, ask.arm, "selection", ask.replicate)
            selection = overall_rates(self._move(chosen_on, context, found, key).outcomes)
            detail["selection"] = asdict(selection)
            if selection.net_balanced_accuracy is not None and summary.overall.net_balanced_accuracy is not None:
                metrics[_GAP] = selection.net_balanced_accuracy - summary.overall.net_balanced_accuracy
        return Result(key, self.name, ask.arm, metrics, detail, moved.outcomes, provenance())

    def rung_values(self, ask: Ask, result: Result) -> dict[int, float]:
        """Return nothing: every problem is asked once, so there are no rungs."""
        return {}

    def _move(self, ask: Ask, context: "Context", found: "Displacements", key: str) -> "Transferred":
        from brainalign.steering import assemble, run_transfer

        parts = (context.targets("selection"), context.targets(ask.part))
        roi = ask.setting["roi"]
        inputs = assemble(context.activations, context.dataset, context.prompts, roi=roi, parts=parts)
        return run_transfer(inputs, found, self._config(ask), ask.arm, (key, ask.replicate))

    def _search(self, ask: Ask) -> Ask:
        """Ask for the search whose successes make the directions."""
        from brainalign.steering import TRANSFER_ARMS

        setting = {name: ask.setting[name] for name in self._nari.default_setting()}
        return Ask(setting, TRANSFER_ARMS[ask.arm], "selection", ask.replicate)

    def _config(self, ask: Ask) -> TransferConfig:
        setting = ask.setting
        return TransferConfig(
            strength=float(setting["strength"]),
            normalise=setting["normalise"],
            average=setting["average"],
            source=setting["source"],
        )
