"""Which images are copies of each other, exact or nearly: for checks, divisions and packing."""
