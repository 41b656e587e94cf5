"""Wires everything: settings, HTTP, CLI, worker. The only row that may import every other."""
