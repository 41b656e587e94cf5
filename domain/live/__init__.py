"""What happened, as it is told to subscribers while it happens."""
