// One Customer for each key.
// parameters: none
// columns: none
// bound: none
CREATE CONSTRAINT customer_key IF NOT EXISTS FOR (n:Customer) REQUIRE n.key IS UNIQUE
