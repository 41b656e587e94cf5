"""The graph of customer relationships: a derived index, asked by named questions."""
