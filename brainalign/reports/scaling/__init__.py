"""The scaling report: figures against size, rival forms, forecasts frozen before the largest models are run."""
