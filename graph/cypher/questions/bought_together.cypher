// Products not bought yet that buyers of an own favourite buy too; of many buyers every n-th is asked. [S1-15]
// parameters: keys, hub, favourites, buyers, limit
// columns: key, product, because, score, buyers
// bound: $favourites products of at most $hub buyers, about $buyers of them asked, $limit products a customer
UNWIND $keys AS key
CALL (key) {
  MATCH (me:Customer {key: key})-[mine:BOUGHT]->(favourite:Product)
  WITH me, favourite, mine.orders AS orders, COUNT { (favourite)<-[:BOUGHT]-() } AS fans
  WHERE fans <= $hub
  WITH me, favourite, orders, fans, fans / $buyers + 1 AS stride
  ORDER BY orders DESC, favourite.key LIMIT $favourites
  MATCH (favourite)<-[:BOUGHT]-(peer:Customer)
  WHERE peer.key % stride = 0
  MATCH (peer)-[:BOUGHT]->(product:Product)
  WITH me, favourite, fans, stride, product, count(peer) AS buyers
  WHERE NOT EXISTS { (me)-[:BOUGHT]->(product) }
  WITH favourite.key AS because, product.key AS product, buyers,
       1000 * buyers * buyers * stride * stride / (fans * COUNT { (product)<-[:BOUGHT]-() }) AS score
  RETURN product, because, score, buyers
  ORDER BY score DESC, product, because LIMIT $limit
}
RETURN key, product, because, score, buyers
ORDER BY key, score DESC, product, because
