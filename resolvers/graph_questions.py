"""What fields ask of the graph, answered through the domain's use cases for all parents at once."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from domain.recommendations.recommend import recommend
from domain.relationships.find_relationships import find_relationships
from domain.relationships.ports import GraphReader
from domain.relationships.relationship import RelationshipKind
from resolvers.recommendations import RecommendationBasis

Rows = Sequence[tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class GraphQuestions:
    """`resolvers.readpath.viewer.AnswerQuestion`; `as_of` tells what "lately" means."""

    graph: GraphReader
    as_of: Callable[[], datetime]

    async def __call__(self, name: str, keys: list[int], parameters: Mapping[str, Any]) -> Rows:
        if name == "recommended_products":
            return await self.recommended_products(keys, first=parameters["first"])
        if name == "related_customers":
            return await self.related_customers(keys, parameters)
        raise LookupError(f"no question is called {name}")

    async def recommended_products(self, keys: list[int], *, first: int) -> Rows:
        found = await recommend(self.graph, keys, as_of=self.as_of(), first=first)
        return [
            (
                key,
                one.product_id,
                one.rank,
                RecommendationBasis.PERSONALISED.value,
                json.dumps([{"kind": r.kind, "words": r.words, "evidence": r.evidence} for r in one.reasons]),
            )
            for key in keys
            for one in found[key]
        ]

    async def related_customers(self, keys: list[int], parameters: Mapping[str, Any]) -> Rows:
        wanted = parameters.get("kinds")
        kinds = (
            tuple(RelationshipKind) if wanted is None else tuple(RelationshipKind(kind) for kind in wanted)
        )
        found = await find_relationships(
            self.graph, keys, kinds, depth=parameters["depth"], limit=parameters["first"]
        )
        return [
            (key, one.other_id, one.kind.value, one.depth, one.words, one.since)
            for key in keys
            for one in found[key]
        ]
