// Removes up to a limit of nodes with their edges, to be repeated until none is left.
// parameters: limit
// columns: changed
// bound: $limit nodes
MATCH (n)
WITH n LIMIT $limit
DETACH DELETE n
RETURN count(*) AS changed
