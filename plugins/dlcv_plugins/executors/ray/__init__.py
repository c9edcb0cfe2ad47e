"""Parts that the machines of a Ray cluster do."""
