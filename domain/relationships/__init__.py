"""Who is related to whom and how: the state the graph mirrors, and the paths read from it. [S1-15]"""
