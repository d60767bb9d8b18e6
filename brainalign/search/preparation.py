"""What stands before the first trial: the data, the split, the manifest, and what each model does unsteered."""

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from brainalign.artifacts import Part, Store, TrialRow, provenance
from brainalign.betas import FmriDataset, SimulatorConfig, load_betas
from brainalign.errors import ClusterError, InputError, StudyError
from brainalign.planning import CostModel, Prices, describe, make_plan
from brainalign.search.progress import Listener
from brainalign.spaces import Choice
from brainalign.stimuli import Split, shortcut_scores, split_problems
from brainalign.study import Study
from brainalign.trials import Context, DataSize, trial_kind
from brainalign.zoo import check_room, model_facts

FETCH_TIMEOUT_S = 5.0


@dataclass(frozen=True)
class Prepared:
    """A study with its data, checked against what its store already holds."""

    study: Study
    store: Store
    dataset: FmriDataset
    split: Split


def load_dataset(study: Study, betas: Path | str | None) -> FmriDataset:
    """Load the betas that a study file asks for, of its subjects."""
    section = study.betas
    simulator = SimulatorConfig(dataset=section.dataset, **section.simulator.model_dump())
    if section.source == "simulated":
        return load_betas(dataset=section.dataset, simulate=simulator, subjects=section.subjects)
    if section.source == "release":
        return load_betas(betas, dataset=section.dataset, fetch_timeout_s=FETCH_TIMEOUT_S, subjects=section.subjects)
    return load_betas(
        betas,
        dataset=section.dataset,
        fetch_timeout_s=FETCH_TIMEOUT_S,
        subjects=section.subjects,
        simulate=simulator,
        fallback_simulated=True,
    )


def prepare(study: Study, store: Store, betas: Path | str | None = None) -> Prepared:
    """Load the data and check the study against models, data and store; nothing is written.

    Raises
    ------
    InputError, ModelError
        The data or a model do not fit the study file.
    StudyError
        The name is taken by a study with other settings or other data, some of whose trials are done.
    """
    dataset = load_dataset(study, betas)
    _check_data(study, dataset)
    for model in study.models:
        check_room(model_facts(model), dataset.problems, dataset.wording)
    section = study.problems
    split = split_problems(dataset.problems, selection_share=section.selection_share, seed=section.seed)
    for name in study.kinds:
        for model in study.models:
            for space in study.points(name):
                trial_kind(name).check(space, model_facts(model), len(dataset.betas.subjects))
    ready = Prepared(study, store, dataset, split)
    if study.name in store.studies() and store.has_trials(study.name):
        check_extends(store, study.name, _manifest(ready))
    return ready


def _check_data(study: Study, dataset: FmriDataset) -> None:
    """Refuse regions and types of problem that the data do not have."""
    known = {"roi": tuple(dataset.betas.values), "subset": ("all", *dataset.types)}
    for kind in study.kinds:
        for space in study.points(kind):
            for name, valid in known.items():
                dimension = space.get(name)
                for value in dimension.options if isinstance(dimension, Choice) else ():
                    if value not in valid:
                        raise InputError(
                            f"kinds.{kind}: {name}: expected one of {', '.join(valid)}, which the data set "
                            f"{study.betas.dataset} has, found {value!r}: name another"
                        )


def begin(ready: Prepared) -> None:
    """Write the manifest of a study without a finished trial; one that has any keeps it, with what was added.

    Its ``identity`` stays the one that it began with, by which mirrors and copies know it.
    """
    store, name = ready.store, ready.study.name
    manifest = _manifest(ready)
    if not store.has_trials(name):
        surface = {kind: found.to_json() for kind, found in shortcut_scores(ready.dataset.problems).items()}
        store.write_manifest(name, {**manifest, "shortcut": surface, "uid": uuid.uuid4().hex})
        return
    old = store.read_manifest(name)
    # How it is run is no part of the study, and --workers must not change what resume finds.
    grown = {**manifest["study"], "execution": old["study"].get("execution", {})}
    if old["study"] != grown:
        store.write_manifest(name, {**old, "study": grown, "versions": {**old["versions"], **manifest["versions"]}})


def check_extends(store: Store, name: str, new: dict[str, Any]) -> None:
    """Check that a study goes on from what a store holds of that name.

    More trials, models, kinds and arms may be there; nothing that a finished trial stands on may be another.

    Raises
    ------
    StudyError
        Settings, data or the meaning of a kind changed, or finished trials have no place any more.
    """
    old, way_out = store.read_manifest(name), "give the new one another name (--as NAME), or another --store"
    before, now = Study.model_validate(old["study"]), Study.model_validate(new["study"])
    changed = _changed(_foundation(before, now), _foundation(now, before))
    if changed:
        raise StudyError(
            f"study {name!r} is already there with other settings (changed: {', '.join(changed)}): {way_out}"
        )
    shared = old["versions"].keys() & new["versions"].keys()
    if any(old["versions"][kind] != new["versions"][kind] for kind in shared):
        raise StudyError(f"study {name!r} was begun when its kinds of trial meant something else: {way_out}")
    if any(old["data"][what] != new["data"][what] for what in ("content_hash", "wording_hash")):
        stood, found = (facts["data"]["description"] for facts in (old, new))
        raise StudyError(f"study {name!r} stands on other data ({stood}), found {found}: {way_out}")
    missing = _without_place(now, store.read_trials(name))
    if missing:
        raise StudyError(f"study {name!r} has finished trials that the file leaves out (changed: {missing}): {way_out}")


