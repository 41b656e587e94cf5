"""The read path: a field says where its value comes from; an operation is compiled once into a plan."""
