// Customer nodes that are gone, with all their edges; rows of key.
// parameters: rows
// columns: changed
// bound: one node a row
UNWIND $rows AS row
MATCH (n:Customer {key: row.key})
DETACH DELETE n
RETURN count(*) AS changed
