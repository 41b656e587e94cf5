// The customer who leads a community; rows of key, leader. [S4-14]
// parameters: rows
// columns: changed
// bound: one edge a row
UNWIND $rows AS row
MATCH (community:Community {key: row.key})
MERGE (leader:Customer {key: row.leader})
MERGE (leader)-[edge:LEADS]->(community)
RETURN count(edge) AS changed
