// The types of what the daemon answers. Made by docgen.control_socket_reference: do not edit.

/**
 * Task
 * @typedef {object} Task
 * @property {string} task its name
 * @property {string} description what it is for
 * @property {string | null} next when it is expected to start, including its splay; null if unknown. For a paused task, the first start after the pause; null if the pause has no end
 * @property {string | null} next_if the condition on probes that must hold then
 * @property {string | null} now_if the condition on probes that starts it earlier, as soon as it holds
 * @property {string | null} last_start when its newest run started
 * @property {"run" | "success" | "fail" | "terminate" | "inaction" | "crash" | "missed" | "withdrawn" | null} last_action how that ended, `run` while it is active
 * @property {"exit" | "timeout" | "stop_when" | "operator" | "replace" | "shutdown" | "down" | "shortage" | "store" | null} last_cause what ended it, as `cause` of a run
 * @property {string | null} last_run_id its id
 * @property {string | null} last_end when a run of it ended last
 * @property {number | null} last_runtime how long that took
 * @property {number | null} usual_runtime the median of its last 20 successful runs; null with fewer than three, or if they have not been read yet
 * @property {string | null} last_success when it succeeded last, or had nothing to do
 * @property {boolean} failing whether its last telling end was a failure
 * @property {number | null} max_age how old its last success may be; null if it has no `max_age`
 * @property {string | null} overdue_at when it is overdue, or has been since; null if it has no `max_age`
 * @property {number | null} slow_after after how long an active run is slow; null if it has no `slow_after`, or its usual runtime is unknown
 * @property {string | null} armed_at from when on its ticks count
 * @property {boolean} running whether it is running; a run whose start waits for its record is not running yet
 * @property {string | null} waits what keeps it from starting although it is due: a slot, a mutex, its record, a resource of the host; null if nothing does
 * @property {boolean} paused whether it is paused
 * @property {string} run_on `each` or `one`: which of the hosts of a fleet that have it run it
 * @property {string | null} standby why another host, or none, decides about it; null if this host does
 * @property {boolean} disabled whether it is disabled
 * @property {boolean} elsewhere whether it is disabled because its `hosts` do not select this host
 * @property {string} when its condition, in the normal form
 * @property {string | null} on the occasion at which it also runs: `boot` `startup` `shutdown`
 * @property {string[]} tags its tags
 * @property {string} file its task file
 * @property {number} [line] where it begins in its file; only of a disabled task
 */

/**
 * A task on a page: with `fields`, only `task` and what was asked for
 * @typedef {object} ListedTask
 * @property {string} task its name
 * @property {string} [description] what it is for
 * @property {string | null} [next] when it is expected to start, including its splay; null if unknown. For a paused task, the first start after the pause; null if the pause has no end
 * @property {string | null} [next_if] the condition on probes that must hold then
 * @property {string | null} [now_if] the condition on probes that starts it earlier, as soon as it holds
 * @property {string | null} [last_start] when its newest run started
 * @property {"run" | "success" | "fail" | "terminate" | "inaction" | "crash" | "missed" | "withdrawn" | null} [last_action] how that ended, `run` while it is active
 * @property {"exit" | "timeout" | "stop_when" | "operator" | "replace" | "shutdown" | "down" | "shortage" | "store" | null} [last_cause] what ended it, as `cause` of a run
 * @property {string | null} [last_run_id] its id
 * @property {string | null} [last_end] when a run of it ended last
 * @property {number | null} [last_runtime] how long that took
 * @property {number | null} [usual_runtime] the median of its last 20 successful runs; null with fewer than three, or if they have not been read yet
 * @property {string | null} [last_success] when it succeeded last, or had nothing to do
 * @property {boolean} [failing] whether its last telling end was a failure
 * @property {number | null} [max_age] how old its last success may be; null if it has no `max_age`
 * @property {string | null} [overdue_at] when it is overdue, or has been since; null if it has no `max_age`
 * @property {number | null} [slow_after] after how long an active run is slow; null if it has no `slow_after`, or its usual runtime is unknown
 * @property {string | null} [armed_at] from when on its ticks count
 * @property {boolean} [running] whether it is running; a run whose start waits for its record is not running yet
 * @property {string | null} [waits] what keeps it from starting although it is due: a slot, a mutex, its record, a resource of the host; null if nothing does
 * @property {boolean} [paused] whether it is paused
 * @property {string} [run_on] `each` or `one`: which of the hosts of a fleet that have it run it
 * @property {string | null} [standby] why another host, or none, decides about it; null if this host does
 * @property {boolean} [disabled] whether it is disabled
 * @property {boolean} [elsewhere] whether it is disabled because its `hosts` do not select this host
 * @property {string} [when] its condition, in the normal form
 * @property {string | null} [on] the occasion at which it also runs: `boot` `startup` `shutdown`
 * @property {string[]} [tags] its tags
 * @property {string} [file] its task file
 * @property {number} [line] where it begins in its file; only of a disabled task
 */

