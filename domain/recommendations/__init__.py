"""What to offer a customer next, with the reasons. [S1-15, S4-11]"""
