"""NARI (gen.) from end to end: search on one part, choose the strength there, report once on the other."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

from brainalign.activations import extract, prefill
from brainalign.artifacts import Store, content_key
from brainalign.errors import InputError
from brainalign.evaluation import AnswerMetrics, answer_metrics
from brainalign.steering.config import VERSION, NariConfig, TransferConfig, middle_half
from brainalign.steering.directions import mean_direction
from brainalign.steering.displacements import Displacements
from brainalign.steering.inputs import NariInputs, assemble
from brainalign.steering.nari import search_nari
from brainalign.steering.outcomes import Comparison, OutcomeSummary, compare, overall_rates, summarise
from brainalign.steering.pairs import form_groups
from brainalign.steering.transfer import TRANSFER_ARMS, Transferred, run_transfer
from brainalign.steering.vectors import SteeringVectors
from brainalign.stimuli import Split, split_problems

if TYPE_CHECKING:
    from brainalign.betas import FmriDataset
    from brainalign.zoo import LanguageModel

STRENGTHS = (0.25, 0.5, 1.0, 2.0, 4.0)


@dataclass(frozen=True)
class TransferOptions:
    """How directions are made and tried.

    Attributes
    ----------
    transfer : TransferConfig
        Its strength is not used.
    strengths : tuple of float
        Tried on the selection part by every arm.
    arms : tuple of str
        Of :data:`brainalign.steering.TRANSFER_ARMS`.
    selection_share : float
        Share of the problems to search and choose on.
    seed : int
        Replicate seed of the random arms.
    """

    transfer: TransferConfig = field(default_factory=TransferConfig)
    strengths: tuple[float, ...] = STRENGTHS
    arms: tuple[str, ...] = ("guided", "random_direction", "random_betas", "bias")
    selection_share: float = 0.5
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse what gives nothing to choose from."""
        unknown = [arm for arm in self.arms if arm not in TRANSFER_ARMS]
        if unknown or not self.arms:
            raise InputError(
                f"expected one or more arms among {', '.join(TRANSFER_ARMS)}, found {', '.join(unknown) or 'none'}: "
                "choose some of them"
            )
        if not self.strengths:
            raise InputError("expected one or more strengths, found none: give at least one")
        for strength in self.strengths:
            replace(self.transfer, strength=strength)


@dataclass(frozen=True)
class TransferredArm:
    """One arm: its strength, chosen on the selection part, and what that did to the report part.

    Attributes
    ----------
    strength : float
    by_strength : mapping of float to float or None
        Net balanced accuracy on the selection part, each problem moved by other problems' displacements.
    report : Transferred
    summary : OutcomeSummary
        Of the report part.
    n_found : int
        Displacements that the directions were made of.
    """

    strength: float
    by_strength: Mapping[float, float | None]
    report: Transferred
    summary: OutcomeSummary
    n_found: int

    @property
    def selection_gap(self) -> float | None:
        """Net balanced accuracy of the chosen strength where it was chosen, minus that on the report part."""
        chosen, reported = self.by_strength[self.strength], self.summary.overall.net_balanced_accuracy
        return None if chosen is None or reported is None else chosen - reported

    def to_json(self) -> dict[str, Any]:
        """Return one flat JSON object: the report part's figures beside the choice."""
        return {
            **self.summary.to_json(),
            "strength": self.strength,
            "selection_by_strength": {f"{strength:g}": net for strength, net in self.by_strength.items()},
            "selection_gap": self.selection_gap,
            "n_found": self.n_found,
            "n_without": self.report.n_without,
            "n_not_finite": self.report.n_not_finite,
        }


