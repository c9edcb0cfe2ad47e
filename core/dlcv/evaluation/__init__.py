"""Evaluation: predictions, and what evaluators say about them."""
