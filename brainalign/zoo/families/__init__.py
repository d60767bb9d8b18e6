"""Published models, a file a family: one builder a model says what its row in the registry is."""
