"""What a job starts: checks the cluster, prepares what was sent, runs a study or prints its results."""

from __future__ import annotations

import argparse
import hashlib
import signal
import sys
from importlib import import_module
from pathlib import Path

from brainalign.errors import BrainalignError
from brainalign.launch.blobs import install, node_folder, read_plan
from brainalign.launch.requirements import check_requirements

ERROR_CODE = 2


def main(arguments: list[str] | None = None) -> int:
    """Run a verb; an error that a user can mend is one line and exit code 2."""
    parser = argparse.ArgumentParser(prog="python -m brainalign.launch.entry")
    verbs = parser.add_subparsers(dest="verb", required=True)
    run = verbs.add_parser("run")
    run.add_argument("--study-file", type=Path, required=True)
    run.add_argument("--name", required=True)
    run.add_argument("--runner", required=True, metavar="MODULE:FUNCTION")
    where = run.add_mutually_exclusive_group(required=True)
    where.add_argument("--store", type=Path)
    where.add_argument("--scratch")
    run.add_argument("--mark", help="file in the store that every node must see")
    pull = verbs.add_parser("pull")
    pull.add_argument("--study", required=True)
    pull.add_argument("--scratch", required=True)
    pull.add_argument("--part", type=int, default=0)
    known = parser.parse_args(arguments)
    try:
        for line in check_requirements(read_plan()):
            print(f"note: other versions than on the submitting machine: {line}")
        return _run(known) if known.verb == "run" else _pull(known)
    except BrainalignError as error:
        print(f"error: {' '.join(str(error).split())}")
        return ERROR_CODE


def scratch_folder(scratch: str) -> Path:
    """Folder of a scratch store: an absolute path as it is, a name in this user's folder on the node."""
    return Path(scratch) if Path(scratch).is_absolute() else node_folder() / "stores" / scratch


def _run(known: argparse.Namespace) -> int:
    import ray

    from brainalign.artifacts import Store
    from brainalign.launch.transfer import merge_study
    from brainalign.launch.visibility import check_visible, leave_mark, remove_mark

    # A head started in the background hands its ignored SIGINT down; a job that is stopped must hear it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    folders = install()
    store = known.store or scratch_folder(known.scratch)
    way_out = "use --pull, or name a --store that all nodes share"
    mark = known.mark
    if mark is None:
        way_out, mark = "name a folder that all nodes share with --cluster-store", leave_mark(store)
    ray.init(address="auto", logging_level="ERROR", log_to_driver=False)
    try:
        check_visible(store, mark, way_out)
        remove_mark(store, mark)
    finally:
        ray.shutdown()  # the study connects with options of its own
    if "seed" in folders:
        merge_study(Store(folders["seed"]), Store(store), known.name)
    module, function = known.runner.split(":")
    return int(getattr(import_module(module), function)(known.study_file, known.name, store))


def _pull(known: argparse.Namespace) -> int:
    from brainalign.artifacts import Store
    from brainalign.launch.retrieval import encode_part
    from brainalign.launch.transfer import archive_study

    archive = archive_study(Store(scratch_folder(known.scratch)), known.study)
    for line in encode_part(archive, hashlib.sha256(archive).hexdigest(), known.part):
        print(line)
    return 0


if __name__ == "__main__":
    sys.exit(main())
