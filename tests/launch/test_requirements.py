"""What the cluster's Python must have."""

import sys
from importlib.metadata import version

import pytest

from brainalign.errors import ClusterError
from brainalign.launch.requirements import check_requirements, submitter_facts


def test_this_machine_has_what_it_asks_for() -> None:
    facts = submitter_facts()
    assert check_requirements(facts) == []
    assert facts["versions"]["ray"] == version("ray")


def test_absent_and_old_packages_are_named() -> None:
    with pytest.raises(ClusterError, match=rf"absent-package \(found none\), numpy>=99 \(found {version('numpy')}\)"):
        check_requirements({"requires": ["absent-package", "numpy>=99", "pyarrow>=1"]})


def test_other_versions_are_worth_a_line() -> None:
    assert check_requirements({"versions": {"ray": "1.0"}}) == [f"ray {version('ray')} here, 1.0 there"]


def test_an_old_python_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 9, 1))
    with pytest.raises(ClusterError, match=r"expected Python 3\.11 or newer"):
        check_requirements({})