@dataclass(frozen=True)
class TransferOutcome:
    """What directions from one part did to the other, arm by arm.

    Attributes
    ----------
    model, data : str
        As in :class:`brainalign.steering.NariOutcome`.
    config, options : NariConfig and TransferOptions
    split : Split
    baseline : AnswerMetrics
        Of the model as it is, on the report part.
    arms : mapping of str to TransferredArm
    comparisons : mapping of str to Comparison
        The guided arm minus each control on the report part.
    vectors : mapping of str to SteeringVectors
        The guided direction of each reasoning type, the mean over subjects, at its chosen strength.
    """

    model: str
    data: str
    config: NariConfig
    options: TransferOptions
    split: Split
    baseline: AnswerMetrics
    arms: Mapping[str, TransferredArm]
    comparisons: Mapping[str, Comparison]
    vectors: Mapping[str, SteeringVectors]

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader of the figures must know."""
        notes = []
        for name, arm in self.arms.items():
            n_rows = arm.report.outcomes.num_rows
            if arm.report.n_without:
                notes.append(f"{name}: {arm.report.n_without} of {n_rows} answers had no direction to be moved along")
            if arm.report.n_not_finite:
                notes.append(
                    f"{name}: {arm.report.n_not_finite} of {n_rows} answers are not a number at strength "
                    f"{arm.strength:g}: lower the strengths"
                )
        return tuple(notes)

    def to_json(self) -> dict[str, Any]:
        """Return a JSON object."""
        return {
            "model": self.model,
            "data": self.data,
            "config": asdict(self.config),
            "options": asdict(self.options),
            "n_selection": len(self.split.selection),
            "n_report": len(self.split.report),
            "baseline": self.baseline.to_json(),
            "arms": {name: arm.to_json() for name, arm in self.arms.items()},
            "comparisons": {name: comparison.to_json() for name, comparison in self.comparisons.items()},
            "notes": list(self.notes),
        }


def transfer_directions(
    model: "LanguageModel",
    dataset: "FmriDataset",
    config: NariConfig | None = None,
    options: TransferOptions | None = None,
    *,
    store: Store | None = None,
) -> TransferOutcome:
    """Search displacements on the selection part, choose a strength there, and report it once on the other part.

    Every arm chooses among as many strengths. On the selection part a problem is moved by directions made without its
    own displacement.

    Parameters
    ----------
    model : LanguageModel
    dataset : FmriDataset
        Problems, betas and wording; select subjects on it first.
    config : NariConfig, optional
        Of the search; by default the middle half of the layers and the data's first region, as published.
    options : TransferOptions, optional
    store : Store, optional
        Where activations are found and kept.

    Raises
    ------
    InputError
        An unknown region, or a layer beyond the model.
    """
    config = config or NariConfig(middle_half(model.n_layers), next(iter(dataset.betas.values)))
    options = options or TransferOptions()
    split = split_problems(dataset.problems, selection_share=options.selection_share)
    activations = extract(model, dataset.problems, dataset.wording, store=store)
    prompts = prefill(model, dataset.problems, dataset.wording, first_layer=0)
    selection, report = (
        assemble(activations, dataset, prompts, roi=config.roi, parts=(split.selection, targets))
        for targets in (split.selection, split.report)
    )
    names = (_key(model, dataset, config, options), options.seed)
    searched = {
        arm: search_nari(selection, config, arm, names).displacements
        for arm in sorted({TRANSFER_ARMS[arm] for arm in options.arms})
    }
    arms = {arm: _try(selection, report, searched[TRANSFER_ARMS[arm]], options, (arm, names)) for arm in options.arms}
    tables = {arm: tried.report.outcomes for arm, tried in arms.items()}
    guided = tables.get("guided")
    return TransferOutcome(
        model=model.facts.name,
        data=f"{dataset.source.kind}: {dataset.source.description}",
        config=config,
        options=options,
        split=split,
        baseline=answer_metrics(report.answers.answer[report.targets], report.labels[report.targets]),
        arms=arms,
        comparisons={}
        if guided is None or not guided.num_rows
        else {arm: compare(guided, table) for arm, table in tables.items() if arm != "guided"},
        vectors=_vectors(model, selection, searched["guided"], options, arms["guided"].strength)
        if "guided" in arms
        else {},
    )


def _try(
    selection: NariInputs,
    report: NariInputs,
    found: Displacements,
    options: TransferOptions,
    place: tuple[str, tuple[str, int]],
) -> TransferredArm:
    """Choose among the strengths on one part, the smallest of equal ones; then steer the other part once."""
    arm, names = place
    nets: dict[float, float | None] = {}
    for strength in options.strengths:
        moved = run_transfer(selection, found, replace(options.transfer, strength=strength), arm, names)
        nets[strength] = overall_rates(moved.outcomes).net_balanced_accuracy
    chosen = _best(nets)
    moved = run_transfer(report, found, replace(options.transfer, strength=chosen), arm, names)
    return TransferredArm(chosen, nets, moved, summarise(moved.outcomes), len(found))


def _best(nets: Mapping[float, float | None]) -> float:
    known = {strength: net for strength, net in nets.items() if net is not None}
    return max(sorted(known, key=abs), key=known.__getitem__) if known else min(nets, key=abs)


def _vectors(
    model: "LanguageModel", inputs: NariInputs, found: Displacements, options: TransferOptions, strength: float
) -> dict[str, SteeringVectors]:
    vectors = {}
    for group in form_groups(inputs, found.layers):
        kind, normalise = group.reasoning_type, options.transfer.normalise
        direction = mean_direction(inputs, found, kind, normalise=normalise, sigma=group.sigma)
        if direction is not None:
            vectors[kind] = SteeringVectors(
                model=model.facts.name,
                weights_hash=model.weights_hash,
                n_layers=model.n_layers,
                layers=found.layers,
                values=(strength * direction).astype(direction.dtype),
                description={
                    "what": "mean of the displacements that mended an answer, at the strength chosen for transfer",
                    "reasoning_type": kind,
                    "strength": strength,
                    "normalise": normalise,
                    "subjects": list(inputs.subjects),
                },
            )
    return vectors


def _key(model: "LanguageModel", dataset: "FmriDataset", config: NariConfig, options: TransferOptions) -> str:
    """Name the result by everything that it depends on; arms and strengths do not change each other's draws."""
    settings = {
        "config": asdict(config),
        "selection_share": options.selection_share,
        "weights": model.weights_hash,
        "data": dataset.source.content_hash,
        "subjects": sorted(dataset.betas.subjects),
        "problems": sorted(dataset.problems.ids),
        "wording": dataset.hash_of(model.chat.words(dataset.wording)),
    }
    return content_key("steer-transfer", VERSION, settings)
