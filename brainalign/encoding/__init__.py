"""Encoding: ridge maps from a model's states to voxels; arrays only."""

from brainalign.encoding.guidance import GuidanceConfig, GuidanceMaps, guidance_similarity
from brainalign.encoding.guidance_fit import fit_guidance

__all__ = ["GuidanceConfig", "GuidanceMaps", "fit_guidance", "guidance_similarity"]