/**
 * Counts
 * @typedef {object} Counts
 * @property {number} running tasks that are running
 * @property {number} failed tasks whose last telling end was a failure
 * @property {number} late tasks that are overdue
 * @property {number} missed tasks whose newest event is a missed chance
 * @property {number} paused tasks that are paused
 * @property {number} disabled tasks that are disabled
 * @property {number} enabled tasks that are neither
 */

/**
 * Page of tasks
 * @typedef {object} PageOfTasks
 * @property {ListedTask[]} tasks as many as `limit` says
 * @property {string | null} next the value of `after` for the next request; null at the end
 * @property {number} total how many there are on all pages
 * @property {Counts} counts how many of those with this `match` and `tag` are in each state
 */

/**
 * Overview
 * @typedef {object} Overview
 * @property {Status | null} status the status; null for who may not look at all tasks
 * @property {Client} client who asks, and what that one may do
 * @property {Counts} counts how many tasks are in each state
 * @property {Task[]} running those that are running, up to 50
 * @property {Task[]} failed those whose last telling end was a failure, the newest 10
 * @property {Task[]} late those that are overdue, up to 10
 * @property {Task[]} next those that will start next, 10
 * @property {number} event_id the number of the newest event: `after` for those that follow
 */

/**
 * Task in full
 * @typedef {object} TaskInFull
 * @property {string} task its name
 * @property {string} description what it is for
 * @property {string | null} next when it is expected to start, including its splay; null if unknown. For a paused task, the first start after the pause; null if the pause has no end
 * @property {string | null} next_if the condition on probes that must hold then
 * @property {string | null} now_if the condition on probes that starts it earlier, as soon as it holds
 * @property {string | null} last_start when its newest run started
 * @property {"run" | "success" | "fail" | "terminate" | "inaction" | "crash" | "missed" | "withdrawn" | null} last_action how that ended, `run` while it is active
 * @property {"exit" | "timeout" | "stop_when" | "operator" | "replace" | "shutdown" | "down" | "shortage" | "store" | null} last_cause what ended it, as `cause` of a run
 * @property {string | null} last_run_id its id
 * @property {string | null} last_end when a run of it ended last
 * @property {number | null} last_runtime how long that took
 * @property {number | null} usual_runtime the median of its last 20 successful runs; null with fewer than three, or if they have not been read yet
 * @property {string | null} last_success when it succeeded last, or had nothing to do
 * @property {boolean} failing whether its last telling end was a failure
 * @property {number | null} max_age how old its last success may be; null if it has no `max_age`
 * @property {string | null} overdue_at when it is overdue, or has been since; null if it has no `max_age`
 * @property {number | null} slow_after after how long an active run is slow; null if it has no `slow_after`, or its usual runtime is unknown
 * @property {string | null} armed_at from when on its ticks count
 * @property {boolean} running whether it is running; a run whose start waits for its record is not running yet
 * @property {string | null} waits what keeps it from starting although it is due: a slot, a mutex, its record, a resource of the host; null if nothing does
 * @property {boolean} paused whether it is paused
 * @property {string} run_on `each` or `one`: which of the hosts of a fleet that have it run it
 * @property {string | null} standby why another host, or none, decides about it; null if this host does
 * @property {boolean} disabled whether it is disabled
 * @property {boolean} elsewhere whether it is disabled because its `hosts` do not select this host
 * @property {string} when its condition, in the normal form
 * @property {string | null} on the occasion at which it also runs: `boot` `startup` `shutdown`
 * @property {string[]} tags its tags
 * @property {string} file its task file
 * @property {number} [line] where it begins in its file; only of a disabled task
 * @property {string[] | null} command an argv, or null: then it is a function
 * @property {string | null} function `MODULE:FUNCTION`, or null: then it is a command
 * @property {string | null} user as whom it runs
 * @property {string | null} directory where
 * @property {string} umask an octal number of four digits
 * @property {number | null} nice its nice value
 * @property {string[]} environment the names of the variables; their values may be secrets
 * @property {string[]} environment_files files with more of them
 * @property {string} stop_when here and in the next keys as in its file
 * @property {string} timezone
 * @property {number | null} timeout
 * @property {number} kill_grace
 * @property {"wait" | "skip" | "replace" | "allow"} overlap
 * @property {number} restart_delay
 * @property {number} crash_limit
 * @property {string | null} mutex
 * @property {number} priority
 * @property {number} splay
 * @property {"run" | "host"} splay_each `run` if each run has a part of the splay of its own
 * @property {string | null} output_file
 * @property {boolean} separate_stderr
 * @property {"unit" | "process" | "engine" | null} executor what carries out its runs; null if the task is disabled
 * @property {string | null} executor_reason why its runs are processes, although units are the default or were asked for; if an engine carries them out, which one
 * @property {number | null} next_splay by how much its splay delays `next`; null if it does not
 * @property {number} next_number the number of its next run
 * @property {string | null} due since when it is due
 * @property {string | null} blocked why it has not started, although it is due
 * @property {string | null} paused_until when the pause ends
 * @property {string} paused_by who paused it; empty if it is not paused
 * @property {string} paused_reason why
 * @property {ActiveRun[]} going its active runs
 * @property {Hook[]} hooks its hooks
 * @property {Run[]} runs its 5 newest runs
 */

