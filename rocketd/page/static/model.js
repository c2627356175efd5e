// What the page knows, and how events change it. No element is made here, and nothing is asked for.

/**
 * @typedef {import("./types.js").Status} Status
 * @typedef {import("./types.js").Client} Client
 * @typedef {import("./types.js").Counts} Counts
 * @typedef {import("./types.js").Task} Task
 * @typedef {import("./types.js").AnyEvent} AnyEvent
 */

/** The events that are asked for: all but the lines of output, which only the page of a run wants. */
export const KINDS = "started,spawned,finished,withdrawn,missed,task,tasks,counts,status";

/** How runs end well, and how they do not. */
export const GOOD = ["success", "inaction"];
export const BAD = ["missed", "terminate", "crash", "fail"];

export class Model {
    constructor() {
        /** @type {Status | null} */
        this.status = null;
        /** @type {Client | null} */
        this.me = null;
        /** How many tasks are in each state. @type {Counts | null} */
        this.counts = null;
        /** Rows of the list of tasks, by name: those that a view has asked for. @type {Map<string, Task>} */
        this.tasks = new Map();
        /** The id of the newest event, from which to go on after a loss of the connection. @type {number | null} */
        this.eventId = null;
    }

    /** Remember what an overview says; events go on from there. @param {import("./types.js").Overview} answer */
    know(answer) {
        this.status = answer.status ?? /** @type {any} */ ({});
        this.me = answer.client;
        this.eventId ??= answer.event_id;
    }

    /** Remember counts of all tasks that were asked for after the event `since`, unless there was one about them. */
    count(counts, since) {
        if (!this.isNewer(this.counts, since)) this.counts = counts;
    }

    /** Remember rows of the list of tasks in the same way; returns their names, in order. */
    take(rows, since = this.eventId) {
        for (const row of rows) if (!this.isNewer(this.tasks.get(row.task), since)) this.tasks.set(row.task, row);
        return rows.map(row => row.task);
    }

    /** Whether an event after `since` has said so: an answer that was on its way then may be older. */
    isNewer(known, since) {
        return known?.id > since;
    }

    /** The rows about which there was an event after `since`. */
    changedSince(since) {
        return [...this.tasks.values()].filter(row => this.isNewer(row, since));
    }

    rows(names) {
        return names.map(name => this.tasks.get(name)).filter(Boolean);
    }

    /** Whether this user may look at all tasks, and hears when their counts change. */
    get mayLook() {
        return this.me?.may.includes("look") ?? true;
    }

    /** Whether this user may do everything, as far as is known. */
    get mayAct() {
        return this.me?.may.includes("act") ?? true;
    }

    /** Whether this user may run, stop, pause and resume a task; without a name: any of them. */
    mayOperate(name) {
        const mine = this.me?.operates ?? [];
        return this.mayAct || (name ? mine.includes(name) : mine.length > 0);
    }

    /** Change what is known as an event says. @param {AnyEvent} event */
    apply(event) {
        if ("id" in event) this.eventId = event.id;
        if (event.event === "status" && this.status) Object.assign(this.status, event);
        if (event.event === "counts") this.counts = event;
        const row = "task" in event ? this.tasks.get(event.task) : null;
        if (row) Object.assign(row, changes(event, row), { id: event.id });
    }
}

// What an event of a run says about its task's row, until the row itself comes with an event `task`.
/** @param {AnyEvent} event @param {Task} row @returns {Partial<Task>} */
function changes(event, row) {
    switch (event.event) {
    case "task": return event;
    case "spawned": return { running: true, last_start: event.start, last_action: "run", last_run_id: event.run_id };
    case "finished": return {
        running: false,
        last_action: event.action,
        last_cause: event.cause,
        last_run_id: event.run_id,
        last_end: event.end,
        last_runtime: event.runtime,
        ...GOOD.includes(event.action) ? { last_success: event.end, failing: false } : { failing: true },
    };
    case "missed": return { last_action: "missed", failing: row.failing };
    default: return {};
    }
}
