"""On what a command computes: one device, several, or those of several processes."""
