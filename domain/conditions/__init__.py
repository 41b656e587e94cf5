"""The one condition language of tiers, labels, segments and audiences; it has a numpy and an SQL reader."""
