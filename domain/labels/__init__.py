"""Labels: what can be said of a customer in one word, each computed, explained and never guessed."""
