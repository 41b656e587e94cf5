"""What to offer these customers next. [S1-15]"""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from domain.recommendations.ranking import (
    BoughtTogether,
    Candidates,
    OwnPurchase,
    Recommendation,
    SimilarCustomers,
    rank,
)
from domain.relationships.moments import moment_of
from domain.relationships.ports import Answer, GraphReader

HUB_BUYERS = 2_000
"""A product with more buyers says nothing about taste, and walking it would walk the whole shop."""
PEERS = 50
FAVOURITES = 5
BUYERS = 100
"""About so many buyers of a favourite are asked what else they buy; more cost time and change little."""
CANDIDATES = 100


async def recommend(
    graph: GraphReader, customer_ids: Sequence[int], *, as_of: datetime, first: int
) -> dict[int, list[Recommendation]]:
    """Best first, at most `first` for each customer; none for a customer the graph does not know.

    *Cost*: three questions for all customers together. *Errors*: `StoreUnavailable`.
    """
    keys = list(customer_ids)
    own, similar, together = await asyncio.gather(
        graph.ask("own_purchases", keys=keys, limit=CANDIDATES),
        graph.ask("bought_by_similar_customers", keys=keys, hub=HUB_BUYERS, peers=PEERS, limit=CANDIDATES),
        graph.ask(
            "bought_together",
            keys=keys,
            hub=HUB_BUYERS,
            favourites=FAVOURITES,
            buyers=BUYERS,
            limit=CANDIDATES,
        ),
    )
    owned, alike, linked = _by_customer(own), _by_customer(similar), _by_customer(together)
    return {
        key: rank(_candidates(owned[key], alike[key], linked[key]), as_of=as_of, first=first) for key in keys
    }


def _by_customer(answers: Sequence[Answer]) -> dict[Any, list[Any]]:
    found: dict[Any, list[Any]] = defaultdict(list)
    for answer in answers:
        found[answer["key"]].append(answer)
    return found


def _candidates(own: Sequence[Any], similar: Sequence[Any], together: Sequence[Any]) -> Candidates:
    return Candidates(
        own=[
            OwnPurchase(row["product"], row["orders"], moment_of(row["first_at"]), moment_of(row["last_at"]))
            for row in own
        ],
        similar=[SimilarCustomers(row["product"], row["score"], row["peers"]) for row in similar],
        together=[
            BoughtTogether(row["product"], row["because"], row["score"], row["buyers"]) for row in together
        ],
    )
