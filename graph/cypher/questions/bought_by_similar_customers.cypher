// Products not bought yet that customers alike bought; score adds up what they share, peers counts them. [S1-15]
// parameters: keys, hub, peers, limit
// columns: key, product, score, peers
// bound: products of at most $hub buyers, $peers customers alike, $limit products each
UNWIND $keys AS key
CALL (key) {
  MATCH (me:Customer {key: key})-[:BOUGHT]->(shared:Product)
  WHERE COUNT { (shared)<-[:BOUGHT]-() } <= $hub
  MATCH (shared)<-[:BOUGHT]-(peer:Customer)
  WHERE peer.key <> key
  WITH me, peer, count(shared) AS overlap
  ORDER BY overlap DESC, peer.key LIMIT $peers
  MATCH (peer)-[:BOUGHT]->(product:Product)
  WITH me, product, sum(overlap) AS score, count(peer) AS peers
  WHERE NOT EXISTS { (me)-[:BOUGHT]->(product) }
  RETURN product.key AS product, score, peers
  ORDER BY score DESC, product LIMIT $limit
}
RETURN key, product, score, peers
ORDER BY key, score DESC, product
