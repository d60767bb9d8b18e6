"""The nano family: models of 0.1 to 7.4 million parameters, trained from scratch, with their weights in the package."""
