"""Stages of gradient descent: how a run learns unless another trainer claims it."""
