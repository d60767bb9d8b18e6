"""What the pictures are made of: states of models before and after training, betas, and displacements that mended."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from brainalign.artifacts import Store
from brainalign.errors import InputError
from brainalign.reports.records import ArmRecord, StudyRecord, read_study
from brainalign.trials import Ask, Tuning, trial_kind

if TYPE_CHECKING:
    from brainalign.betas import FmriDataset
    from brainalign.trials import Context

States = NDArray[np.float32]
FEWEST_PROBLEMS = 10


@dataclass(frozen=True, eq=False)
class Steered:
    """Displacements that mended answers in an arm's winning search.

    ``values`` are float32 (m, len(layers), d), added to attention outputs; ``problems`` (m,) are rows of the inputs.
    """

    model: str
    arm: str
    layers: tuple[int, ...]
    values: States
    problems: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Tuned:
    """States of a model under the weights of an arm's winning training, float32 (2, n_layers, n, d)."""

    model: str
    kind: str
    arm: str
    layers: tuple[int, ...]
    values: States


@dataclass(frozen=True, eq=False)
class GeometryInputs:
    """All that the pictures show; every first axis of states and betas, and ``problems``, are the same n problems.

    Attributes
    ----------
    name : str
        Of the study.
    simulated : bool
    data : str
        Source and description of the betas.
    roi : str
    ids, types : tuple of str
        Of the n problems, all of which every subject saw.
    labels : ndarray of bool, shape (n,)
    brain : mapping of str to ndarray (n, n_voxels)
        By subject.
    models : mapping of str to ndarray (2, n_layers, n, d)
        Attention outputs, then layer outputs, at the last input token.
    sizes : mapping of str to int
        Parameters of each model.
    steered : tuple of Steered
    tuned : tuple of Tuned
    notes : tuple of str
        What is not there, and why.
    """

    name: str
    simulated: bool
    data: str
    roi: str
    ids: tuple[str, ...]
    types: tuple[str, ...]
    labels: NDArray[np.bool_]
    brain: Mapping[str, NDArray[np.float64]]
    models: Mapping[str, States]
    sizes: Mapping[str, int] = field(default_factory=dict)
    steered: tuple[Steered, ...] = ()
    tuned: tuple[Tuned, ...] = ()
    notes: tuple[str, ...] = ()


def gather(
    store: Store,
    name: str,
    *,
    models: Sequence[str] = (),
    roi: str | None = None,
    betas: Path | str | None = None,
    with_tuned: bool = True,
) -> GeometryInputs:
    """Gather states, betas and displacements of a study; states that are not in the store are extracted.

    Parameters
    ----------
    store : Store
    name : str
        Of the study.
    models : sequence of str
        Of the study; by default all.
    roi : str, optional
        Region whose betas are shown; by default the data's first.
    betas : Path or str, optional
        Where the betas are, if not where the study found them.
    with_tuned : bool
        Load trained weights as well, where the store still holds them.

    Raises
    ------
    StudyError
        There is no such study.
    InputError
        A model or region that the study or its data do not have, other data than the study's, or too few problems that
        all subjects saw.
    """
    from brainalign.search.preparation import load_dataset

    record = read_study(store, name)
    chosen = _chosen(record, models)
    dataset = load_dataset(record.study, betas or record.data.get("location"))
    _check_data(record, dataset, roi)
    region = roi or next(iter(dataset.betas.values))
    seen = np.flatnonzero(dataset.betas.seen.all(axis=0))
    if len(seen) < FEWEST_PROBLEMS:
        raise InputError(
            f"expected at least {FEWEST_PROBLEMS} problems that all {len(dataset.betas.subjects)} subjects saw, found "
            f"{len(seen)}: choose fewer subjects in the study"
        )
    parts = [_of_model(record, dataset, model, seen, with_tuned) for model in chosen]
    left_out = len(dataset.problems) - len(seen)
    notes = [f"{left_out} problems that some subject did not see are left out."] if left_out else []
    return GeometryInputs(
        name=name,
        simulated=record.simulated,
        data=f"{dataset.source.kind}: {dataset.source.description}",
        roi=region,
        ids=tuple(dataset.problems.ids[row] for row in seen),
        types=tuple(dataset.problems.types[seen].tolist()),
        labels=dataset.problems.labels[seen],
        brain={subject: array[seen].astype(np.float64) for subject, array in dataset.betas.values[region].items()},
        models={part.name: part.values for part in parts},
        sizes={part.name: part.n_parameters for part in parts},
        steered=tuple(one for part in parts for one in part.steered),
        tuned=tuple(one for part in parts for one in part.tuned),
        notes=(*notes, *(note for part in parts for note in part.notes)),
    )


