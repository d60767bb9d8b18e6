"""Costs before the start: memory and time of training steps. Pure functions."""