/**
 * Hook
 * @typedef {object} Hook
 * @property {string} hook `on_fail` and others
 * @property {string[]} command
 * @property {string | null} last when it ended last
 * @property {string | null} about the run that it was about
 * @property {string | null} error what was wrong; null if it succeeded
 */

/**
 * Explanation
 * @typedef {object} Explanation
 * @property {string} task its name
 * @property {string} condition the condition, or this part of it
 * @property {boolean | null} holds whether it holds; null if that is unknown
 * @property {string | null} since since when
 * @property {string | null} until until when
 * @property {string} because the reason, a sentence
 * @property {ExplainedPart[]} parts what it is made of
 * @property {string} waiting_for what the task waits for, a sentence
 * @property {string} timezone the time zone of the sentences
 */

/**
 * Explained part
 * @typedef {object} ExplainedPart
 * @property {string} condition the condition, or this part of it
 * @property {boolean | null} holds whether it holds; null if that is unknown
 * @property {string | null} since since when
 * @property {string | null} until until when
 * @property {string} because the reason, a sentence
 * @property {ExplainedPart[]} parts what it is made of
 */

/**
 * Page of explanations
 * @typedef {object} PageOfExplanations
 * @property {Explanation[]} answers of up to 256 loaded tasks in order of name, from the name after `after`
 * @property {string | null} next the value of `after` for the next request; null at the end
 */

/**
 * Paused task
 * @typedef {object} PausedTask
 * @property {string} task
 * @property {boolean} paused true
 * @property {string | null} paused_until when the pause ends by itself
 */

/**
 * Resumed task
 * @typedef {object} ResumedTask
 * @property {string} task
 * @property {boolean} paused false
 */

/**
 * the entry of a task in `/v1/tasks` has changed, for whatever reason
 * @typedef {object} EventTask
 * @property {string} task its name
 * @property {string} description what it is for
 * @property {string | null} next when it is expected to start, including its splay; null if unknown. For a paused task, the first start after the pause; null if the pause has no end
 * @property {string | null} next_if the condition on probes that must hold then
 * @property {string | null} now_if the condition on probes that starts it earlier, as soon as it holds
 * @property {string | null} last_start when its newest run started
 * @property {"run" | "success" | "fail" | "terminate" | "inaction" | "crash" | "missed" | "withdrawn" | null} last_action how that ended, `run` while it is active
 * @property {"exit" | "timeout" | "stop_when" | "operator" | "replace" | "shutdown" | "down" | "shortage" | "store" | null} last_cause what ended it, as `cause` of a run
 * @property {string | null} last_run_id its id
 * @property {string | null} last_end when a run of it ended last
 * @property {number | null} last_runtime how long that took
 * @property {number | null} usual_runtime the median of its last 20 successful runs; null with fewer than three, or if they have not been read yet
 * @property {string | null} last_success when it succeeded last, or had nothing to do
 * @property {boolean} failing whether its last telling end was a failure
 * @property {number | null} max_age how old its last success may be; null if it has no `max_age`
 * @property {string | null} overdue_at when it is overdue, or has been since; null if it has no `max_age`
 * @property {number | null} slow_after after how long an active run is slow; null if it has no `slow_after`, or its usual runtime is unknown
 * @property {string | null} armed_at from when on its ticks count
 * @property {boolean} running whether it is running; a run whose start waits for its record is not running yet
 * @property {string | null} waits what keeps it from starting although it is due: a slot, a mutex, its record, a resource of the host; null if nothing does
 * @property {boolean} paused whether it is paused
 * @property {string} run_on `each` or `one`: which of the hosts of a fleet that have it run it
 * @property {string | null} standby why another host, or none, decides about it; null if this host does
 * @property {boolean} disabled whether it is disabled
 * @property {boolean} elsewhere whether it is disabled because its `hosts` do not select this host
 * @property {string} when its condition, in the normal form
 * @property {string | null} on the occasion at which it also runs: `boot` `startup` `shutdown`
 * @property {string[]} tags its tags
 * @property {string} file its task file
 * @property {number} [line] where it begins in its file; only of a disabled task
 * @property {"task"} event
 * @property {number} id the number of the event, or of the newest one
 */

