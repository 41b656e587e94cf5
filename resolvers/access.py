"""Who may use what, by role. Decided while an operation is compiled: a forbidden field refuses the whole operation."""

from domain.privacy.viewer import Role

EVERYBODY = tuple(Role)
STAFF = (Role.AGENT, Role.MARKETER, Role.ANALYST, Role.OPERATOR)
STAFF_AND_PARTNERS = (*STAFF, Role.PARTNER)
STAFF_AND_CUSTOMERS = (*STAFF, Role.CUSTOMER, Role.PRIVACY_OFFICER)
"""All but partners, who see ids, tiers and transitions, and nobody's profile or orders."""
SERVICE = (Role.AGENT, Role.ANALYST, Role.OPERATOR)
"""Those who look behind a customer: relationships."""
