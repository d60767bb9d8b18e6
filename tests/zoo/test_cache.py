"""Converted weights: made once, whole or not at all."""

import subprocess
import sys
from pathlib import Path

import pytest

from brainalign.errors import ModelError
from brainalign.zoo.cache import made_once, models_folder


def test_folder_follows_argument_then_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BRAINALIGN_CACHE", str(tmp_path / "variable"))
    assert models_folder(tmp_path / "argument") == tmp_path / "argument" / "models"
    assert models_folder() == tmp_path / "variable" / "models"
    monkeypatch.delenv("BRAINALIGN_CACHE")
    assert models_folder().parent.name == "brainalign"


def test_two_processes_make_it_once(tmp_path: Path) -> None:
    code = (
        "import sys, time, os\nfrom pathlib import Path\nfrom brainalign.zoo.cache import made_once\n"
        "root = Path(sys.argv[1])\n"
        "def make(folder):\n"
        "    (root / f'made-{os.getpid()}').touch()\n    (folder / 'a').write_text('1')\n    time.sleep(1)\n"
        "    (folder / 'b').write_text('2')\n"
        "print((made_once(root / 'models' / 'm', make) / 'b').read_text())"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    assert [process.communicate(timeout=60)[0].strip() for process in running] == ["2", "2"]
    assert len(list(tmp_path.glob("made-*"))) == 1
    assert [path.name for path in (tmp_path / "models").iterdir() if path.is_dir()] == ["m"]


def test_a_failed_make_leaves_nothing(tmp_path: Path) -> None:
    def fail(folder: Path) -> None:
        (folder / "half").touch()
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        made_once(tmp_path / "models" / "m", fail)
    assert not [path for path in (tmp_path / "models").iterdir() if path.is_dir()]


def test_unwritable_cache_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ModelError, match=r"expected to write the model cache .*set BRAINALIGN_CACHE"):
        made_once(tmp_path / "file" / "models" / "m", lambda folder: None)
