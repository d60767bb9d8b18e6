"""The built wheel, installed where nothing else of the checkout is, runs the quickstart by its name."""

import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

from brainalign.zoo.nano.sizes import SIZES

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True, timeout=300)
    (built,) = folder.glob("*.whl")
    return built


def test_the_wheel_holds_code_templates_study_files_and_weights_of_ours_and_no_data(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert "brainalign/studies/quickstart.yaml" in names
    assert {f"brainalign/finetuning/deepspeed/zero{stage}.json" for stage in range(4)} <= set(names)
    assert any(name.startswith("brainalign/reports/templates/") for name in names)
    assert not [name for name in names if name.endswith((".mat", ".pkl", ".nii"))]
    weights = {name for name in names if name.endswith(".safetensors")}
    adapter = "brainalign/zoo/smollm2_logic/weights"
    nano = {f"brainalign/zoo/nano/weights/{size.name}.safetensors" for size in SIZES}
    assert weights == {*nano, f"{adapter}/adapter_model.safetensors"}
    assert {"brainalign/zoo/nano/weights/MODEL_CARD.md", f"{adapter}/MODEL_CARD.md"} <= set(names)
    assert f"{adapter}/adapter_config.json" in names
    sources = {str(path.relative_to(ROOT)) for path in (ROOT / "brainalign").rglob("*.py")}
    sources |= {f"brainalign/{path.relative_to(ROOT)}" for path in (ROOT / "dashboards").rglob("*.py")}
    assert {name for name in names if name.endswith(".py")} == sources


def test_the_wheel_runs_the_quickstart_by_name(wheel: Path, tmp_path: Path) -> None:
    environment = tmp_path / "clean"
    subprocess.run([sys.executable, "-m", "venv", str(environment)], check=True)
    python = environment / "bin" / "python"
    # The third-party packages are those of this environment; brainalign itself comes from the wheel alone.
    site = next((environment / "lib").glob("python*")) / "site-packages"
    theirs = [line for line in [sysconfig.get_paths()["purelib"]] if line]
    (site / "third_party.pth").write_text("\n".join(theirs) + "\n")
    install = [str(python), "-m", "pip", "install", "--quiet", "--no-deps", "--force-reinstall", str(wheel)]
    subprocess.run(install, check=True, timeout=300)
    where = subprocess.run(
        [str(python), "-c", "import brainalign; print(brainalign.__file__)"],
        check=True, capture_output=True, text=True, cwd=tmp_path,
    ).stdout.strip()  # fmt: skip
    assert Path(where).is_relative_to(environment)
    found = "from brainalign.dashboards.server import APP; print(APP, len(list(APP.parent.glob('pages/*.py'))))"
    app = subprocess.run([str(python), "-c", found], check=True, capture_output=True, text=True, cwd=tmp_path).stdout
    assert Path(app.split()[0]).is_relative_to(environment)
    assert int(app.split()[1]) >= 6
    command = [
        str(environment / "bin" / "brainalign"),
        "study",
        "run",
        "quickstart",
        "--smoke",
        "--store",
        str(tmp_path / "store"),
    ]
    offline = {**os.environ, "BRAINALIGN_CACHE": str(tmp_path / "cache")}
    run = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=500, env=offline)
    assert run.returncode == 0, run.stderr
    assert (tmp_path / "store" / "studies" / "quickstart-smoke" / "report.html").is_file()
