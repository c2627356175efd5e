// The way of `rocketctl web`: HTTP to the server that served this page, with a session for the token of its address.

import { Failure, failure, jsonLines, target } from "./transport.js";
import { words } from "./words.js";

const STORED = "rocketctl-web";
const HANDOVER = 300; // milliseconds that a new tab waits for the session of another one

class HttpTransport {
    constructor({ session, may_write: mayWrite }) {
        this.mayWrite = mayWrite;
        this.isInCockpit = false;
        this.headers = { Authorization: `Bearer ${session}` };
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
    const token = new URLSearchParams(location.hash.slice(1)).get("token");
    if (token) {
        history.replaceState(null, "", location.pathname); // out of the address bar and the history
        const response = await fetch("session", { method: "POST", body: token });
        if (!response.ok) throw failure(await response.text(), response.status);
        sessionStorage.setItem(STORED, await response.text());
    }
    const session = sessionStorage.getItem(STORED) ?? await ofAnotherTab();
    if (!session) throw new Failure(words.noSession, { status: 401, hint: words.noSessionHint });
    sessionStorage.setItem(STORED, session);
    handOver(session);
    return new HttpTransport(JSON.parse(session));
}

// A link that is opened in another tab: its storage is empty, and only pages of this very server hear the channel.
function ofAnotherTab() {
    const channel = new BroadcastChannel(STORED);
    return new Promise(resolve => {
        channel.onmessage = ({ data }) => data.session && resolve(data.session);
        setTimeout(resolve, HANDOVER, null);
        channel.postMessage({ wanted: true });
    }).finally(() => channel.close());
}

function handOver(session) {
    const channel = new BroadcastChannel(STORED);
    channel.onmessage = ({ data }) => { if (data.wanted) channel.postMessage({ session }); };
}
