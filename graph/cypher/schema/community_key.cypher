// One Community for each key.
// parameters: none
// columns: none
// bound: none
CREATE CONSTRAINT community_key IF NOT EXISTS FOR (n:Community) REQUIRE n.key IS UNIQUE
