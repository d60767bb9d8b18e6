"""Betas of people who solve the problems: the public release and how to get it, and a simulator with a known truth."""

from brainalign.betas.conversion import find_dataset_files
from brainalign.betas.dataset import DATASETS, REGIONS, ROIS, Betas, DatasetName, DataSource, FmriDataset
from brainalign.betas.describe import describe
from brainalign.betas.fetch import RELEASE_COMMIT, RELEASE_URL, cached_release, fetch_release, user_cache
from brainalign.betas.location import DATA_VARIABLE, load_betas
from brainalign.betas.simulator import (
    SimulatedTruth,
    simulate_dataset,
    simulate_with_truth,
    simulated_problems,
)
from brainalign.betas.simulator_config import SimulatorConfig

__all__ = [
    "DATASETS",
    "DATA_VARIABLE",
    "REGIONS",
    "RELEASE_COMMIT",
    "RELEASE_URL",
    "ROIS",
    "Betas",
    "DataSource",
    "DatasetName",
    "FmriDataset",
    "SimulatedTruth",
    "SimulatorConfig",
    "cached_release",
    "describe",
    "fetch_release",
    "find_dataset_files",
    "load_betas",
    "simulate_dataset",
    "simulate_with_truth",
    "simulated_problems",
    "user_cache",
]
