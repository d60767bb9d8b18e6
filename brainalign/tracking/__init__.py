"""MLflow as a mirror of studies: rebuilt from the store, compared with it, served on loopback."""

from brainalign.tracking.address import tracking_uri
from brainalign.tracking.mirror import MirrorReport, Summaries, count_runs, mirror
from brainalign.tracking.pages import run_page
from brainalign.tracking.server import serve
from brainalign.tracking.showing import Showing, model_name

__all__ = [
    "MirrorReport",
    "Showing",
    "Summaries",
    "count_runs",
    "mirror",
    "model_name",
    "run_page",
    "serve",
    "tracking_uri",
]
