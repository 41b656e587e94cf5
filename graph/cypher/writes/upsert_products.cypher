// Product nodes that must exist; rows of key.
// parameters: rows
// columns: changed
// bound: one node a row
UNWIND $rows AS row
MERGE (n:Product {key: row.key})
RETURN count(n) AS changed
