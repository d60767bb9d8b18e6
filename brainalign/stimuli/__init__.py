"""Deductive problems: stable ids, a logic solver, a generator, wordings of the chat, and the split into two parts."""

from brainalign.stimuli.generator import generate_problems
from brainalign.stimuli.logic import contradicts, entails
from brainalign.stimuli.problems import REASONING_TYPES, Problem, ProblemSet, ReasoningType, clean_sentence
from brainalign.stimuli.release_wording import release_wording
from brainalign.stimuli.split import Split, logical_form, split_problems
from brainalign.stimuli.wording import Wording, own_wording

__all__ = [
    "REASONING_TYPES",
    "Problem",
    "ProblemSet",
    "ReasoningType",
    "Split",
    "Wording",
    "clean_sentence",
    "contradicts",
    "entails",
    "generate_problems",
    "logical_form",
    "own_wording",
    "release_wording",
    "split_problems",
]
