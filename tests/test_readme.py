"""What the README shows is run: its commands by a shell, its notebook lines by Python. `make` itself is run by CI."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from brainalign.study import packaged_studies

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"<!-- run -->\n```(sh|python)\n(.*?)```", README, flags=re.DOTALL)
# Shown, and run elsewhere: make by CI, submit and mlflow against servers of their own by the cluster tests.
RUN_ELSEWHERE = ("make demo", "make test", "brainalign submit")


def test_every_shell_line_is_run_here_or_named_as_run_elsewhere() -> None:
    shown = [line for block in re.findall(r"```sh\n(.*?)```", README, flags=re.DOTALL) for line in block.splitlines()]
    here = [line for kind, block in BLOCKS if kind == "sh" for line in block.splitlines()]
    assert len(here) >= 10
    assert [line for line in shown if line not in here and not line.startswith(RUN_ELSEWHERE)] == []


def test_links_and_study_names_of_the_readme_exist() -> None:
    for target in re.findall(r"\]\((?!http)([^)]+)\)", README):
        assert (ROOT / target).exists(), target
    assert "quickstart" in packaged_studies()


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "block"), BLOCKS)
def test_the_readme_runs(kind: str, block: str, tmp_path: Path, release_folder: Path) -> None:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "BRAINALIGN_DATA": str(release_folder)}
    command = ["bash", "-euxc", block] if kind == "sh" else [sys.executable, "-c", block]
    run = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=580)
    assert run.returncode == 0, run.stderr[-3000:]
