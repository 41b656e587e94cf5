// One Product for each key.
// parameters: none
// columns: none
// bound: none
CREATE CONSTRAINT product_key IF NOT EXISTS FOR (n:Product) REQUIRE n.key IS UNIQUE
