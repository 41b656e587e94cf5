"""Orders: what counts, when, and for how much."""
