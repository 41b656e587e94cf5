// Who brought a customer, and when; rows of key, referrer, at.
// parameters: rows
// columns: changed
// bound: one edge a row
UNWIND $rows AS row
MATCH (customer:Customer {key: row.key})
MERGE (referrer:Customer {key: row.referrer})
MERGE (referrer)-[edge:REFERRED]->(customer)
SET edge.at = row.at
RETURN count(edge) AS changed
