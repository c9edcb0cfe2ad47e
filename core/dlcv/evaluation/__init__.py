"""Evaluation: predictions, and what evaluators compute from them."""
