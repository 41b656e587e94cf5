// Takes away products a customer no longer counts as bought; rows of key, keep.
// parameters: rows
// columns: changed
// bound: the edges of one node a row
UNWIND $rows AS row
MATCH (customer:Customer {key: row.key})-[edge:BOUGHT]->(product:Product)
WHERE NOT product.key IN row.keep
DELETE edge
RETURN count(*) AS changed
