// The moment of PostgreSQL that the graph holds whole, in epoch milliseconds.
// parameters: none
// columns: at
// bound: one row
MATCH (mark:Watermark {key: 1})
RETURN mark.at AS at
