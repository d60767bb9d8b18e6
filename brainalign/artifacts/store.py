"""The store: the only writer and reader of results.

Layout under the root::

    stages/<stage>/<key>.safetensors   what trials share: activations, ridge maps
    results/<key>.parquet              outcomes of a result, its figures in the file's metadata
    checkpoints/<key>/                 trained weights, and what a cut-off training goes on from
    studies/<name>/manifest.json       what the study is and which data it stands on
    studies/<name>/trials/, rows/      its finished trials, see :mod:`brainalign.artifacts.trial_files`
    forecasts/<name>.json              what was foretold of models before they were run, with its own hash
"""

import json
import os
from collections.abc import Collection, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from brainalign.artifacts.files import write_atomically, write_json, write_new, write_text
from brainalign.artifacts.keys import hash_json
from brainalign.artifacts.tables import OUTCOME_SCHEMA, Result, TrialRow, read_table
from brainalign.artifacts.trial_files import TrialFiles
from brainalign.errors import StudyError

SCHEMA_VERSION = 1
COMPACT_AT = 256
"""Small files of a study from which on they are taken into a larger one."""
_RESULT_FIELDS = ("key", "kind", "arm", "metrics", "detail", "provenance", "stands_on")


class Store:
    """A folder of results.

    Parameters
    ----------
    root : Path or str
        The folder; made at the first write.

    Attributes
    ----------
    touched : set of str
        Keys of stages and results that were found or made through this object, until somebody clears it.
    """

    def __init__(self, root: Path | str) -> None:
        self.root = Path(root).expanduser().resolve()
        self.touched: set[str] = set()

    # What trials share -----------------------------------------------------------------------------------------------

    def _stage_path(self, stage: str, key: str) -> Path:
        return self.root / "stages" / stage / f"{key}.safetensors"

    @property
    def checkpoints(self) -> Path:
        """Folder of all trainings' checkpoints."""
        return self.root / "checkpoints"

    def checkpoint_folder(self, key: str) -> Path:
        """Folder of a training's checkpoints, by the key of what it trains."""
        self.touched.add(key)
        return self.checkpoints / key

    def save_arrays(self, stage: str, key: str, arrays: Mapping[str, np.ndarray], metadata: Mapping[str, Any]) -> None:
        """Keep named arrays under a content key, with JSON metadata that says what they are."""
        from safetensors.numpy import save_file

        whole = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
        facts = {"brainalign": json.dumps(dict(metadata), sort_keys=True)}
        self.touched.add(key)
        write_atomically(self._stage_path(stage, key), lambda path: save_file(whole, path, metadata=facts))

    def load_arrays(self, stage: str, key: str) -> dict[str, np.ndarray] | None:
        """Find named arrays by their content key; None where nobody has made them.

        Raises
        ------
        StudyError
            The file is there and cannot be read.
        """
        from safetensors import SafetensorError
        from safetensors.numpy import load_file

        path = self._stage_path(stage, key)
        if not self._touch(path, key):
            return None
        try:
            return load_file(path)
        except (SafetensorError, OSError) as error:
            raise StudyError(f"expected arrays in {path}, found {error}: delete that file, it is made again") from error

    def _touch(self, path: Path, key: str) -> bool:
        """Note that a file is used, also in its time, so that nobody frees it now; False where it is not there."""
        if not path.is_file():
            return False
        self.touched.add(key)
        with suppress(OSError):  # of another user, or on a read-only disk: then it is not freed from here either
            os.utime(path)
        return True

    def array_metadata(self, stage: str, key: str) -> dict[str, Any] | None:
        """JSON metadata of stored arrays; None where there are none."""
        from safetensors import safe_open

        path = self._stage_path(stage, key)
        if not path.is_file():
            return None
        with safe_open(path, framework="np") as handle:
            return dict(json.loads(handle.metadata()["brainalign"]))

    # Results ---------------------------------------------------------------------------------------------------------

    def result_path(self, key: str) -> Path:
        """Where a result's outcomes stand."""
        return self.root / "results" / f"{key}.parquet"

    def has_result(self, key: str) -> bool:
        """Whether a whole result stands under the key; a damaged file is none."""
        try:
            metadata = pq.read_metadata(self.result_path(key)).metadata or {}
        except (pa.ArrowException, OSError):
            return False
        return b"brainalign" in metadata

    def write_result(self, result: Result) -> None:
        """Keep a result under its key; a whole one that is there already stays as it is."""
        path = self.result_path(result.key)
        self.touched.add(result.key)
        if self.has_result(result.key):
            return
        facts = {name: getattr(result, name) for name in _RESULT_FIELDS}
        for name in ("metrics", "detail", "provenance"):
            facts[name] = dict(facts[name])
        facts["stands_on"] = sorted(set(result.stands_on) - {result.key})
        table = result.outcomes.cast(OUTCOME_SCHEMA).replace_schema_metadata({"brainalign": json.dumps(facts)})
        write_atomically(path, lambda temporary: pq.write_table(table, temporary))

    def read_result(self, key: str) -> Result | None:
        """Find a result by its key; None where nobody has made it, or its file is damaged: it is made again."""
        if not self.has_result(key):
            return None
        self._touch(self.result_path(key), key)
        table = read_table(self.result_path(key))
        facts = json.loads(table.schema.metadata[b"brainalign"])
        facts["stands_on"] = tuple(facts.get("stands_on", ()))
        return Result(outcomes=table.replace_schema_metadata(None), **facts)

    def result_facts(self, key: str) -> dict[str, Any]:
        """Read what stands in a result's file beside its outcomes; empty where there is no whole result."""
        try:
            metadata = pq.read_metadata(self.result_path(key)).metadata or {}
            return dict(json.loads(metadata[b"brainalign"]))
        except (pa.ArrowException, OSError, KeyError, ValueError):
            return {}

    # Studies ---------------------------------------------------------------------------------------------------------

    def study_folder(self, name: str) -> Path:
        """Folder of a study."""
        return self.root / "studies" / name

    def studies(self) -> list[str]:
        """Names of the studies that the store holds."""
        return sorted(path.parent.name for path in (self.root / "studies").glob("*/manifest.json"))

    def write_manifest(self, name: str, manifest: Mapping[str, Any]) -> None:
        """Keep what a study is and which data it stands on."""
        write_json(self.study_folder(name) / "manifest.json", {"schema_version": SCHEMA_VERSION, **manifest})

    def read_manifest(self, name: str) -> dict[str, Any]:
        """Read what a study is and which data it stands on.

        Raises
        ------
        StudyError
            The store has no such study, or another version of the platform wrote it.
        """
        path = self.study_folder(name) / "manifest.json"
        if not path.is_file():
            known = ", ".join(self.studies()) or "no study at all"
            raise StudyError(f"expected study {name!r} in {self.root}, found {known}: run it, or name its --store")
        try:
            manifest = dict(json.loads(path.read_text(encoding="utf-8")))
        except (ValueError, TypeError, OSError) as error:
            raise StudyError(
                f"expected a study's manifest in {path}, found {error}: restore it, or choose --as"
            ) from error
        found = manifest.get("schema_version")
        if found != SCHEMA_VERSION:
            raise StudyError(
                f"expected schema version {SCHEMA_VERSION} in {path}, found {found}: use the brainalign that wrote it"
            )
        return manifest

    def write_study_file(self, name: str, text: str) -> None:
        """Keep the study file beside its trials, word for word."""
        write_text(self.study_folder(name) / "study.yaml", text)

    def _trial_files(self, name: str) -> TrialFiles:
        return TrialFiles(self.study_folder(name))

    def write_trial(self, row: TrialRow) -> None:
        """Keep a finished trial: one small file, written whole or not at all."""
        self._trial_files(row.study).write(row)

    def read_trial(self, name: str, place: str) -> TrialRow | None:
        """Read the row of one place; None while it is not done."""
        return self._trial_files(name).read(place)

    def has_trials(self, name: str) -> bool:
        """Whether any trial of a study is finished."""
        return not self._trial_files(name).is_empty()

    def trial_paths(self, name: str) -> list[Path]:
        """Files that hold the finished trials of a study now."""
        return self._trial_files(name).paths()

    def compact_trials(self, name: str, *, least: int = COMPACT_AT) -> bool:
        """Take a study's small files into one larger where there are at least so many; True where it was done.

        Only the holder of the study's lease may ask for it.
        """
        return self._trial_files(name).compact(least)

    def is_whole(self, row: TrialRow) -> bool:
        """Whether a trial's outcomes stand where its row points; a row that points nowhere lacks nothing."""
        return row.result_key is None or self.has_result(row.result_key)

    def read_trials(self, name: str) -> list[TrialRow]:
        """Read all finished trials of a study, ordered by place."""
        return self._trial_files(name).read_all()

    # Forecasts -------------------------------------------------------------------------------------------------------

    def freeze_forecast(self, name: str, content: Mapping[str, Any]) -> tuple[Path, str]:
        """Keep a forecast for good, stamped with a hash of all that it says; gives its file and the hash.

        Raises
        ------
        StudyError
            There is one of that name already: a forecast is never written twice.
        """
        path, stamp = self.root / "forecasts" / f"{name}.json", hash_json(content)
        write_new(path, json.dumps({**content, "hash": stamp}, indent=1, sort_keys=True) + "\n")
        return path, stamp

    def forecasts(self) -> dict[str, dict[str, Any]]:
        """Read all frozen forecasts by name, each with ``intact``: whether it still says what its hash was taken of.

        Raises
        ------
        StudyError
            A file cannot be read.
        """
        found = {}
        for path in sorted((self.root / "forecasts").glob("*.json")):
            try:
                content = dict(json.loads(path.read_text(encoding="utf-8")))
            except (ValueError, TypeError, OSError) as error:
                raise StudyError(f"expected a frozen forecast in {path}, found {error}: restore it") from error
            stamp = content.pop("hash", None)
            found[path.stem] = {**content, "hash": stamp, "intact": stamp == hash_json(content)}
        return found

    def result_keys(self, models: Collection[str]) -> list[str]:
        """List the results of all studies that trials on some models point to."""
        rows = (row for name in self.studies() for row in self.read_trials(name))
        return sorted({row.result_key for row in rows if row.model in models and row.result_key is not None})
