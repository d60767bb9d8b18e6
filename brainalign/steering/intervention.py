"""Steer a model towards subjects' betas and report what that mended and broke: the verb of this package."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from brainalign.activations import extract, prefill
from brainalign.artifacts import Store, content_key
from brainalign.errors import InputError
from brainalign.evaluation import AnswerMetrics, answer_metrics
from brainalign.steering.arms import ARMS, find_arm
from brainalign.steering.config import VERSION, NariConfig, middle_half
from brainalign.steering.inputs import NariInputs, assemble
from brainalign.steering.instructions import InstructionVariants
from brainalign.steering.nari import run_nari
from brainalign.steering.outcomes import Comparison, OutcomeSummary, compare, summarise

if TYPE_CHECKING:
    from brainalign.betas import FmriDataset
    from brainalign.zoo import LanguageModel


@dataclass(frozen=True)
class NariOutcome:
    """What steering one model did, arm by arm.

    Attributes
    ----------
    model : str
    data : str
        What the betas are; begins with their kind, ``"release"`` or ``"simulated"``.
    config : NariConfig
    baseline : AnswerMetrics
        Of the model as it is, on the problems steered.
    outcomes : mapping of str to pyarrow.Table
        Each arm's rows, ``OUTCOME_SCHEMA``.
    summaries : mapping of str to OutcomeSummary
    comparisons : mapping of str to Comparison
        The guided arm minus each control, pair by pair; empty without the guided arm or without pairs.
    other_roi : str or None
        Region that guides the arm ``other_roi``; None where there is no second one.
    """

    model: str
    data: str
    config: NariConfig
    baseline: AnswerMetrics
    outcomes: Mapping[str, pa.Table]
    summaries: Mapping[str, OutcomeSummary]
    comparisons: Mapping[str, Comparison]
    other_roi: str | None

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader of the figures must know: kinds of pairs that there are none of."""
        notes = []
        for arm, summary in self.summaries.items():
            if not summary.overall.n_targeted:
                notes.append(f"{arm}: no problem that the model had wrong and a subject right, so nothing to correct")
            if not summary.overall.n_right:
                notes.append(f"{arm}: no problem that both had right, so nothing to break")
        return tuple(notes)

    def to_json(self) -> dict[str, Any]:
        """Return a JSON object."""
        return {
            "model": self.model,
            "data": self.data,
            "config": asdict(self.config),
            "baseline": self.baseline.to_json(),
            "arms": {arm: summary.to_json() for arm, summary in self.summaries.items()},
            "comparisons": {arm: comparison.to_json() for arm, comparison in self.comparisons.items()},
            "other_roi": self.other_roi,
            "notes": list(self.notes),
        }


def steer(
    model: "LanguageModel",
    dataset: "FmriDataset",
    config: NariConfig | None = None,
    *,
    arms: Sequence[str] = ("guided", "random_direction", "random_betas", "bias"),
    seed: int = 0,
    store: Store | None = None,
) -> NariOutcome:
    """Search displacements for every pair of a subject and a problem that the subject had right.

    Maps are fitted on all of the data set's problems, and all are steered. To choose settings and report them on other
    problems, run a study.

    Parameters
    ----------
    model : LanguageModel
    dataset : FmriDataset
        Problems, betas and wording; select subjects on it first.
    config : NariConfig, optional
        By default the middle half of the layers and the data's first region, with the published settings.
    arms : sequence of str
        The method and controls to run.
    seed : int
        Replicate seed of the random arms.
    store : Store, optional
        Where activations are found and kept.

    Raises
    ------
    InputError
        An unknown arm or region, or a layer beyond the model.
    """
    if not arms:
        raise InputError(f"expected one or more arms among {', '.join(ARMS)}, found none: name at least one")
    for arm in arms:
        find_arm(arm)
    config = config or NariConfig(middle_half(model.n_layers), next(iter(dataset.betas.values)))
    activations = extract(model, dataset.problems, dataset.wording, store=store)
    prompts = prefill(model, dataset.problems, dataset.wording, first_layer=0)
    variants = InstructionVariants(model, dataset.problems, dataset.wording, store)
    inputs = assemble(activations, dataset, prompts, roi=config.roi, variants=variants)
    inputs.check_layers(config.layers)
    outcomes = {arm: run_nari(inputs, config, arm, (_key(model, dataset, config, arm), seed)) for arm in arms}
    return NariOutcome(
        model=model.facts.name,
        data=f"{dataset.source.kind}: {dataset.source.description}",
        config=config,
        baseline=_baseline(inputs),
        outcomes=outcomes,
        summaries={arm: summarise(table) for arm, table in outcomes.items()},
        comparisons=compare_with_guided(outcomes),
        other_roi=inputs.other_roi,
    )


def compare_with_guided(outcomes: Mapping[str, pa.Table]) -> dict[str, Comparison]:
    """Compare the guided arm with each control on the same pairs; empty without it or without pairs."""
    guided = outcomes.get("guided")
    if guided is None or not guided.num_rows:
        return {}
    return {arm: compare(guided, table) for arm, table in outcomes.items() if arm != "guided"}


def _baseline(inputs: NariInputs) -> AnswerMetrics:
    return answer_metrics(inputs.answers.answer[inputs.targets], inputs.labels[inputs.targets])


def _key(model: "LanguageModel", dataset: "FmriDataset", config: NariConfig, arm: str) -> str:
    """Name the result by everything that it depends on."""
    settings = {
        "config": asdict(config),
        "arm": arm,
        "weights": model.weights_hash,
        "data": dataset.source.content_hash,
        "subjects": sorted(dataset.betas.subjects),
        "problems": sorted(dataset.problems.ids),
        "wording": dataset.hash_of(model.chat.words(dataset.wording)),
    }
    return content_key("steer", VERSION, settings)
