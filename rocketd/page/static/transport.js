// One interface to the control socket, with two ways to it: get, post, and stream.

import { isInCockpit } from "./session.js";

/** Why a request failed. `status`: that of HTTP, 0 if there was no answer; `hint`: what to do, often empty. */
export class Failure extends Error {
    constructor(message, { status = 0, hint = "", denied = false } = {}) {
        super(message);
        Object.assign(this, { status, hint, denied });
    }
}

/** Return what an error's body says. */
export function failure(body, status) {
    try {
        const { error, hint } = JSON.parse(body);
        return new Failure(error, { status, hint });
    } catch {
        return new Failure(`The answer has the status ${status}.`, { status });
    }
}

/** Return a function that takes text as it comes, and calls `onObject` for each complete line of JSON. */
export function jsonLines(onObject) {
    let rest = "";
    return text => {
        const lines = (rest + text).split("\n");
        rest = lines.pop();
        for (const line of lines) if (line.trim()) onObject(JSON.parse(line));
    };
}

/** Return the path with a query, without parameters that are empty. */
export function target(path, query = {}) {
    const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== null && value !== "");
    return given.length ? `${path}?${new URLSearchParams(given)}` : path;
}

/** Return the path of a task or of a run, which is named by its task and number or by its id alone. */
export const taskPath = (name, rest = "") => `/v1/tasks/${encodeURIComponent(name)}${rest}`;
export const runPath = (name, number, rest = "") => `/v1/runs/${encodeURIComponent(name)}${number ? `/${number}` : ""}${rest}`;

/** Return what an answer says, or null where this user may not ask for it: an operator sees his own tasks only. */
export const ifAllowed = promise => promise.catch(error => {
    if (error.status === 403) return null;
    throw error;
});

/** Connect the way this page was served; raises Failure. */
export async function connect() {
    const { connect: open } = await import(isInCockpit ? "./cockpit.js" : "./http.js");
    return open();
}
