// The community a customer lives in; rows of key, community.
// parameters: rows
// columns: changed
// bound: one edge a row
UNWIND $rows AS row
MATCH (customer:Customer {key: row.key})
MERGE (community:Community {key: row.community})
MERGE (customer)-[edge:MEMBER_OF]->(community)
RETURN count(edge) AS changed
