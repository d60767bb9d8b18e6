"""The public sets that stand beside the release's data, where they do."""

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def evaluation_folder(release_folder: Path) -> Path:
    """Folder of evaluation sets, or a skip."""
    folder = release_folder.parent / "evaluation"
    if not folder.is_dir():
        pytest.skip(f"needs the public evaluation sets in {folder}")
    return folder
