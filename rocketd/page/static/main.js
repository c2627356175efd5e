// The page: one view at a time, by the address; and the one stream of events that keeps it up to date.

import { actions } from "./actions.js";
import { h, morph, visible } from "./dom.js";
import { clockSeconds, counted, useZone, zoneName } from "./format.js";
import { keyboard } from "./keyboard.js";
import { KINDS, Model } from "./model.js";
import { problem, tick } from "./parts.js";
import { connect, Failure, ifAllowed } from "./transport.js";
import { words } from "./words.js";
import { overview } from "./views/overview.js";

// The other views are loaded once the first one is there, or when they are gone to.
const VIEWS = { "": overview };
const LAZY = ["tasks", "task", "runs", "run", "day", "files", "fleet"];
const viewOf = async name => VIEWS[name] ??= (await import(`./views/${name}.js`))[name];
const serverEnded = () => new Failure(words.serverEnded, { hint: words.serverEndedHint });
const unreachable = () => ({ title: words.title, load: () => Promise.reject(serverEnded()) });

const RETRIES = [500, 1000, 2000, 4000]; // milliseconds between attempts to reach the daemon
const SILENCE = 75_000; // milliseconds: the daemon gives a sign of life every 30 s
const REFRESH = 2000; // milliseconds between two times that a view asks again, however much happens
const HIDDEN = 10_000; // milliseconds after which a page that nobody sees gives its connection back

const $ = id => document.getElementById(id);

class App {
    constructor() {
        this.model = new Model();
        this.api = null;
        this.view = null;
        /** Its name in `VIEWS`. */
        this.viewName = "";
        this.path = "";
        /** The view that has read what it shows. */
        this.loaded = null;
        this.error = null;
        /** Why there are no events: null while there are. */
        this.lost = null;
        this.lostAt = 0;
        /** Whether the connection was given back because nobody sees the page. */
        this.isAway = false;
        this.attempts = 0;
        this.refreshedAt = 0;
        this.refreshing = null;
        /** The view that is reading; whether it is to do so again. */
        this.reading = null;
        this.isWantedAgain = false;
        this.actions = actions(this);
    }

    async start() {
        try {
            this.api = await connect();
        } catch (error) {
            return this.fail(error);
        }
        const begun = await this.api.begun();
        this.begun = begun && this.know(begun);
        addEventListener("hashchange", () => this.route());
        document.addEventListener("visibilitychange", () => this.see());
        addEventListener("pagehide", () => this.disconnect()); // or the end of the stream would be drawn while the next page loads
        addEventListener("pageshow", ({ persisted }) => persisted && this.see());
        setInterval(tick, 1000);
        keyboard();
        this.route();
        this.listen();
    }

    /** Return an overview that was asked for before the page was there, once. */
    takeBegun() {
        const { begun } = this;
        this.begun = null;
        return begun;
    }

    /** Remember what an overview says of all; returns it. */
    know(answer) {
        this.model.know(answer);
        useZone(this.model.status.timezone);
        return answer;
    }

    // -- the daemon ---------------------------------------------------------------------------------------------------

    listen() {
        clearTimeout(this.retry);
        const query = { kinds: KINDS, after: this.model.eventId };
        // Subscribed before anything is read: what happens in between is not missed.
        this.close = this.api.stream("/v1/events", query, event => this.heard(event), error => this.ended(error), () => this.opened());
        this.watch();
    }

    watch() {
        clearTimeout(this.watching);
        this.watching = setTimeout(() => { this.close(); this.ended(new Failure(words.silent)); }, SILENCE);
    }

    async opened() {
        const wasLost = this.lost;
        this.lost = null;
        this.attempts = 0;
        try {
            if (wasLost || !this.model.status) await this.readStatus();
        } catch (error) {
            return; // the stream ends as well
        }
        if (wasLost || this.error) await this.refresh();
        this.draw();
    }

    async readStatus() {
        const status = ifAllowed(this.api.get("/v1/status")).then(found => { this.model.status = found ?? {}; });
        // 404: the daemon is older than the page, until it is restarted.
        const me = this.api.get("/v1/me").catch(error => { if (error.status !== 404) throw error; });
        await Promise.all([status, me.then(found => { this.model.me = found ?? null; })]);
        useZone(this.model.status.timezone);
    }

    ended(error) {
        clearTimeout(this.watching);
        if (!this.lost) this.lostAt = Date.now();
        this.lost = error ?? new Failure(words.noConnection, { hint: words.notRunningHint });
        this.draw();
        if (this.lost.status === 401) return;
        const wait = this.lost.denied ? RETRIES.at(-1) : RETRIES[Math.min(this.attempts++, RETRIES.length - 1)];
        this.retry = setTimeout(() => this.listen(), wait);
    }

    heard(event) {
        this.watch();
        if (event.event === "alive") return;
        this.model.apply(event);
        if (["lost", "tasks", "status"].includes(event.event)) this.refreshSoon();
        this.view?.heard?.(event);
        this.drawSoon();
    }

    /** A page that nobody sees: browsers open only six connections to a server, for all tabs together. */
    see() {
        clearTimeout(this.hiding);
        if (document.hidden) {
            this.hiding = setTimeout(() => this.disconnect(), HIDDEN);
        } else if (this.isAway) {
            this.isAway = false;
            this.lost = this.lost ?? new Failure(words.connecting);
            this.listen();
        }
    }

    disconnect() {
        this.close?.();
        clearTimeout(this.watching);
        clearTimeout(this.retry);
        this.isAway = true;
    }

    // -- the view -----------------------------------------------------------------------------------------------------

