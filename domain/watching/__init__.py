"""What somebody should look at, and what became of it."""
