// Whom these customers brought, and whom those brought in turn.
// parameters: keys, depth, limit
// columns: key, other, depth, since, via_1, via_2, via_3, at_1, at_2, at_3, strength
// bound: 3 hops, $limit customers each
UNWIND $keys AS key
CALL (key) {
  MATCH path = (me:Customer {key: key})-[:REFERRED*1..3]->(other:Customer)
  WHERE length(path) <= $depth AND none(met IN nodes(path)[1..] WHERE met.key = key)
  RETURN other.key AS other, length(path) AS depth, [met IN nodes(path)[1..-1] | met.key] AS through,
         [edge IN relationships(path) | edge.at] AS times
  ORDER BY depth, other LIMIT $limit
}
RETURN key, other, depth, last(times) AS since, through[0] AS via_1, through[1] AS via_2, null AS via_3,
       times[0] AS at_1, times[1] AS at_2, times[2] AS at_3, 1 AS strength
ORDER BY key, depth, other
