"""Data: from files to the batches that a network is fed with."""
