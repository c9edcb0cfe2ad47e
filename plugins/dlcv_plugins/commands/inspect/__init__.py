"""`dlcv inspect`: what a network is made of."""
