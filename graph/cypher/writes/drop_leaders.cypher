// Takes away leaders a community no longer has; rows of key, keep.
// parameters: rows
// columns: changed
// bound: the edges of one node a row
UNWIND $rows AS row
MATCH (leader:Customer)-[edge:LEADS]->(community:Community {key: row.key})
WHERE NOT leader.key IN row.keep
DELETE edge
RETURN count(*) AS changed
