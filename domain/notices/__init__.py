"""What customers are told about their tiers, and how it gets to them (S0-14, S0-16)."""
