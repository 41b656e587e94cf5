"""Expected failures as data: one shape for every payload."""

import strawberry

from domain.errors import DomainError, ErrorCode

strawberry.enum(ErrorCode, description="What kind of mistake it was. May grow.")


@strawberry.type(description="What went wrong, as data.")
class UserError:
    field: list[str] | None = strawberry.field(description="Path into the input; null: the whole.")
    code: ErrorCode = strawberry.field(description="What to branch on.")
    message: str = strawberry.field(description="One sentence that says what to do.")


def user_error(error: DomainError) -> UserError:
    return UserError(field=list(error.field) or None, code=error.code, message=error.message)
