"""Plans and documents are kept by number and by size; the least used go first."""

from typing import Any

from readpath_example.schema import make_schema

from resolvers.readpath.catalogue import make_catalogue
from resolvers.readpath.documents import SHAPES_A_DOCUMENT, Documents, Plans, Prepared
from resolvers.readpath.limits import Limits
from resolvers.readpath.operation import Unplannable
from resolvers.readpath.plan import Plan, Statement


def prepared() -> Prepared:
    return Prepared(None, [])


def plan(characters: int = 10) -> Plan:
    return Plan(Statement("x" * characters, ()))


def kept(plans: Plans) -> list[Any]:
    return [shape for _, shape in plans.kept]


def test_the_plan_that_was_not_used_longest_goes_first() -> None:
    plans, owners = Plans(most=3), [prepared() for _ in range(4)]
    for number, owner in enumerate(owners[:3]):
        plans.keep(owner, number, plan())

    assert plans.find(owners[0], 0) is not None
    plans.keep(owners[3], 3, plan())

    assert kept(plans) == [2, 0, 3]
    assert plans.find(owners[1], 1) is None
    assert plans.characters == 30
    assert [len(owner.shapes) for owner in owners] == [1, 0, 1, 1]


def test_plans_are_bounded_by_the_length_of_their_statements() -> None:
    plans, owner = Plans(most_characters=100), prepared()

    for number in range(5):
        plans.keep(owner, number, plan(40))

    assert kept(plans) == [3, 4]
    assert plans.characters == 80


def test_a_plan_that_is_longer_than_all_may_be_is_not_kept() -> None:
    plans = Plans(most_characters=100)

    plans.keep(prepared(), "long", plan(101))

    assert (kept(plans), plans.characters) == ([], 0)


def test_one_document_does_not_push_out_the_plans_of_others() -> None:
    plans, greedy, other = Plans(), prepared(), prepared()
    plans.keep(other, "mine", plan())

    for number in range(10 * SHAPES_A_DOCUMENT):
        plans.keep(greedy, number, plan())

    assert len(greedy.shapes) == SHAPES_A_DOCUMENT
    assert len(plans.kept) == SHAPES_A_DOCUMENT + 1
    assert plans.find(other, "mine") is not None


def test_a_plan_that_is_compiled_again_counts_once() -> None:
    plans, owner = Plans(), prepared()

    plans.keep(owner, "same", plan(10))
    plans.keep(owner, "same", Unplannable("no longer"))
    plans.keep(owner, "same", plan(30))

    assert (len(plans.kept), plans.characters) == (1, 30)


def test_documents_are_bounded_by_number_and_by_bytes(monkeypatch: Any) -> None:
    documents = Documents(make_catalogue(make_schema()._schema), Limits())
    monkeypatch.setattr("resolvers.readpath.documents.DOCUMENTS", 3)
    monkeypatch.setattr("resolvers.readpath.documents.DOCUMENT_BYTES", 90)
    texts = [f"{{ a{number}: __typename }}" for number in range(6)]

    for text in texts:
        documents.prepare(text, None)
    documents.prepare("#" * 60 + "\n{ __typename }", None)

    assert len(documents.kept) == 1
    assert documents.size == 75
