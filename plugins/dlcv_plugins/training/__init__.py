"""Training in stages of gradient descent: what each stage trains, and how."""
