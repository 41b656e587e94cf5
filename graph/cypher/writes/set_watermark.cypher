// The moment of PostgreSQL that the graph holds whole, never moved back.
// parameters: at
// columns: changed
// bound: one node
MERGE (mark:Watermark {key: 1})
SET mark.at = CASE WHEN coalesce(mark.at, 0) < $at THEN $at ELSE mark.at END
RETURN count(mark) AS changed
