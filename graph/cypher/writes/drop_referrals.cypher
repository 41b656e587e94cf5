// Takes away referrers a customer no longer has; rows of key, keep.
// parameters: rows
// columns: changed
// bound: the edges of one node a row
UNWIND $rows AS row
MATCH (referrer:Customer)-[edge:REFERRED]->(customer:Customer {key: row.key})
WHERE NOT referrer.key IN row.keep
DELETE edge
RETURN count(*) AS changed
