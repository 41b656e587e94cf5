// What a customer bought; rows of key, product, orders, amount_cents, first_at, last_at.
// parameters: rows
// columns: changed
// bound: one edge a row
UNWIND $rows AS row
MATCH (customer:Customer {key: row.key})
MERGE (product:Product {key: row.product})
MERGE (customer)-[edge:BOUGHT]->(product)
SET edge.orders = row.orders, edge.amount_cents = row.amount_cents, edge.first_at = row.first_at, edge.last_at = row.last_at
RETURN count(edge) AS changed
