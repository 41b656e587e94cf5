"""Standings: what is computed of each customer (facts, tiers, labels), and when it must be looked at again."""
