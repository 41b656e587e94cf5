// What these customers bought, most often first.
// parameters: keys, limit
// columns: key, product, orders, amount_cents, first_at, last_at
// bound: $limit products each
UNWIND $keys AS key
CALL (key) {
  MATCH (me:Customer {key: key})-[mine:BOUGHT]->(product:Product)
  RETURN product.key AS product, mine.orders AS orders, mine.amount_cents AS amount_cents,
         mine.first_at AS first_at, mine.last_at AS last_at
  ORDER BY orders DESC, last_at DESC, product LIMIT $limit
}
RETURN key, product, orders, amount_cents, first_at, last_at
ORDER BY key, orders DESC, last_at DESC, product
