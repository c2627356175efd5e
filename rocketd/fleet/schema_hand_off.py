"""Step 4 of the tables of a fleet: the end of a run that was handed off to an engine may come from another host.

Such a run goes on without the host that began it. Who has taken over its task since asks the engine for its end, and
may record it; as before, the first end of a run counts.
"""

from typing import Final

from rocketd.fleet.schema_operators import MAY_CLAIM

_OF_OWN_TASK: Final = """EXISTS (
    SELECT 1 FROM rocketd.record AS claimed
    JOIN rocketd.owner AS owner ON owner.fleet = claimed.fleet AND owner.task = claimed.task_name
    WHERE claimed.fleet = record.fleet AND claimed.run_id = record.run_id AND claimed.kind = 'run'
        AND claimed.term = record.term AND claimed.task_name = record.task_name AND claimed.number = record.number
        AND owner.host = record.host AND owner.term > claimed.term
)"""

VERSION_4: Final = (
    "DROP POLICY claim ON rocketd.record",
    f"""CREATE POLICY claim ON rocketd.record AS RESTRICTIVE FOR INSERT
        WITH CHECK ({MAY_CLAIM} OR (record.kind = 'end' AND {_OF_OWN_TASK}))""",
)