/**
 * how many tasks are in each state has changed, or the listener has just begun; at most five times a second
 * @typedef {object} EventCounts
 * @property {number} running tasks that are running
 * @property {number} failed tasks whose last telling end was a failure
 * @property {number} late tasks that are overdue
 * @property {number} missed tasks whose newest event is a missed chance
 * @property {number} paused tasks that are paused
 * @property {number} disabled tasks that are disabled
 * @property {number} enabled tasks that are neither
 * @property {"counts"} event
 * @property {number} id the number of the event, or of the newest one
 */

/**
 * task files were read again, or more than 256 entries have changed at once
 * @typedef {object} EventTasks
 * @property {"tasks"} event
 * @property {number} id the number of the event, or of the newest one
 */

/**
 * Run
 * @typedef {object} Run
 * @property {string} task the name of its task
 * @property {string} run_id its id, a UUID
 * @property {number} number its number; 0 for an interval of misses
 * @property {number} attempt 1, or more if it is a retry
 * @property {string | null} due from when its condition held
 * @property {string | null} start when it was decided
 * @property {"schedule" | "retry" | "rerun" | "as-scheduled" | "hand" | "boot" | "startup" | "shutdown"} trigger why it was started
 * @property {string} reason the same as a sentence
 * @property {string | null} cause_task the task whose run made it due
 * @property {string | null} cause_run_id that run
 * @property {"run" | "success" | "fail" | "terminate" | "inaction" | "crash" | "missed" | "withdrawn"} action `run` while it is active; then `success` `fail` `terminate` `inaction` `crash`; `withdrawn` for a run that never began; `missed` for scheduled runs that did not happen
 * @property {string | null} end when it ended
 * @property {number | null} runtime from the start of its process to its end, or until now
 * @property {number | null} cpu_time what it has used, as the next three keys; null where unknown
 * @property {number | null} memory_peak bytes
 * @property {number | null} io_read bytes
 * @property {number | null} io_written bytes
 * @property {"exit" | "timeout" | "stop_when" | "operator" | "replace" | "shutdown" | "down" | "shortage" | "store" | null} cause how it ended: `exit` `timeout` `stop_when` `operator` `replace` `shutdown` `down`; why it never began: `shortage` `store`, or one of the others
 * @property {number | null} exit_code its exit code
 * @property {number | null} signal the signal that ended it
 * @property {string} message what went wrong or is missing, as a sentence; often empty
 * @property {string | null} exc_text the traceback of a function; null if the client may not see it
 * @property {string | null} output the end of its output; in the answer about a single run also while it is active; null if the client may not see it
 * @property {string | null} host where it ran
 * @property {string | null} boot_id in which boot
 * @property {number | null} pid its process
 * @property {number | null} pid_start field 22 of `/proc/PID/stat`
 */

/**
 * Active run
 * @typedef {object} ActiveRun
 * @property {string} task the name of its task
 * @property {string} run_id its id, a UUID
 * @property {number} number its number; 0 for an interval of misses
 * @property {number} attempt 1, or more if it is a retry
 * @property {string | null} due from when its condition held
 * @property {string | null} start when it was decided
 * @property {"schedule" | "retry" | "rerun" | "as-scheduled" | "hand" | "boot" | "startup" | "shutdown"} trigger why it was started
 * @property {string} reason the same as a sentence
 * @property {string | null} cause_task the task whose run made it due
 * @property {string | null} cause_run_id that run
 * @property {string | null} begun when it got its process; null if it has none yet
 */

/**
 * Log page
 * @typedef {object} LogPage
 * @property {Run[]} runs up to 250, oldest first
 * @property {number | null} next the value of `after` for the next request; null at the end
 */

/**
 * Timeline row
 * @typedef {object} TimelineRow
 * @property {string} task its name; a task of one part may come again in the next
 * @property {([number, string, string | null, string])[]} runs `[number, start, end, action]` of each; `end` is null while it is active
 * @property {string[]} missed when each interval of misses began
 */

/**
 * Timeline
 * @typedef {object} Timeline
 * @property {TimelineRow[]} rows a row per task
 * @property {string | null} next the value of `after` for the next request; null at the end
 */

/**
 * Planned start
 * @typedef {object} PlannedStart
 * @property {string} task
 * @property {string} at when it is expected to start
 * @property {string} reason why, a sentence
 */

/**
 * Plan
 * @typedef {object} Plan
 * @property {PlannedStart[]} starts in order of time
 * @property {string | null} next the value of `after` for the next request; null at the end
 * @property {boolean} complete whether all starts until then are known: the search ends after 20,000 starts, or 5 seconds
 */

/**
 * Stretch
 * @typedef {object} Stretch
 * @property {string} at its beginning
 * @property {number} success how many runs ended so
 * @property {number} fail how many runs ended so
 * @property {number} terminate how many runs ended so
 * @property {number} crash how many runs ended so
 * @property {number} inaction how many runs ended so
 * @property {number} missed how many chances were missed
 * @property {number} seconds how long its runs took, all together
 */

