"""Credit: what a tier lends, how a customer has paid, and what follows from both."""