@dataclass(frozen=True, eq=False)
class _OfModel:
    name: str
    n_parameters: int
    values: States
    steered: tuple[Steered, ...]
    tuned: tuple[Tuned, ...]
    notes: tuple[str, ...]


def _of_model(
    record: StudyRecord, dataset: "FmriDataset", model: str, seen: NDArray[np.int64], with_tuned: bool
) -> _OfModel:
    """Load a model, take what is asked of it, and let it go."""
    from brainalign.stimuli import split_problems
    from brainalign.trials import Context

    section, loading = record.study.problems, record.study.loading
    split = split_problems(dataset.problems, selection_share=section.selection_share, seed=section.seed)
    context = Context(record.store, dataset, split, model, dtype=loading.dtype, quantisation=loading.quantisation)
    notes: list[str] = []
    values = context.activations.values[:, :, seen]
    tuned = tuple(_tuned(record, context, seen, notes)) if with_tuned else ()
    steered = tuple(_steered(record, dataset, model, seen, notes))
    return _OfModel(model, context.model.facts.n_parameters, values, steered, tuned, tuple(notes))


def _steered(
    record: StudyRecord, dataset: "FmriDataset", model: str, seen: NDArray[np.int64], notes: list[str]
) -> Iterator[Steered]:
    """Displacements that winning searches of kind `nari` left in the store."""
    from brainalign.steering import Displacements
    from brainalign.trials.nari import STAGE

    ordered = sorted(dataset.problems.ids)  # a search counts its problems in sorted order
    row_of = {dataset.problems.ids[row]: place for place, row in enumerate(seen)}
    for arm in record.arms:
        if arm.model != model or arm.kind != "nari" or arm.best is None or arm.best.result_key is None:
            continue
        arrays = record.store.load_arrays(STAGE, arm.best.result_key)
        if arrays is None:  # an arm that displaces nothing, or a store that was cleared
            continue
        found = Displacements.from_arrays(arrays)
        if not len(found):
            notes.append(f"The winning search of {arm.arm} nari on {model} mended no answer: it has no directions.")
            continue
        rows = np.array([row_of.get(ordered[problem], -1) for problem in found.problems], dtype=np.int64)
        kept = rows >= 0
        yield Steered(model, arm.arm, found.layers, found.values[kept], rows[kept])


def _tuned(record: StudyRecord, context: "Context", seen: NDArray[np.int64], notes: list[str]) -> Iterator[Tuned]:
    """States under the weights of winning trainings, where these are kept."""
    from brainalign.activations import extract

    for arm in record.arms:
        kind = trial_kind(arm.kind)
        if arm.model != context.model_name or not isinstance(kind, Tuning) or arm.best is None:
            continue
        ask = _asked(arm)
        if not (context.store.checkpoints / kind.training_key(ask, context)).is_dir():
            notes.append(f"The weights of {arm.arm} {arm.kind} on {arm.model} are not kept any more.")
            continue
        with kind.trained(ask, context):
            # Under these weights the model's own key would name other states: nothing is looked up or kept.
            after = extract(context.model, context.dataset.problems, context.dataset.wording)
        yield Tuned(
            arm.model, arm.kind, arm.arm, kind.config(ask, context.model.n_layers).layers, after.values[:, :, seen]
        )


def _asked(arm: ArmRecord) -> Ask:
    assert arm.best is not None
    return Ask(arm.best.setting, arm.arm, "selection", arm.best.replicate)


def _chosen(record: StudyRecord, models: Sequence[str]) -> list[str]:
    unknown = [name for name in models if name not in record.study.models]
    if unknown:
        raise InputError(
            f"expected models of {record.name}, found {unknown[0]!r}: it has {', '.join(record.study.models)}"
        )
    return list(dict.fromkeys(models or record.study.models))


def _check_data(record: StudyRecord, dataset: "FmriDataset", roi: str | None) -> None:
    stood: Any = record.data.get("content_hash")
    if stood is not None and stood != dataset.source.content_hash:
        raise InputError(
            f"expected the betas that {record.name} stands on ({record.data.get('description')}), found "
            f"{dataset.source.description}: name their folder with --betas"
        )
    if roi is not None and roi not in dataset.betas.values:
        raise InputError(f"expected one of the regions {', '.join(dataset.betas.values)}, found {roi!r}")
