// Customers who bought the same products; strength is how many they share.
// parameters: keys, hub, limit
// columns: key, other, depth, since, via_1, via_2, via_3, at_1, at_2, at_3, strength
// bound: 1 product away, products of at most $hub buyers, $limit customers each
UNWIND $keys AS key
CALL (key) {
  MATCH (me:Customer {key: key})-[mine:BOUGHT]->(product:Product)
  WHERE COUNT { (product)<-[:BOUGHT]-() } <= $hub
  MATCH (product)<-[theirs:BOUGHT]-(other:Customer)
  WHERE other.key <> key
  WITH other, product ORDER BY product.key
  WITH other.key AS other, collect(product.key) AS products
  RETURN other, size(products) AS strength, products
  ORDER BY strength DESC, other LIMIT $limit
}
RETURN key, other, 1 AS depth, null AS since, products[0] AS via_1, products[1] AS via_2, products[2] AS via_3,
       null AS at_1, null AS at_2, null AS at_3, strength
ORDER BY key, strength DESC, other
