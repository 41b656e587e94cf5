"""What a basket costs, by published rules only."""