    async route() {
        clearTimeout(scrolling); // that was the place of the view before
        const [path, query] = location.hash.replace(/^#\/?/, "").split("?");
        const [first, ...rest] = path.split("/").map(decodeURIComponent);
        const name = LAZY.includes(first) ? first : "";
        const turn = this.turn = {};
        const make = await viewOf(name).catch(() => unreachable);
        if (this.turn !== turn) return;
        this.view?.close?.();
        const isFirst = !this.view;
        const view = make(this, rest, new URLSearchParams(query));
        Object.assign(this, { view, viewName: name, path, error: null });
        this.draw();
        document.title = `${view.title} – ${words.title}`;
        await this.refresh(true);
        if (isFirst) setTimeout(() => LAZY.forEach(each => viewOf(each).catch(() => {})));
        if (this.view !== view) return;
        if (!isFirst) $("main").focus({ preventScroll: true });
        scrollTo(0, history.state?.scroll ?? 0);
    }

    /** Draw a view that has read what it shows first, and reads on. */
    show(view) {
        if (this.view !== view) return;
        Object.assign(this, { error: null, loaded: view });
        this.draw();
    }

    /** Have the view read what it shows, and draw it. */
    async refresh(isNew = false) {
        const { view } = this;
        clearTimeout(this.refreshing);
        this.refreshing = null;
        this.isWantedAgain = this.reading === view; // two answers could overtake each other
        if (this.isWantedAgain) return;
        this.refreshedAt = Date.now();
        this.reading = view;
        try {
            await view.load();
            if (this.view === view) Object.assign(this, { error: null, loaded: view });
        } catch (error) {
            if (!(error instanceof Failure)) console.error(error);
            if (this.view === view && (isNew || error.status)) this.error = error;
        }
        if (this.view !== view) return;
        this.reading = null;
        this.draw();
        if (this.isWantedAgain) await this.refresh();
    }

    /** The same, soon: not more often than every two seconds. */
    refreshSoon(least = REFRESH) {
        if (this.refreshing || this.lost || this.isAway) return;
        const wait = Math.max(100, this.refreshedAt + least - Date.now());
        this.refreshing = setTimeout(() => this.refresh(), wait);
    }

    drawSoon() {
        this.frame ??= requestAnimationFrame(() => this.draw());
    }

    draw() {
        cancelAnimationFrame(this.frame);
        this.frame = null;
        morph($("nav"), this.nav());
        morph($("health"), this.health());
        morph($("banner"), this.banner());
        if (!this.view || !this.error && this.loaded !== this.view) { // what is there stays until there is more
            $("main").setAttribute("aria-busy", "true");
            return;
        }
        const content = this.error ? problem(this.error) : this.view.render();
        morph($("main"), h("main", { id: "main", tabindex: "-1", class: this.isStale ? "stale" : null, "data-view": this.path }, content));
        if (!this.error) this.view.drawn?.();
    }

    nav() {
        const isCurrent = name => name === this.viewName || { tasks: "task", runs: "run" }[name] === this.viewName;
        return h("nav", { id: "nav", "aria-label": "Views" }, Object.entries(words.views).filter(([name]) => name !== "fleet" || this.model.status?.fleet).map(([name, label]) =>
            h("a", { href: `#/${name}`, "data-key": `nav-${name}`, "aria-current": isCurrent(name) ? "page" : null }, label,
                name === "files" && this.model.status?.problems ? h("span", { class: "count" }, String(this.model.status.problems)) : null)));
    }

    health() {
        const { status } = this.model;
        const attributes = { id: "health", role: "status", "aria-live": "polite" };
        if (this.lost || !status) return h("p", { ...attributes, class: this.lost ? "bad" : null }, this.lost ? visible(this.lost.message) : words.connecting);
        const state = status.degraded ? "bad" : status.problems || this.model.counts?.failed ? "warn" : "good";
        return h("p", { ...attributes, class: state },
            status.degraded ? words.isDegraded : status.version ? `${counted(status.tasks, "task")} · ${words.version(status.version)}` : words.operator,
            h("span", { title: words.zone(zoneName()) }, ` · ${zoneName()}`), this.api.mayWrite && this.model.mayOperate() ? null : ` · ${words.readOnly}`);
    }

    banner() {
        const { status } = this.model;
        const lines = [];
        if (this.isStale) lines.push(["bad", `${this.lost.message} ${this.lost.hint}`, this.lostAt && words.stale(clockSeconds(this.lostAt))]);
        if (!this.lost && status?.degraded) lines.push(["bad", words.degraded(status.degraded)]);
        if (!this.lost && status?.stopping) lines.push(["warn", words.stopping]);
        return h("div", { id: "banner", role: "region", "aria-label": words.notices, "aria-live": "polite" }, lines.map(([style, ...texts]) =>
            h("div", { class: `banner ${style}` }, texts.filter(Boolean).map(text => h("p", {}, visible(text))))));
    }

    /** Whether what is shown may have changed. Who may not connect sees nothing but that. */
    get isStale() {
        return Boolean(this.lost && this.loaded && !this.lost.denied);
    }

    /** A failure before there is anything to show. */
    fail(error) {
        this.error = error;
        $("health").textContent = error.message;
        $("health").className = "bad";
        $("main").replaceChildren(problem(error));
    }

    /** Say something that goes away by itself. */
    say(text, isBad = false) {
        const toast = $("toast");
        toast.textContent = visible(text);
        toast.className = isBad ? "bad" : "good";
        clearTimeout(this.saying);
        this.saying = setTimeout(() => { toast.textContent = ""; }, isBad ? 15_000 : 5000);
    }
}

let scrolling = 0; // where a page was is kept with its place in the history
addEventListener("scroll", () => {
    clearTimeout(scrolling);
    scrolling = setTimeout(() => history.replaceState({ scroll: scrollY }, ""), 150);
});

$("skip").onclick = event => { event.preventDefault(); $("main").focus(); };
new App().start();
