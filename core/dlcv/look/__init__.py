"""Looking inside a trained network: what it looks at, and what its layers respond to."""
