// The category of a product; rows of key, category.
// parameters: rows
// columns: changed
// bound: one edge a row
UNWIND $rows AS row
MATCH (product:Product {key: row.key})
MERGE (category:Category {key: row.category})
MERGE (product)-[edge:IN_CATEGORY]->(category)
RETURN count(edge) AS changed
