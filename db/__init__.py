"""PostgreSQL (the truth) and Valkey (cache and live stream)."""
