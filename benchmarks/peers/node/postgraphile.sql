-- What PostGraphile needs to see the relations (our tables of a customer have no foreign keys), and two functions.
COMMENT ON TABLE customer_facts IS '@foreignKey (customer_id) references customers (customer_id)|@fieldName customer|@foreignFieldName facts';
COMMENT ON TABLE tier_standings IS E'@foreignKey (customer_id) references customers (customer_id)|@foreignFieldName tiers\n@foreignKey (policy_id) references tier_policies (policy_id)|@fieldName policy\n@foreignKey (version_id, rank) references tiers (version_id, rank)|@fieldName tier';
COMMENT ON TABLE tier_transitions IS E'@foreignKey (customer_id) references customers (customer_id)|@foreignFieldName tierTransitions\n@foreignKey (version_id, from_rank) references tiers (version_id, rank)|@fieldName from|@foreignFieldName transitionsFrom\n@foreignKey (version_id, to_rank) references tiers (version_id, rank)|@fieldName to|@foreignFieldName transitionsTo';
COMMENT ON TABLE orders IS E'@foreignKey (customer_id) references customers (customer_id)|@foreignFieldName orders';
COMMENT ON TABLE order_lines IS E'@foreignKey (customer_id, order_id) references orders (customer_id, order_id)|@foreignFieldName lines\n@foreignKey (product_id) references products (product_id)|@fieldName product';
COMMENT ON TABLE customers IS '@foreignKey (community_id) references communities (community_id)|@fieldName community|@foreignFieldName members';
COMMENT ON TABLE communities IS '@foreignKey (leader_customer_id) references customers (customer_id)|@fieldName leader|@foreignFieldName led';
COMMENT ON TABLE referrals IS E'@foreignKey (customer_id) references customers (customer_id)|@fieldName referred|@foreignFieldName referral\n@foreignKey (referrer_id) references customers (customer_id)|@fieldName referrer|@foreignFieldName referrals';

CREATE TYPE held_label AS (code text, words text, family text, entered_at timestamptz);

CREATE FUNCTION customers_labels(customer customers) RETURNS SETOF held_label LANGUAGE sql STABLE AS $$
  SELECT d.code, d.words_zh, d.family, coalesce(
           (SELECT max(c.changed_at) FROM label_changes c
            WHERE c.customer_id = s.customer_id AND c.label_id = d.label_id AND c.entered), s.loaded_at)
  FROM customer_standings s JOIN label_definitions d ON get_bit(s.label_bits, d.label_id) = 1
  WHERE s.customer_id = customer.customer_id ORDER BY d.family, d.label_id
$$;

CREATE FUNCTION customers_among(ids bigint[]) RETURNS SETOF customers LANGUAGE sql STABLE AS $$
  SELECT * FROM customers WHERE customer_id = ANY(ids) ORDER BY registered_at DESC, customer_id DESC
$$;
