"""Find the files of the HCP relational processing data in a folder of the public release."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from brainalign.betas.release_layout import WAY_OUT, contents, fingerprint, found_root
from brainalign.errors import InputError

_STIMULI = Path("stimuli_mapping_final.jsonl")
_BETAS = Path("hcp_fmri_results")
_GLM = "stimdurMeanRT"
_TRIALS = "_trialinfo.csv"


@dataclass(frozen=True)
class HcpFiles:
    """Files that the reader needs.

    Attributes
    ----------
    root : Path
    stimuli : Path
        JSON lines: the pictures of each stimulus file.
    betas : mapping of subject to Path
        MATLAB files, subjects sorted.
    trials : mapping of subject to Path
        Tables of the same rows: stimulus file and whether the answer was right.
    """

    root: Path
    stimuli: Path
    betas: Mapping[str, Path]
    trials: Mapping[str, Path]

    @property
    def subjects(self) -> tuple[str, ...]:
        """Subjects with betas, sorted."""
        return tuple(self.betas)

    def paths(self, subjects: tuple[str, ...]) -> list[Path]:
        """Files that these subjects need."""
        return [self.stimuli, *(files[name] for name in subjects for files in (self.betas, self.trials))]

    def fingerprint(self, subjects: tuple[str, ...]) -> list[list[str | int]]:
        """Names, sizes and times of the files that these subjects need: what a conversion depends on."""
        return fingerprint(self.root, self.paths(subjects))


def find_hcp_files(folder: Path | str) -> HcpFiles:
    """Find stimuli, betas and trials.

    Subjects stand in folders by their accuracy, such as ``80+``, which say nothing that the trials do not.

    Raises
    ------
    DataNotFoundError
        The folder is not there.
    InputError
        Something is missing in it, or a subject stands there twice.
    """
    root = found_root(folder)
    if not (root / _STIMULI).is_file():
        raise InputError(f"expected {_STIMULI} in {root}, found {contents(root)}: {WAY_OUT}")
    paths = sorted((root / _BETAS / _GLM).glob("*/*.mat"), key=lambda path: path.stem)
    if not paths:
        raise InputError(
            f"expected {_BETAS}/{_GLM}/*/*.mat with the HCP betas in {root}, found {contents(root)}: {WAY_OUT}"
        )
    betas = {path.stem: path for path in paths}
    if len(betas) < len(paths):
        twice = next(path for path in paths if path != betas[path.stem])
        raise InputError(f"expected each subject once, found {twice} and {betas[twice.stem]}: remove one of them")
    trials = {name: path.with_name(f"{name}{_TRIALS}") for name, path in betas.items()}
    for name, path in trials.items():
        if not path.is_file():
            raise InputError(f"expected {path.name} beside {betas[name]}, found none: restore the file or remove both")
    return HcpFiles(root, root / _STIMULI, betas, trials)