/**
 * Statistics
 * @typedef {object} Statistics
 * @property {number} step the length of a stretch, longer than asked for if there were more than 1000
 * @property {Stretch[]} buckets those in which something ended
 */

/**
 * Started run
 * @typedef {object} StartedRun
 * @property {string} task
 * @property {string | null} run_id the run; null if it has not started
 * @property {number | null} number its number; null if it has not started
 * @property {string | null} waits what the start waits for; null if it has started
 */

/**
 * Stopping runs
 * @typedef {object} StoppingRuns
 * @property {string} task
 * @property {number[]} stopping the numbers of the runs
 */

/**
 * a run was decided and is recorded
 * @typedef {object} EventStarted
 * @property {"started"} event
 * @property {string} task the name of its task
 * @property {string} run_id its id, a UUID
 * @property {number} number its number; 0 for an interval of misses
 * @property {number} attempt 1, or more if it is a retry
 * @property {string | null} due from when its condition held
 * @property {string | null} start when it was decided
 * @property {"schedule" | "retry" | "rerun" | "as-scheduled" | "hand" | "boot" | "startup" | "shutdown"} trigger why it was started
 * @property {string} reason the same as a sentence
 * @property {string | null} cause_task the task whose run made it due
 * @property {string | null} cause_run_id that run
 * @property {"run" | "success" | "fail" | "terminate" | "inaction" | "crash" | "missed" | "withdrawn"} action `run` while it is active; then `success` `fail` `terminate` `inaction` `crash`; `withdrawn` for a run that never began; `missed` for scheduled runs that did not happen
 * @property {number} id the number of the event, or of the newest one
 */

/**
 * it got its process
 * @typedef {object} EventSpawned
 * @property {"spawned"} event
 * @property {string} task the name of its task
 * @property {string} run_id its id, a UUID
 * @property {number} number its number; 0 for an interval of misses
 * @property {number} attempt 1, or more if it is a retry
 * @property {string | null} due from when its condition held
 * @property {string | null} start when it was decided
 * @property {"schedule" | "retry" | "rerun" | "as-scheduled" | "hand" | "boot" | "startup" | "shutdown"} trigger why it was started
 * @property {string} reason the same as a sentence
 * @property {string | null} cause_task the task whose run made it due
 * @property {string | null} cause_run_id that run
 * @property {"run" | "success" | "fail" | "terminate" | "inaction" | "crash" | "missed" | "withdrawn"} action `run` while it is active; then `success` `fail` `terminate` `inaction` `crash`; `withdrawn` for a run that never began; `missed` for scheduled runs that did not happen
 * @property {number} pid its process
 * @property {number} id the number of the event, or of the newest one
 */

/**
 * it ended
 * @typedef {object} EventFinished
 * @property {"finished"} event
 * @property {string} task the name of its task
 * @property {string} run_id its id, a UUID
 * @property {number} number its number; 0 for an interval of misses
 * @property {number} attempt 1, or more if it is a retry
 * @property {string | null} due from when its condition held
 * @property {string | null} start when it was decided
 * @property {"schedule" | "retry" | "rerun" | "as-scheduled" | "hand" | "boot" | "startup" | "shutdown"} trigger why it was started
 * @property {string} reason the same as a sentence
 * @property {string | null} cause_task the task whose run made it due
 * @property {string | null} cause_run_id that run
 * @property {"run" | "success" | "fail" | "terminate" | "inaction" | "crash" | "missed" | "withdrawn"} action `run` while it is active; then `success` `fail` `terminate` `inaction` `crash`; `withdrawn` for a run that never began; `missed` for scheduled runs that did not happen
 * @property {string | null} end when it ended
 * @property {number | null} runtime from the start of its process to its end, or until now
 * @property {number | null} cpu_time what it has used, as the next three keys; null where unknown
 * @property {number | null} memory_peak bytes
 * @property {number | null} io_read bytes
 * @property {number | null} io_written bytes
 * @property {"exit" | "timeout" | "stop_when" | "operator" | "replace" | "shutdown" | "down" | "shortage" | "store" | null} cause how it ended: `exit` `timeout` `stop_when` `operator` `replace` `shutdown` `down`; why it never began: `shortage` `store`, or one of the others
 * @property {number | null} exit_code its exit code
 * @property {number | null} signal the signal that ended it
 * @property {string} message what went wrong or is missing, as a sentence; often empty
 * @property {string | null} exc_text the traceback of a function; null if the client may not see it
 * @property {string | null} output the end of its output; in the answer about a single run also while it is active; null if the client may not see it
 * @property {number} id the number of the event, or of the newest one
 */

