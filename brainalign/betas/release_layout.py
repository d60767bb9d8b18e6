"""Find the files of the public release in a folder."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from brainalign.betas.dataset import ROIS
from brainalign.errors import DataNotFoundError, InputError

_ITEMS = Path("neuroimaging_info", "task_items.pkl")
_EVENTS = Path("neuroimaging_info", "events.pkl")
WAY_OUT = "give the root of the release, or get it with `brainalign data fetch`"


@dataclass(frozen=True)
class ReleaseFiles:
    """Files that the reader needs.

    Attributes
    ----------
    root : Path
    items : Path
        Pickle: run to table of problems.
    events : Path
        Pickle: subject to run to table of answers.
    betas : mapping of ROI to mapping of subject to Path
        MATLAB files, subjects sorted and the same in each ROI.
    """

    root: Path
    items: Path
    events: Path
    betas: Mapping[str, Mapping[str, Path]]

    @property
    def subjects(self) -> tuple[str, ...]:
        """Subjects with betas, sorted."""
        return tuple(self.betas[ROIS[0]])

    def paths(self, subjects: tuple[str, ...]) -> list[Path]:
        """Files that these subjects need."""
        return [self.items, self.events, *(files[name] for files in self.betas.values() for name in subjects)]

    def fingerprint(self, subjects: tuple[str, ...]) -> list[list[str | int]]:
        """Names, sizes and times of the files that these subjects need: what a conversion depends on."""
        return fingerprint(self.root, self.paths(subjects))


def find_release_files(folder: Path | str) -> ReleaseFiles:
    """Find items, events and betas of all ROIs.

    Raises
    ------
    DataNotFoundError
        The folder is not there.
    InputError
        Something is missing in it, an ROI stands there twice, or the ROIs have other subjects.
    """
    root = found_root(folder)
    for relative in (_ITEMS, _EVENTS):
        if not (root / relative).is_file():
            raise InputError(f"expected {relative} in {root}, found {contents(root)}: {WAY_OUT}")
    betas = {roi: _find_roi(root, roi) for roi in ROIS}
    for roi, by_subject in betas.items():
        differing = set(by_subject) ^ set(betas[ROIS[0]])
        if differing:
            raise InputError(
                f"expected the same subjects in all ROIs, found {', '.join(sorted(differing))} in only one of "
                f"{ROIS[0]} and {roi} under {root}: add or remove that subject's files"
            )
    return ReleaseFiles(root, root / _ITEMS, root / _EVENTS, betas)


def _find_roi(root: Path, roi: str) -> dict[str, Path]:
    name = f"all_extracted_beta_{roi}"
    folders = sorted(path for path in (root / "fmri_data").rglob(name) if path.is_dir())
    if len(folders) != 1:
        found = ", ".join(str(path.relative_to(root)) for path in folders) or contents(root)
        raise InputError(f"expected one folder {name} under fmri_data in {root}, found {found}: {WAY_OUT}")
    files = {path.stem: path for path in sorted(folders[0].glob("sub-*/sub-*.mat"))}
    if not files:
        raise InputError(f"expected sub-*/sub-*.mat in {folders[0]}, found {contents(folders[0])}: {WAY_OUT}")
    return files


def found_root(folder: Path | str) -> Path:
    """Whole path of a release folder.

    Raises
    ------
    DataNotFoundError
        It is not there.
    """
    root = Path(folder).expanduser().resolve()
    if not root.is_dir():
        found = "a file" if root.exists() else "nothing"
        raise DataNotFoundError(f"expected a folder with the release's betas at {folder}, found {found}: {WAY_OUT}")
    return root


def fingerprint(root: Path, paths: Iterable[Path]) -> list[list[str | int]]:
    """Names, sizes and times of files."""
    return [[path.relative_to(root).as_posix(), path.stat().st_size, path.stat().st_mtime_ns] for path in paths]


def contents(folder: Path) -> str:
    """Say what a folder holds, for errors."""
    names = sorted(path.name for path in folder.iterdir())
    shown = ", ".join(names[:6]) + (", …" if len(names) > 6 else "")
    return f"only {shown}" if names else "an empty folder"
