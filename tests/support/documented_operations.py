"""Every query that is documented or that a kind of user is known to ask, with variables for a rich customer."""

from pathlib import Path
from typing import Any

EXAMPLES = Path(__file__).parent.parent.parent / "examples"
COUNTS_EVERYBODY = {"05_tier_distribution"}
"""Shares of the whole base are made of the whole base."""
ASKED = {
    "my_home": """query MyHome($id: ID!) { customer(by: { id: $id }) {
        profile { name maskedFields }
        tier { tier { code name rank benefits { kind words } }
          progress { nextTier { code } almostThere gaps { words current required missing unit }
            recipes { kind words reachable } } }
        recommendations(first: 6) { rank basis product { id name unitPrice { amount } } reasons { kind words } } } }""",
    "history": """query History($id: ID!) { customer(by: { id: $id }) {
        orders(first: 100) { edges { cursor node { id placedAt status netAmount { amount }
          lines(first: 20) { nodes { product { name } quantity netAmount { amount } } } } }
          pageInfo { hasNextPage endCursor } totalCount { value } } } }""",
    "history_backwards": """query Back($id: ID!) { customer(by: { id: $id }) {
        orders(last: 10) { nodes { id placedAt } pageInfo { hasPreviousPage startCursor } } } }""",
    "paid_by_app": """query PaidByApp($id: ID!) { customer(by: { id: $id }) {
        orders(first: 10, where: { status: [PAID], channel: [APP], counted: true }) { nodes { id } } } }""",
    "facts_then": """query FactsThen($id: ID!) { customer(by: { id: $id }) {
        facts(asOf: "2026-03-01T00:00:00Z") { orders90d spend90d daysSinceLastOrder } } }""",
    "labels": """query Labels($id: ID!) { customer(by: { id: $id }) {
        labels(families: ["lifecycle", "preference"]) { definition { code } enteredAt reasons { words } } } }""",
    "decisions": """query Decisions($id: ID!) { customer(by: { id: $id }) {
        tierTransitions(first: 10) { nodes { kind from { name } to { name } reason decidedAt } } } }""",
    "refer_and_lead": """query Refer($id: ID!) { customer(by: { id: $id }) {
        referredBy { id } community { code name leader { id } } leader { communities { code } } } }""",
    "by_email": """query ByEmail { customer(by: { email: "somebody@example.com" }) { id } }""",
    "by_ref": """query ByRef { customer(by: { ref: { source: "demo", externalId: "C0000007" } }) { id } }""",
    "order_by_ref": """query OrderByRef { order(by: { ref: { source: "demo", externalId: "O0000007" } }) {
        id customer { id } } }""",
    "order": """query OneOrder($order: ID!) { order(by: { id: $order }) {
        id customer { id } lines(first: 10) { nodes { product { name } } } } }""",
    "refetch": """query Refetch($id: ID!, $order: ID!) { nodes(ids: [$id, $order]) {
        __typename id ... on Customer { tier { score } } ... on Order { status } } viewer { subject } }""",
    "catch_up": """query CatchUp { tierTransitions(policy: "kuailv_grade", first: 100) {
        edges { cursor node { id kind customer { id } to { code } effectiveAt } }
        pageInfo { hasNextPage endCursor } } }""",
    "newest_decisions": """query Newest { tierTransitions(last: 20) { nodes { id decidedAt } } }""",
    "newest_customers": """query Newest { customers(first: 20) { nodes { id profile { name } } } }""",
    "big_spenders": """query BigSpenders { customers(first: 50, orderBy: { by: SPEND_90D }) {
        nodes { id facts { spend90d } tier { tier { name } score } } pageInfo { hasNextPage endCursor } } }""",
    "members_of_a_community": """query Members { customers(first: 10, where: { community: ["G0001"] }) {
        nodes { id } } }""",
    "products": """query Products { products(first: 20) { nodes { id name } } categories { code name } }""",
    "communities": """query Communities { communities(first: 10) { nodes { code name leader { id } } } }""",
}


def documented_operations() -> dict[str, str]:
    """Queries by name: the examples of the checkout, and those above."""
    texts = {path.stem: path.read_text(encoding="utf-8") for path in sorted(EXAMPLES.glob("*.graphql"))}
    return {name: text for name, text in texts.items() if "\nquery " in text} | ASKED


def variables_for(text: str, given: dict[str, Any]) -> dict[str, Any]:
    """Of these values the ones that the operation declares."""
    return {name: value for name, value in given.items() if f"${name}:" in text}
