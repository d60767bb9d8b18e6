"""Encoding: ridge maps from a model's states to voxels; arrays only."""

from brainalign.encoding.benchmark import EncodingBenchmark, benchmark_encoding
from brainalign.encoding.equal_features import project
from brainalign.encoding.estimator import RidgeLOO
from brainalign.encoding.guidance import GuidanceConfig, GuidanceMaps, guidance_similarity
from brainalign.encoding.guidance_fit import fit_guidance
from brainalign.encoding.predictivity import Place, Predictivity, PredictivityConfig, predictivity

__all__ = [
    "EncodingBenchmark",
    "GuidanceConfig",
    "GuidanceMaps",
    "Place",
    "Predictivity",
    "PredictivityConfig",
    "RidgeLOO",
    "benchmark_encoding",
    "fit_guidance",
    "guidance_similarity",
    "predictivity",
    "project",
]
