"""Training: the network, checkpoints, and the history."""
