"""Training: stages, checkpoints, interruption."""
