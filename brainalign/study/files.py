"""Study files by path or by name: those that travel inside the package have names."""

from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

from brainalign.errors import InputError
from brainalign.study.schema import Study, parse_study


class _StrictLoader(yaml.SafeLoader):
    """YAML's safe loader; a key that stands twice is an error and not the last one's word."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Build a mapping whose keys are all different."""
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        doubled = [key for key in keys if keys.count(key) > 1]
        if doubled:
            raise yaml.constructor.ConstructorError(None, None, f"the key {doubled[0]!r} twice", node.start_mark)
        return super().construct_mapping(node, deep)


def packaged_studies() -> list[str]:
    """Names of the study files inside the package."""
    folder = files("brainalign").joinpath("studies")
    return sorted(item.name.removesuffix(".yaml") for item in folder.iterdir() if item.name.endswith(".yaml"))


def read_study_text(source: Path | str) -> str:
    """Text of a study file, by path or by the name of one inside the package.

    Raises
    ------
    InputError
        There is no such file; the message lists the names that there are.
    """
    path = Path(source)
    if path.is_file():
        try:
            return path.read_text(encoding="utf-8")
        except (UnicodeDecodeError, OSError) as error:
            raise InputError(f"{source}: expected a text file in UTF-8, found {error}") from error
    name = path.name.removesuffix(".yaml")
    if str(source) in (name, f"studies/{name}.yaml") and name in packaged_studies():
        return files("brainalign").joinpath("studies", f"{name}.yaml").read_text(encoding="utf-8")
    raise InputError(
        f"expected a study file, found none at {source}: give a path, or one of {', '.join(packaged_studies())}"
    )


def load_study(source: Path | str, *, name: str | None = None) -> Study:
    """Read and check a study file.

    Parameters
    ----------
    source : Path or str
        Path of a YAML file, or the name of a study that travels inside the package.
    name : str, optional
        Run it under another name than the file's.

    Raises
    ------
    InputError
        No such file, no YAML, or a content that :func:`parse_study` refuses.
    """
    text = read_study_text(source)
    try:
        raw = yaml.load(text, _StrictLoader)  # a safe loader that also refuses doubled keys
    except yaml.YAMLError as error:
        reason = " ".join(str(error).split())
        raise InputError(f"{source}: expected YAML, found {reason}") from error
    if name is not None and isinstance(raw, dict):
        raw["name"] = name
    return parse_study(raw, str(source))
