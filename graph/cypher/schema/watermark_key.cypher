// One Watermark for each key.
// parameters: none
// columns: none
// bound: none
CREATE CONSTRAINT watermark_key IF NOT EXISTS FOR (n:Watermark) REQUIRE n.key IS UNIQUE
