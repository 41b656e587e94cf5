"""Taking data in: files and events, cleaned before anything believes them."""
