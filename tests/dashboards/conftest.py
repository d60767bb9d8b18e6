"""The synthetic finished study of the reports' tests."""

from ..reports.conftest import finished

__all__ = ["finished"]
