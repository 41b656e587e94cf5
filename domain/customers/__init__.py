"""Customers: the typed profile, and the facts measured about them."""
