// The way of `rocketctl web`: HTTP to the server that served this page.

import { firstAnswer, headersOf, session } from "./session.js";
import { Failure, failure, jsonLines, target } from "./transport.js";
import { words } from "./words.js";

class HttpTransport {
    constructor(given) {
        this.mayWrite = given.may_write;
        this.isInCockpit = false;
        this.headers = headersOf(given);
    }

    /** What has been asked for already: an overview, or null. */
    begun() {
        return firstAnswer;
    }

    async #ask(path, options) {
        let response;
        try {
            response = await fetch(path, { ...options, headers: { ...this.headers, ...options.headers } });
        } catch (error) {
            if (error.name === "AbortError") throw error;
            throw new Failure(words.serverEnded, { hint: words.serverEndedHint });
        }
        if (!response.ok) throw noAnswer(failure(await response.text(), response.status));
        return response;
    }

    async get(path, query) {
        return (await this.#ask(target(path, query), {})).json();
    }

    async post(path, body = {}) {
        const headers = { "Content-Type": "application/json" };
        return (await this.#ask(path, { method: "POST", body: JSON.stringify(body), headers })).json();
    }

    /** There is no page of the journal beside this one. */
    journal() {
        return null;
    }

    /** Call `onObject` for each line; `onEnd` once, with a Failure or null. Returns a function that closes it. */
    stream(path, query, onObject, onEnd, onOpen = () => {}) {
        const stop = new AbortController();
        const read = async () => {
            const response = await this.#ask(target(path, query), { signal: stop.signal });
            onOpen();
            const push = jsonLines(onObject);
            const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
            for (;;) {
                const { done, value } = await reader.read();
                if (done) return null;
                push(value);
            }
        };
        read().catch(error => error).then(end => { if (!stop.signal.aborted) onEnd(end); });
        return () => stop.abort();
    }
}

// 502: the server is there, and the daemon is not.
function noAnswer(error) {
    return error.status === 502 ? new Failure(error.message, { hint: error.hint, denied: /permission/.test(error.message) }) : error;
}

/** Return a transport; raises Failure if this browser has no session. */
export async function connect() {
    let given;
    try {
        given = await session;
    } catch (refusal) {
        if (!(refusal instanceof Response)) throw new Failure(words.serverEnded, { hint: words.serverEndedHint });
        throw failure(await refusal.text(), refusal.status);
    }
    if (!given) throw new Failure(words.noSession, { status: 401, hint: words.noSessionHint });
    return new HttpTransport(given);
}