/**
 * it never began, and its task is still due
 * @typedef {object} EventWithdrawn
 * @property {"withdrawn"} event
 * @property {string} task the name of its task
 * @property {string} run_id its id, a UUID
 * @property {number} number its number; 0 for an interval of misses
 * @property {number} attempt 1, or more if it is a retry
 * @property {string | null} due from when its condition held
 * @property {string | null} start when it was decided
 * @property {"schedule" | "retry" | "rerun" | "as-scheduled" | "hand" | "boot" | "startup" | "shutdown"} trigger why it was started
 * @property {string} reason the same as a sentence
 * @property {string | null} cause_task the task whose run made it due
 * @property {string | null} cause_run_id that run
 * @property {"run" | "success" | "fail" | "terminate" | "inaction" | "crash" | "missed" | "withdrawn"} action `run` while it is active; then `success` `fail` `terminate` `inaction` `crash`; `withdrawn` for a run that never began; `missed` for scheduled runs that did not happen
 * @property {string} end
 * @property {"exit" | "timeout" | "stop_when" | "operator" | "replace" | "shutdown" | "down" | "shortage" | "store"} cause
 * @property {string} message why it never began
 * @property {number} id the number of the event, or of the newest one
 */

/**
 * chances passed, and nothing will run for them
 * @typedef {object} EventMissed
 * @property {"missed"} event
 * @property {string} task
 * @property {string} run_id
 * @property {string | null} at when this was noticed
 * @property {string | null} first the first chance that was missed
 * @property {string | null} last the last one
 * @property {number} count how many
 * @property {string} reason why
 * @property {number} id the number of the event, or of the newest one
 */

/**
 * a run printed a line
 * @typedef {object} EventOutput
 * @property {"output"} event
 * @property {string} task
 * @property {string} run_id
 * @property {number} number
 * @property {"stdout" | "stderr"} stream `stdout`, or `stderr` for tasks with `separate_stderr`
 * @property {string} line the line
 */

/**
 * events were dropped here, because this client was too slow; up to about 16 MiB of output can wait for it
 * @typedef {object} EventLost
 * @property {"lost"} event
 * @property {number | null} count how many; null if that is not known
 */

/**
 * sent after 30 seconds without an event
 * @typedef {object} EventAlive
 * @property {"alive"} event
 * @property {string} at the time
 * @property {number} id the number of the event, or of the newest one
 */

/**
 * Output line
 * @typedef {object} OutputLine
 * @property {"output"} event `output`
 * @property {"stdout" | "stderr" | null} stream `stdout` or `stderr`; null for what was printed before the request
 * @property {string} line the line
 * @property {number} n its number in this answer
 */

/**
 * Output end
 * @typedef {object} OutputEnd
 * @property {"end"} event `end`
 * @property {"run" | "success" | "fail" | "terminate" | "inaction" | "crash" | "missed" | "withdrawn"} action `run` while it is active; then `success` `fail` `terminate` `inaction` `crash`; `withdrawn` for a run that never began; `missed` for scheduled runs that did not happen
 */

/**
 * Status
 * @typedef {object} Status
 * @property {string} version the daemon's version
 * @property {number} pid its PID
 * @property {string} since when it was started
 * @property {string} store the place of the records
 * @property {string} timezone the name of the host's time zone; `localtime` if it has none
 * @property {number} tasks how many tasks are loaded
 * @property {number} disabled how many are disabled
 * @property {number} running how many runs are active
 * @property {number} problems how many problems the task files have
 * @property {FileProblems} file_problems the same, by their effect
 * @property {NotLoaded[]} not_loaded files of which something is missing
 * @property {string[]} directories where task files are read
 * @property {string | null} degraded what does not work at the moment; null if everything works
 * @property {boolean} stopping whether the daemon is shutting down and starts nothing new
 * @property {string | null} fleet the name of its fleet; null if it is in none
 */

/**
 * File problems
 * @typedef {object} FileProblems
 * @property {number} files files of which nothing is loaded
 * @property {number} missing their tasks
 * @property {number} kept files whose last good tasks stay
 * @property {number} tasks single tasks that are not loaded
 * @property {number} errors other errors
 * @property {number} warnings warnings
 */

/**
 * Not loaded
 * @typedef {object} NotLoaded
 * @property {string} file its path
 * @property {"bad" | "kept" | "loaded"} outcome `bad`: nothing of it is loaded; `kept`: its last good tasks stay; `loaded`: only these tasks are missing, and the file is listed once per problem
 * @property {string[]} tasks the names of the tasks that are missing, as far as they are known
 * @property {number} line the line of the first error
 * @property {string} problem the first error
 */

