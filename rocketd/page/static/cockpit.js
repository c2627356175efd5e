// The way of Cockpit: its bridge connects to the control socket as the user who has logged in.

import { Failure, failure, jsonLines, target } from "./transport.js";
import { words } from "./words.js";

const CONTROL = "/run/rocketd/control.sock";
const VIEW = "/run/rocketd/view.sock";

const PATIENCE = 3000; // milliseconds until Cockpit has said whether the user has administrative access
const NOT_THERE = /not-found|Errno 2\b|Errno 111/;
const DENIED = /denied|Errno 13/;

// Cockpit has a switch for its style, which counts before the browser's wish.
function style(value = localStorage.getItem("shell:style")) {
    if (value === "dark" || value === "light") document.documentElement.dataset.style = value;
    else delete document.documentElement.dataset.style;
}
addEventListener("storage", event => { if (event.key === "shell:style") style(event.newValue); });
addEventListener("cockpit-style", (/** @type {CustomEvent} */ event) => style(event.detail.style));
style();

class CockpitTransport {
    constructor(cockpit, isAdministrator) {
        this.cockpit = cockpit;
        this.isInCockpit = true;
        this.mayWrite = true; // whether the daemon lets them is for the daemon to say
        // As oneself first, so that the record says who it was; as root only where one may not connect.
        this.ways = [{ unix: CONTROL }, ...isAdministrator ? [{ unix: CONTROL, superuser: "require" }] : [], { unix: VIEW }];
    }

    /** What has been asked for already: nothing. */
    begun() {
        return Promise.resolve(null);
    }

    async #asMay(ask) {
        const [way, next] = this.ways;
        try {
            return await ask(way);
        } catch (error) {
            if (!error.denied || !next) throw error;
            if (this.ways[0] === way) this.ways.shift(); // of several requests, the first one finds out
            return this.#asMay(ask);
        }
    }

    // Cockpit's promises hand over two values, and are not those of the browser.
    #ask(way, options) {
        const http = this.cockpit.http({ ...way }); // which writes into its options
        return new Promise((resolve, reject) => {
            http.request({ headers: {}, body: "", ...options })
                .then(resolve)
                .catch((error, body) => reject(error.status ? failure(body, error.status) : unreachable(error)));
        }).then(JSON.parse);
    }

    get(path, query) {
        return this.#asMay(way => this.#ask(way, { method: "GET", path: target(path, query) }));
    }

    post(path, body = {}) {
        const headers = { "Content-Type": "application/json" };
        return this.#asMay(way => this.#ask(way, { method: "POST", path, body: JSON.stringify(body), headers }));
    }

    /** A link to the records of a task in the journal: Cockpit's own page of it. */
    journal(task) {
        const place = `/system/logs#/?prio=debug&ROCKETD_TASK=${encodeURIComponent(task)}`;
        return { href: place, onclick: event => { event.preventDefault(); this.cockpit.jump(place); } };
    }

    // Not cockpit.http(): the bridge of Cockpit 287 does not say when the daemon goes away in the middle of a chunked
    // answer. A plain channel and HTTP/1.0, where the connection's end is that of the body, does.
    stream(path, query, onObject, onEnd, onOpen = () => {}) {
        const channel = this.cockpit.channel({ payload: "stream", binary: true, ...this.ways[0] });
        const decoder = new TextDecoder();
        const push = jsonLines(onObject);
        let head = "";
        let status = 0;
        let isClosed = false;
        const take = text => {
            if (status) return status === 200 ? push(text) : void (head += text);
            head += text;
            const end = head.indexOf("\r\n\r\n");
            if (end < 0) return;
            status = Number(head.split(" ")[1]);
            const body = head.slice(end + 4);
            if (status === 200) onOpen();
            head = "";
            take(body);
        };
        channel.addEventListener("message", (_, data) => take(decoder.decode(data, { stream: true })));
        channel.addEventListener("close", (_, end) => {
            if (isClosed) return;
            onEnd(status && status !== 200 ? failure(head, status) : end.problem ? unreachable(end) : null);
        });
        channel.send(new TextEncoder().encode(`GET ${target(path, query)} HTTP/1.0\r\nHost: rocketd\r\n\r\n`));
        return () => {
            isClosed = true;
            channel.close();
        };
    }
}

// The words of the bridges differ by version: only their kind is used.
function unreachable({ problem = "", message = "" }) {
    const text = `${problem} ${message}`;
    if (DENIED.test(text)) return new Failure(words.notPermitted, { hint: words.notPermittedHint, denied: true });
    if (NOT_THERE.test(text)) return new Failure(words.notRunning, { hint: words.notRunningHint });
    return new Failure(words.noConnection, { hint: words.notRunningHint });
}

/** Return a transport. The page is loaded again when the user gets, or gives up, administrative access. */
export async function connect() {
    await new Promise((resolve, reject) => {
        const script = document.createElement("script");
        Object.assign(script, { src: "../base1/cockpit.js", onload: resolve, onerror: reject });
        document.head.append(script);
    });
    const { cockpit } = /** @type {any} */ (window);
    await new Promise(resolve => { cockpit.transport.wait(resolve); });
    const administrator = cockpit.permission({ admin: true });
    await new Promise(resolve => {
        administrator.addEventListener("changed", resolve);
        if (administrator.allowed !== null) resolve();
        setTimeout(resolve, PATIENCE);
    });
    const was = administrator.allowed;
    administrator.addEventListener("changed", () => { if (administrator.allowed !== was) location.reload(); });
    const transport = new CockpitTransport(cockpit, was);
    await transport.get("/v1/status").catch(() => {}); // finds the way that is open
    return transport;
}
