// Members of the communities these customers lead. [S4-14]
// parameters: keys, limit
// columns: key, other, depth, since, via_1, via_2, via_3, at_1, at_2, at_3, strength
// bound: 1 community away, $limit customers each
UNWIND $keys AS key
CALL (key) {
  MATCH (me:Customer {key: key})-[:LEADS]->(community:Community)<-[:MEMBER_OF]-(other:Customer)
  WHERE other.key <> key
  RETURN other.key AS other, community.key AS community
  ORDER BY other, community LIMIT $limit
}
RETURN key, other, 1 AS depth, null AS since, community AS via_1, null AS via_2, null AS via_3,
       null AS at_1, null AS at_2, null AS at_3, 1 AS strength
ORDER BY key, other, via_1
