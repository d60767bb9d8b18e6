"""Winners as models that `mlflow.pyfunc.load_model` serves: what a search left in the store, on top of its model.

A winner of a search at inference leaves the displacements that mended answers: their mean, one vector a layer, is added
at the last token. A winner that was trained leaves its weights. Either way the model answers problems: a table with
``premises`` (a list, or lines of text) and ``conclusion`` becomes one with ``answer`` and ``margin``.
"""

import json
import warnings
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from brainalign.artifacts import Store, TrialRow, write_json
from brainalign.errors import InputError, ModelError
from brainalign.trials import Ask, trial_kind

with warnings.catch_warnings():
    warnings.simplefilter("ignore", UserWarning)  # MLflow's own types do not please its own check of them
    import mlflow.pyfunc

if TYPE_CHECKING:
    from brainalign.zoo import LanguageModel

_STAGE = "displacements"
_FACTS, _VECTORS, _WEIGHTS = "facts", "vectors", "weights"
_SPOKEN = {1: "True", 0: "False"}


class ServedModel(mlflow.pyfunc.PythonModel):  # type: ignore[misc]
    """A model of the zoo with a winner's vectors or weights."""

    def load_context(self, context: mlflow.pyfunc.PythonModelContext) -> None:
        """Load the model and change it as the winner did.

        Raises
        ------
        ModelError
            The zoo has other weights under the model's name than the winner was found on.
        """
        from brainalign.zoo import load_model

        facts = json.loads(Path(context.artifacts[_FACTS]).read_text(encoding="utf-8"))
        self.facts = facts
        self.model = load_model(facts["model"], **facts["loading"])
        if self.model.weights_hash != facts["weights_hash"]:
            raise ModelError(
                f"expected weights {facts['weights_hash']} of {facts['model']}, found {self.model.weights_hash}: "
                "fetch the commit that the study ran on"
            )
        self._changed = ExitStack()
        if _VECTORS in context.artifacts:
            self._changed.enter_context(_steered(self.model, context.artifacts[_VECTORS]))
        else:
            self._train(Path(context.artifacts[_WEIGHTS]))

    def _train(self, path: Path) -> None:
        """Give the model a training's weights, without end."""
        import torch
        from safetensors.torch import load_file

        from brainalign.finetuning import trainable, trained_parameters

        ask = Ask(self.facts["setting"], self.facts["arm"], "report", 0)
        config = trial_kind(self.facts["kind"]).config(ask, self.model.n_layers)  # type: ignore[attr-defined]
        self._changed.enter_context(trainable(self.model, config))
        weights = load_file(path)
        with torch.no_grad():
            for name, parameter in trained_parameters(self.model).items():
                parameter.copy_(weights[f"weights/{name}"])

    def predict(
        self,
        context: mlflow.pyfunc.PythonModelContext,
        model_input: pd.DataFrame,
        params: Mapping[str, Any] | None = None,
    ) -> pd.DataFrame:
        """Answer problems, each with its premises in the order that they come in.

        Parameters
        ----------
        model_input : DataFrame
            ``premises``, a list of sentences or one sentence a line, and ``conclusion``.

        Returns
        -------
        DataFrame
            ``answer`` ("True", "False" or "neither") and ``margin``, logit of True minus logit of False.

        Raises
        ------
        InputError
            A column is missing.
        """
        from brainalign.activations.answering import answer_prompts
        from brainalign.stimuli import own_wording

        missing = {"premises", "conclusion"} - set(model_input.columns)
        if missing:
            raise InputError(f"expected the columns premises and conclusion, found no {sorted(missing)[0]}: add it")
        rows = model_input[["premises", "conclusion"]].itertuples(index=False)
        problems = [_problem(premises, conclusion) for premises, conclusion in rows]
        wording = own_wording()
        answers = answer_prompts(self.model, [self.model.encode_problem(problem, wording) for problem in problems])
        spoken = [_SPOKEN.get(int(answer), "neither") for answer in answers.answer]
        return pd.DataFrame({"answer": spoken, "margin": answers.margin.tolist()}, index=model_input.index)


def _problem(premises: Any, conclusion: Any) -> Any:
    from brainalign.stimuli import Problem

    sentences = premises.splitlines() if isinstance(premises, str) else list(premises)
    return Problem.of("other", sentences, str(conclusion), label=True, category="asked")


def _steered(model: "LanguageModel", path: str) -> Any:
    from brainalign.steering import steered
    from brainalign.steering.vectors import load_vectors

    return steered(model, load_vectors(path, model))


def save_winner(store: Store, manifest: Mapping[str, Any], row: TrialRow, folder: Path) -> bool:
    """Write a winner as an MLflow model; False where its result left nothing in the store that could be served.

    Parameters
    ----------
    store : Store
    manifest : mapping
        The study's.
    row : TrialRow
        The winner on the selection part.
    folder : Path
        Must not be there yet; what the model is made of is put beside it.
    """
    facts = manifest["models"].get(row.model)
    if facts is None or row.result_key is None:
        return False
    beside = folder.parent / f"{folder.name}-parts"
    files = _vectors(store, facts, row, beside) or _weights(store, row)
    if not files:
        return False
    told = {"model": row.model, "weights_hash": facts["weights_hash"], "kind": row.kind, "arm": row.arm}
    told |= {"setting": dict(row.setting), "place": f"{row.study}/{row.place}", "data": row.data_source}
    told["loading"] = manifest["study"].get("loading", {})
    write_json(beside / "facts.json", told)
    mlflow.pyfunc.save_model(
        path=str(folder),
        python_model=ServedModel(),
        artifacts={_FACTS: str(beside / "facts.json"), **files},
        pip_requirements=["brainalign"],
        metadata={"study": row.study, "place": row.place, "data": row.data_source},
    )
    return True


def _vectors(store: Store, facts: Mapping[str, Any], row: TrialRow, folder: Path) -> dict[str, str]:
    """Write the mean of the displacements that mended an answer; nothing where there are none."""
    import numpy as np

    from brainalign.steering import Displacements, SteeringVectors

    arrays = store.load_arrays(_STAGE, str(row.result_key))
    found = None if arrays is None else Displacements.from_arrays(arrays)
    if found is None or not len(found):
        return {}
    folder.mkdir(parents=True, exist_ok=True)
    vectors = SteeringVectors(
        model=row.model,
        weights_hash=facts["weights_hash"],
        n_layers=int(facts["n_layers"]),
        layers=found.layers,
        values=np.asarray(found.values.mean(axis=0), dtype=np.float32),
        description={"what": "mean of the displacements that mended an answer", "study": row.study, "place": row.place},
    )
    return {_VECTORS: str(vectors.save(folder / "vectors.safetensors"))}


def _weights(store: Store, row: TrialRow) -> dict[str, str]:
    """Find the weights that validated best in the training that a result stands on."""
    for key in store.result_facts(str(row.result_key)).get("stands_on") or ():
        for name in ("best.safetensors", "last.safetensors"):
            if (store.checkpoints / key / name).is_file():
                return {_WEIGHTS: str(store.checkpoints / key / name)}
    return {}
