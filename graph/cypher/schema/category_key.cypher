// One Category for each key.
// parameters: none
// columns: none
// bound: none
CREATE CONSTRAINT category_key IF NOT EXISTS FOR (n:Category) REQUIRE n.key IS UNIQUE
