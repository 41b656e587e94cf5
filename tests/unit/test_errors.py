from domain.errors import DomainError, ErrorCode, StoreUnavailable


def test_a_code_is_its_own_name() -> None:
    assert [code.value for code in ErrorCode] == [code.name for code in ErrorCode]


def test_a_mistake_carries_its_code_sentence_and_field() -> None:
    error = DomainError(ErrorCode.UNKNOWN_TIER, "There is no tier S9; tiers are S1 to S5.", ("where", "tier"))

    assert (error.code, str(error), error.field) == (
        "UNKNOWN_TIER",
        "There is no tier S9; tiers are S1 to S5.",
        ("where", "tier"),
    )


def test_an_unavailable_store_is_named() -> None:
    error = StoreUnavailable("cache", "timed out")

    assert (error.store, str(error)) == ("cache", "cache is not available: timed out")
