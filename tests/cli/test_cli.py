"""The command line as a user types it: speed of help, JSON for machines, one line and exit code 2 for errors."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from brainalign.artifacts import table_hash
from tests.search.quickstart import Finished, small_quickstart

VERBS = (
    "data",
    "zoo",
    "activations",
    "predictivity",
    "steer",
    "evaluate",
    "study",
    "store",
    "submit",
    "mlflow",
    "report",
    "bench",
)


def brainalign(*arguments: str, cwd: Path | None = None) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "brainalign.cli", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=cwd, timeout=300)


def test_help_loads_nothing_heavy_and_answers_at_once() -> None:
    found = brainalign("--help")
    assert found.returncode == 0
    assert all(verb in found.stdout for verb in VERBS)
    code = (
        "import sys; sys.argv = ['x', '--help']\nimport brainalign.cli as c\ntry: c.main()\nexcept SystemExit: pass\n"
    )
    heavy = "print('HEAVY', [m for m in ('torch', 'ray', 'mlflow', 'optuna', 'sklearn', 'numpy') if m in sys.modules])"
    loaded = subprocess.run([sys.executable, "-c", code + heavy], capture_output=True, text=True, check=True)
    assert "HEAVY []" in loaded.stdout


def test_importing_the_package_loads_neither_torch_nor_ray() -> None:
    code = "import sys, brainalign; print([m for m in ('torch', 'ray', 'numpy') if m in sys.modules])"
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
    )


@pytest.mark.parametrize(
    "verb",
    [
        ("data", "show"),
        ("data", "fetch"),
        ("zoo", "list"),
        ("zoo", "show"),
        ("zoo", "fetch"),
        ("zoo", "check"),
        ("activations", "extract"),
        ("predictivity",),
        ("steer", "nari"),
        ("evaluate",),
        *(("study", verb) for verb in ("plan", "run", "resume", "status", "list", "verify")),
        ("store", "list"),
        ("store", "gc"),
        ("submit",),
        ("mlflow",),
        ("report", "study"),
        *(("bench", verb) for verb in ("extraction", "encoding", "steering", "finetuning", "orders", "study")),
    ],
)
def test_every_verb_has_help_with_an_example(verb: tuple[str, ...]) -> None:
    found = brainalign(*verb, "--help")
    assert found.returncode == 0
    assert f"Example: brainalign {' '.join(verb)}" in " ".join(found.stdout.split())


def test_zoo_list_is_json() -> None:
    models = json.loads(brainalign("zoo", "list", "--json").stdout)
    (smol,) = [model for model in models if model["name"] == "smollm2-135m"]
    assert (smol["n_parameters"], smol["n_layers"], smol["hidden_size"]) == (134515008, 30, 576)
    assert "dequantised" in smol["quantisation"]
    keys = ("name", "hub_id", "n_parameters", "n_layers", "hidden_size", "family", "licence", "gated", "embedded")
    assert all(tuple(model)[: len(keys)] == keys for model in models)
    (large,) = [model for model in models if model["hub_id"] == "meta-llama/Llama-3.3-70B-Instruct"]
    assert (large["n_parameters"], large["gated"], large["embedded"]) == (70553706496, True, False)


def test_zoo_check_prints_a_table_and_fails_with_one_line(tmp_path: Path) -> None:
    found = brainalign("zoo", "check", "tiny-random-gemma3", "--json")
    assert found.returncode == 0
    assert {row["what"] for row in json.loads(found.stdout)["checks"] if row["passed"]} >= {"states", "steering"}
    absent = brainalign("zoo", "check", "gemma-2-9b-it", "--cache", str(tmp_path))
    assert absent.returncode == 2
    assert "fetch gemma-2-9b-it` after accepting its licence" in absent.stderr
    assert len(absent.stderr.strip().splitlines()) == 1


def test_zoo_fetch_says_what_is_wrong_with_an_address(tmp_path: Path) -> None:
    found = brainalign("zoo", "fetch", "qwen3-4b", "--from", f"file://{tmp_path}", "--cache", str(tmp_path / "cache"))
    assert found.returncode == 2
    assert "expected a model's config.json or the hub's cache of Qwen/Qwen3-4B" in found.stderr


def test_predictivity_prints_what_it_promises(tmp_path: Path) -> None:
    found = brainalign(
        "predictivity",
        "--model",
        "tiny-random-llama",
        "--simulate",
        "--json",
        "--store",
        str(tmp_path),
        "--subjects",
        "2",
    )
    facts = json.loads(found.stdout)
    assert (len(facts["scores"]), facts["n_subjects"], facts["data"]) == (8, 2, "simulated")
    assert facts["best_layer"]["site"] in ("attention", "layer")
    assert facts["score"] == max(facts["scores"])
    assert "SIMULATED DATA" in found.stderr


def test_steer_prints_every_arm_beside_the_others(tmp_path: Path) -> None:
    found = brainalign(
        "steer", "nari", "--model", "tiny-random-llama", "--simulate", "--subjects", "2", "--steps", "20", "--json",
        "--store", str(tmp_path),
    )  # fmt: skip
    arms = json.loads(found.stdout)["arms"]
    assert set(arms) == {"guided", "random_direction", "random_direction_single", "random_betas", "bias"}
    names = {"corrected", "broken", "n_targeted", "n_right", "net_accuracy", "balanced_accuracy", "invalid", "interval"}
    for figures in arms.values():
        assert names | {"by_subject", "by_type", "by_label"} <= set(figures)
    assert len({(figures["n_targeted"], figures["n_right"]) for figures in arms.values()}) == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("data", "show", "--betas", "/nowhere"), "/nowhere"),
        (("predictivity", "--model", "smolm2-135m", "--simulate"), "did you mean 'smollm2-135m'"),
        (("predictivity", "--model", "tiny-random-llama", "--roi", "language_area", "--simulate"), "language"),
        (("steer", "nari", "--model", "tiny-random-llama", "--layers", "2-9", "--simulate"), "the model has 4 layers"),
        (("steer", "nari", "--model", "tiny-random-llama", "--arms", "gided", "--simulate"), "did you mean 'guided'"),
        (("study", "run", "/nowhere.yaml"), "expected a study file"),
        (("study", "resume", "absent"), "expected study 'absent'"),
        (("study", "plan", "quickstart", "--gpus-per-node", "8"), "expected --gpu-memory-gib"),
        (("study", "plan", "quickstart", "--here", "--nodes", "2"), "found both"),
        (("study", "verify", "absent"), "expected study 'absent'"),
        (("report", "study", "absent"), "expected study 'absent'"),
        (("mlflow", "absent"), "expected study 'absent'"),
    ],
)
def test_a_mistake_is_one_line_with_the_way_out(tmp_path: Path, arguments: tuple[str, ...], message: str) -> None:
    where = () if arguments[0] == "data" else ("--store", str(tmp_path / "store"))
    found = brainalign(*arguments, *where, cwd=tmp_path)
    assert found.returncode == 2, found.stderr
    lines = [line for line in found.stderr.splitlines() if line.startswith("error:")]
    assert len(lines) == 1
    assert message in lines[0]
    assert "Traceback" not in found.stderr


def test_a_study_file_with_a_typo_or_layers_beyond_the_model_starts_nothing(tmp_path: Path) -> None:
    typo = {**small_quickstart("typo"), "budgett": {}}
    beyond = small_quickstart("beyond")
    beyond["kinds"]["nari"]["space"]["layers"] = {"runs": [[1, 9]]}
    beyond["kinds"]["nari"]["enqueue"] = []
    unknown = {**small_quickstart("unknown"), "models": ["tiny-random-lama"]}
    for raw, message in ((typo, "did you mean 'budget'"), (beyond, "4 layers"), (unknown, "did you mean")):
        path = tmp_path / f"{raw['name']}.yaml"
        path.write_text(yaml.safe_dump(raw))
        found = brainalign("study", "run", str(path), "--store", str(tmp_path / "store"))
        assert found.returncode == 2, found.stderr
        assert message in found.stderr
    assert not (tmp_path / "store").exists()


def test_status_verify_list_and_report_of_a_finished_study(finished: Finished, tmp_path: Path) -> None:
    where = ("--store", str(finished.store.root))
    status = json.loads(brainalign("study", "status", "quickstart", "--json", *where).stdout)
    assert (status["n_done"], status["n_total"]) == (26, 26)
    verified = brainalign("study", "verify", "quickstart", "--json", *where)
    assert verified.returncode == 0
    facts = json.loads(verified.stdout)
    assert facts.pop("table_hash") == table_hash(finished.store.read_trials("quickstart"))
    assert facts == {"n_parquet": 22, "n_optuna": 22, "n_mlflow": 22, "differences": []}
    assert json.loads(brainalign("study", "list", "--json", *where).stdout)["studies"] == ["quickstart"]
    report = brainalign("report", "study", "quickstart", "--output", str(tmp_path / "r.html"), "--json", *where)
    assert Path(json.loads(report.stdout)["report"]).read_text().count("SIMULATED") > 0


def test_run_again_says_that_everything_is_done_and_shows_the_best_beside_the_control(finished: Finished) -> None:
    found = brainalign("study", "run", str(finished.path), "--store", str(finished.store.root))
    assert found.returncode == 0
    for words in (
        "everything was done already",
        "report:",
        "brainalign mlflow quickstart",
        "guided",
        "random_direction",
    ):
        assert words in found.stdout
    assert "SIMULATED" in found.stdout


def test_steering_that_moves_nothing_is_printed_without_an_interval(tmp_path: Path) -> None:
    found = brainalign(
        "steer", "nari", "--model", "tiny-random-llama", "--simulate", "--subjects", "1", "--steps", "5",
        "--alpha", "0", "--arms", "guided,bias", "--store", str(tmp_path),
    )  # fmt: skip
    assert found.returncode == 0, found.stderr
    assert "guided minus bias: +0.000 –" in found.stdout


def test_bench_finetuning_prints_ratios_and_one_gradient() -> None:
    found = brainalign("bench", "finetuning", "--model", "tiny-random-llama", "--simulate", "--smoke", "--json")
    facts = json.loads(found.stdout)
    assert facts["ratio"] == pytest.approx(facts["plain_s"] / facts["packed_s"])
    assert facts["n_examples"] == 14
    assert max(facts["largest_difference"], facts["largest_difference_padded"]) < 1e-5
