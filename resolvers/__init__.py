"""The GraphQL schema: every field says where its value comes from."""
