"""`dlcv plugins check`: whether plugins keep the rules of their kind."""
