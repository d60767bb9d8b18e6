"""MLflow as a mirror of studies: rebuilt from the store, compared with it, served on loopback."""

from brainalign.tracking.address import tracking_uri
from brainalign.tracking.mirror import MirrorReport, Summaries, count_runs, mirror
from brainalign.tracking.pages import run_page
from brainalign.tracking.server import MlflowPage, serve

__all__ = ["MirrorReport", "MlflowPage", "Summaries", "count_runs", "mirror", "run_page", "serve", "tracking_uri"]
