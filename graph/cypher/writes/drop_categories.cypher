// Takes away categories a product no longer belongs to; rows of key, keep.
// parameters: rows
// columns: changed
// bound: the edges of one node a row
UNWIND $rows AS row
MATCH (product:Product {key: row.key})-[edge:IN_CATEGORY]->(category:Category)
WHERE NOT category.key IN row.keep
DELETE edge
RETURN count(*) AS changed
