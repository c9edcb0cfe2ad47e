"""Trainers: ways of learning that are no stages of gradient descent."""
