// Says that the graph is no longer whole.
// parameters: none
// columns: changed
// bound: one node
MATCH (mark:Watermark {key: 1})
DELETE mark
RETURN count(*) AS changed
