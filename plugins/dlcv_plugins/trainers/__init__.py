"""Trainers: ways of learning."""