/**
 * what does not work has changed, or the daemon stops
 * @typedef {object} EventStatus
 * @property {string} version the daemon's version
 * @property {number} pid its PID
 * @property {string} since when it was started
 * @property {string} store the place of the records
 * @property {string} timezone the name of the host's time zone; `localtime` if it has none
 * @property {number} tasks how many tasks are loaded
 * @property {number} disabled how many are disabled
 * @property {number} running how many runs are active
 * @property {number} problems how many problems the task files have
 * @property {FileProblems} file_problems the same, by their effect
 * @property {NotLoaded[]} not_loaded files of which something is missing
 * @property {string[]} directories where task files are read
 * @property {string | null} degraded what does not work at the moment; null if everything works
 * @property {boolean} stopping whether the daemon is shutting down and starts nothing new
 * @property {string | null} fleet the name of its fleet; null if it is in none
 * @property {"status"} event
 * @property {number} id the number of the event, or of the newest one
 */

/**
 * Reload
 * @typedef {object} Reload
 * @property {number} tasks how many tasks are loaded
 * @property {number} disabled how many are disabled
 * @property {Problem[]} problems as in `rocketctl check --json`
 */

/**
 * Problem
 * @typedef {object} Problem
 * @property {string} file its path
 * @property {number} line where it is; 0 if that is the file as a whole
 * @property {number} column
 * @property {string} task which task it is about; empty if none
 * @property {"error" | "warning"} severity
 * @property {string} message what is wrong, a sentence
 * @property {string} hint what to do; may be empty
 * @property {string} source_line the line as it is written
 * @property {number} width how many characters of it are meant
 * @property {number} source_column from which one on
 */

/**
 * Pruned records
 * @typedef {object} PrunedRecords
 * @property {number} records how many were deleted
 * @property {string} before they were older than this
 * @property {boolean} dry_run whether they were only counted
 */

/**
 * Fleet
 * @typedef {object} Fleet
 * @property {string} fleet its name
 * @property {string} host the name of this host
 * @property {Host[]} hosts its hosts
 */

/**
 * Drained host
 * @typedef {object} DrainedHost
 * @property {string} host this host
 * @property {boolean} drained whether it is to own no tasks
 */

/**
 * Moved tasks
 * @typedef {object} MovedTasks
 * @property {string} host the host that is to own them
 * @property {string[]} tasks the task, and those that have its mutex
 */

/**
 * Lost host
 * @typedef {object} LostHost
 * @property {string} host its name
 * @property {string[]} runs its runs that count as lost now: `report/17`
 */

/**
 * Host
 * @typedef {object} Host
 * @property {string} host its name
 * @property {"alive" | "silent" | "lost" | "stopped"} state `alive`; `silent`: its lease has run out; `lost`: `lost_after` as well; `stopped`: it has said so
 * @property {number} lease_left when its lease runs out, negative if it has
 * @property {string | null} seen its last sign of life
 * @property {number} silent_for since when it is silent
 * @property {number} lost_after after which time it is lost
 * @property {string | null} joined when it joined last
 * @property {number | null} clock_offset how far its clock is ahead of that of the database
 * @property {string} version its rocketd
 * @property {string[]} tags the tags of its `[fleet]`
 * @property {number} tasks how many tasks it has
 * @property {number} running how many runs are active
 * @property {number} waiting how many records it had not sent
 * @property {number} owned tasks with `run_on = "one"` that it owns
 * @property {string[]} differs its tasks that are not as on most other hosts
 * @property {string} obstacle why it owns no tasks, `drained` if somebody has said so; empty if it may
 * @property {string} state_id the id of its state directory
 */

/**
 * Fleet task
 * @typedef {object} FleetTask
 * @property {string} task its name
 * @property {string} [description] what it is for
 * @property {string | null} [next] when it is expected to start, including its splay; null if unknown. For a paused task, the first start after the pause; null if the pause has no end
 * @property {string | null} [next_if] the condition on probes that must hold then
 * @property {string | null} [now_if] the condition on probes that starts it earlier, as soon as it holds
 * @property {string | null} [last_start] when its newest run started
 * @property {"run" | "success" | "fail" | "terminate" | "inaction" | "crash" | "missed" | "withdrawn" | null} [last_action] how that ended, `run` while it is active
 * @property {"exit" | "timeout" | "stop_when" | "operator" | "replace" | "shutdown" | "down" | "shortage" | "store" | null} [last_cause] what ended it, as `cause` of a run
 * @property {string | null} [last_run_id] its id
 * @property {string | null} [last_end] when a run of it ended last
 * @property {number | null} [last_runtime] how long that took
 * @property {number | null} [usual_runtime] the median of its last 20 successful runs; null with fewer than three, or if they have not been read yet
 * @property {string | null} [last_success] when it succeeded last, or had nothing to do
 * @property {boolean} [failing] whether its last telling end was a failure
 * @property {number | null} [max_age] how old its last success may be; null if it has no `max_age`
 * @property {string | null} [overdue_at] when it is overdue, or has been since; null if it has no `max_age`
 * @property {number | null} [slow_after] after how long an active run is slow; null if it has no `slow_after`, or its usual runtime is unknown
 * @property {string | null} [armed_at] from when on its ticks count
 * @property {boolean} [running] whether it is running; a run whose start waits for its record is not running yet
 * @property {string | null} [waits] what keeps it from starting although it is due: a slot, a mutex, its record, a resource of the host; null if nothing does
 * @property {boolean} [paused] whether it is paused
 * @property {string} [run_on] `each` or `one`: which of the hosts of a fleet that have it run it
 * @property {string | null} [standby] why another host, or none, decides about it; null if this host does
 * @property {boolean} [disabled] whether it is disabled
 * @property {boolean} [elsewhere] whether it is disabled because its `hosts` do not select this host
 * @property {string} [when] its condition, in the normal form
 * @property {string | null} [on] the occasion at which it also runs: `boot` `startup` `shutdown`
 * @property {string[]} [tags] its tags
 * @property {string} [file] its task file
 * @property {number} [line] where it begins in its file; only of a disabled task
 * @property {string} host whose it is; what is said of the task is as that host's version of rocketd says it
 * @property {boolean} alive whether that host is alive
 * @property {string | null} owner which host owns it, or did so last; null without `run_on = "one"`, and if it was handed back
 */