def _foundation(study: Study, other: Study) -> dict[str, Any]:
    """Take what finished trials stand on, of the kinds that both studies have, a default as what it stands for."""
    whole = study.model_dump(mode="json", include={"betas", "problems", "seeds", "loading"})
    kinds = {}
    for name in study.kinds.keys() & other.kinds.keys():
        section = study.kinds[name].model_dump(mode="json", exclude={"arms", "trials", "objective"})
        kinds[name] = section | {
            "objective": list(study.goals(name).directions.items()),
            "population": study.population(name),
        }
        if section["carry"]:
            kinds[name]["carried from"] = min(study.models, key=lambda model: model_facts(model).n_parameters)
    return whole | {"kinds": kinds}


def _without_place(study: Study, rows: list[TrialRow]) -> str:
    """Name the first key of a study file that leaves a finished trial out; empty where each has its place."""
    for row in rows:
        if row.kind not in study.kinds:
            return f"kinds.{row.kind}"
        if row.model not in study.models:
            return f"models: {row.model} is gone"
        if row.arm not in study.arms(row.kind):
            return f"kinds.{row.kind}.arms: {row.arm} is gone"
        if row.number >= study.n_trials(row.kind):
            return f"kinds.{row.kind}.trials: trial {row.number} is done"
    return ""


def _changed(old: Any, new: Any, path: str = "") -> list[str]:
    if isinstance(old, dict) and isinstance(new, dict):
        keys = sorted(set(old) | set(new))
        return [name for key in keys for name in _changed(old.get(key), new.get(key), f"{path}.{key}".strip("."))]
    return [] if old == new else [path]


def _manifest(ready: Prepared) -> dict[str, Any]:
    study, dataset, split = ready.study, ready.dataset, ready.split
    source, betas = dataset.source, dataset.betas
    data = {
        "source": source.kind,
        "description": source.description,
        "content_hash": source.content_hash,
        "location": source.location,
        "subjects": list(betas.subjects),
        "n_problems": len(dataset.problems),
        "problem_types": {name: int((dataset.problems.types == name).sum()) for name in dataset.types},
        "n_voxels": betas.n_voxels,
        "dropped": list(betas.dropped),
        "wording": dataset.wording.source,
        "wording_hash": dataset.wording_hash,
    }
    return {
        "study": study.model_dump(mode="json"),
        "identity": study.identity,
        "versions": {kind: trial_kind(kind).version for kind in study.kinds},
        "data": data,
        "models": {},
        "split": {"selection": list(split.selection), "report": list(split.report)},
        "baseline": {},
        "provenance": provenance(),
        "created_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def data_size(dataset: FmriDataset, split: Split) -> DataSize:
    """Count what costs are modelled from."""
    betas = dataset.betas
    column = {stimulus_id: index for index, stimulus_id in enumerate(betas.stimulus_ids)}
    parts: dict[Part, tuple[str, ...]] = {"selection": split.selection, "report": split.report}
    return DataSize(
        n_subjects=len(betas.subjects),
        n_voxels=max(
            (array.shape[1] for by_subject in betas.values.values() for array in by_subject.values()), default=0
        ),
        n_problems={part: len(ids) for part, ids in parts.items()},
        n_pairs={part: int(betas.correct[:, [column[name] for name in ids]].sum()) for part, ids in parts.items()},
    )


def keep_plan(ready: Prepared, costs: CostModel, heard: Listener) -> None:
    """Keep in the manifest what the study is expected to cost here, once, before its first trial."""
    manifest = ready.store.read_manifest(ready.study.name)
    if "plan" in manifest:
        return
    try:
        plan = make_plan(ready.study, costs, Prices())
    except ClusterError as error:  # of a cluster that has yet to grow
        heard.note(f"no plan is kept: {error}")
        return
    here = {"cluster": describe(costs.cluster), **plan.to_json()}
    ready.store.write_manifest(ready.study.name, {**manifest, "plan": here})


def describe_model(context: Context) -> tuple[dict[str, Any], dict[str, Any]]:
    """Facts of a loaded model, and what it answers unsteered on each part; leaves its activations in the store."""
    from brainalign.evaluation import answer_metrics

    model, problems, activations = context.model, context.dataset.problems, context.activations
    facts = {
        "n_layers": model.n_layers,
        "hidden_size": model.hidden_size,
        "n_parameters": model.facts.n_parameters,
        "quantisation": model.facts.quantisation,
        "weights_hash": model.weights_hash,
    }
    where = {stimulus_id: row for row, stimulus_id in enumerate(activations.stimulus_ids)}
    baseline = {}
    for part in ("selection", "report"):
        ids = context.targets(part)
        rows = [where[stimulus_id] for stimulus_id in ids]
        baseline[part] = answer_metrics(activations.answers.answer[rows], problems.subset(ids).labels).to_json()
    return facts, baseline
