"""The scaling report: figures against size, rival forms, and forecasts that are frozen before the largest models are run."""
