// Takes away communities a customer has left; rows of key, keep.
// parameters: rows
// columns: changed
// bound: the edges of one node a row
UNWIND $rows AS row
MATCH (customer:Customer {key: row.key})-[edge:MEMBER_OF]->(community:Community)
WHERE NOT community.key IN row.keep
DELETE edge
RETURN count(*) AS changed
