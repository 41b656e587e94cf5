"""How a receiver knows that a notice is ours, whole, and of this moment."""

import hashlib
import hmac


def signature(secret: bytes, body: bytes, *, at_seconds: int) -> str:
    """`t=1764000000,v1=…`: HMAC-SHA256 of the time, a dot and the body. Time in seconds of the epoch.

    The time is signed too, so a notice that somebody recorded cannot be sent again later.
    Source: the scheme of Stripe's webhooks, https://docs.stripe.com/webhooks#verify-manually
    """
    signed = hmac.new(secret, b"%d.%b" % (at_seconds, body), hashlib.sha256)
    return f"t={at_seconds},v1={signed.hexdigest()}"
