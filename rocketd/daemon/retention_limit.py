"""From when on records stay."""

from rocketd.core.instant import Duration, Instant
from rocketd.core.model.events import Refusal


def oldest_kept(keep: Duration | None, before: Instant | None, now: Instant) -> Instant:
    """From when on records stay if somebody asks: from `before`, else as `keep` says. Raises Refused."""
    if before is not None:
        return min(before, now)
    if keep is None:
        hint = "use --before to delete records all the same"
        raise Refusal('keep = "infinity" in [store]: no record is too old', hint=hint)
    return now - keep
