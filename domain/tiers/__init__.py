"""Tier policies as data: who stands where, why, and what is missing to rise."""