/**
 * Fleet counts
 * @typedef {object} FleetCounts
 * @property {number} running tasks that were running when their host was heard of last
 * @property {number} failed tasks whose last telling end was a failure
 * @property {number} late tasks that are overdue
 * @property {number} missed tasks whose newest event is a missed chance
 * @property {number} paused tasks that are paused
 * @property {number} one tasks with `run_on = "one"`
 */

/**
 * Fleet tasks
 * @typedef {object} FleetTasks
 * @property {FleetTask[]} tasks as many as `limit` says
 * @property {boolean} more whether there are more than these
 * @property {string | null} next the value of `after` for the next request; null at the end
 * @property {number} total how many there are on all pages
 * @property {FleetCounts} counts how many of those with this `match` and `host` are in each state
 */

/**
 * Fleet run
 * @typedef {object} FleetRun
 * @property {string} task the name of its task
 * @property {string} run_id its id, a UUID
 * @property {number} number its number; 0 for an interval of misses
 * @property {number} attempt 1, or more if it is a retry
 * @property {string | null} due from when its condition held
 * @property {string | null} start when it was decided
 * @property {"schedule" | "retry" | "rerun" | "as-scheduled" | "hand" | "boot" | "startup" | "shutdown"} trigger why it was started
 * @property {string} reason the same as a sentence
 * @property {string | null} cause_task the task whose run made it due
 * @property {string | null} cause_run_id that run
 * @property {"run" | "success" | "fail" | "terminate" | "inaction" | "crash" | "missed" | "withdrawn"} action `run` while it is active; then `success` `fail` `terminate` `inaction` `crash`; `withdrawn` for a run that never began; `missed` for scheduled runs that did not happen
 * @property {string | null} end when it ended
 * @property {number | null} runtime from the start of its process to its end, or until now
 * @property {number | null} cpu_time what it has used, as the next three keys; null where unknown
 * @property {number | null} memory_peak bytes
 * @property {number | null} io_read bytes
 * @property {number | null} io_written bytes
 * @property {"exit" | "timeout" | "stop_when" | "operator" | "replace" | "shutdown" | "down" | "shortage" | "store" | null} cause how it ended: `exit` `timeout` `stop_when` `operator` `replace` `shutdown` `down`; why it never began: `shortage` `store`, or one of the others
 * @property {number | null} exit_code its exit code
 * @property {number | null} signal the signal that ended it
 * @property {string} message what went wrong or is missing, as a sentence; often empty
 * @property {string | null} exc_text the traceback of a function; null if the client may not see it
 * @property {string | null} output the end of its output; in the answer about a single run also while it is active; null if the client may not see it
 * @property {string | null} host where it ran
 * @property {string | null} boot_id in which boot
 * @property {number | null} pid its process
 * @property {number | null} pid_start field 22 of `/proc/PID/stat`
 * @property {string} scope which state directory counts its number
 * @property {boolean} [open] true for a run of a host that is not alive
 */

/**
 * Client
 * @typedef {object} Client
 * @property {string} by who asks, as records say it
 * @property {number} uid the user id of the process that asks
 * @property {string[]} may `act`, everything; `look`, at all tasks; `operate`, look at the tasks in `operates`, run, stop, pause and resume them
 * @property {string[] | null} operates those tasks; null if it may do everything
 */

/**
 * Error
 * @typedef {object} Error
 * @property {string} error what is wrong, a sentence
 * @property {string} hint what to do; may be empty
 */

/** @typedef {EventTask | EventCounts | EventTasks | EventStarted | EventSpawned | EventFinished | EventWithdrawn | EventMissed | EventOutput | EventLost | EventAlive | EventStatus} AnyEvent */

export {};
