"""An invented fresh-food retailer, the same bytes for the same seed and end of data.

Nobody in it exists. No range of Chinese mobile numbers is reserved for fiction, so a generated number may be
somebody's: never send a message to one.
"""
