// Times, durations and sizes as people read them. Times are those of the host's zone, whichever the browser has.

let zone; // undefined: that of the browser

/** Show times in this zone from now on. */
export function useZone(name) {
    if (!name || name === zone) return;
    try {
        new Intl.DateTimeFormat("en", { timeZone: name });
        zone = name;
        formats.clear();
    } catch {
        // The browser does not know it: its own zone stays, and the name of that one is shown.
    }
}

export const zoneName = () => zone ?? Intl.DateTimeFormat().resolvedOptions().timeZone;

const formats = new Map();
function format(locale, options) {
    const name = JSON.stringify([locale, options]);
    if (!formats.has(name)) formats.set(name, new Intl.DateTimeFormat(locale, { timeZone: zone, ...options }));
    return formats.get(name);
}

const SECOND = 1000;
const DAY = 86_400 * SECOND;
const DATE = { year: "numeric", month: "2-digit", day: "2-digit" };
const CLOCK = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
// What Swedes write is ISO 8601, without the T.
const iso = (time, options) => format("sv-SE", options).format(time);

/** Return the date of a time in the host's zone: `2026-11-29`. */
export const date = time => iso(time, DATE);
export const clock = time => iso(time, CLOCK);
export const clockSeconds = time => iso(time, { ...CLOCK, second: "2-digit" });
export const weekday = time => format("en", { weekday: "short" }).format(time);
export const full = time => `${weekday(time)} ${date(time)} ${clockSeconds(time)} ${zoneName()}`;

/** Return a date that is some days later or earlier; both as `2026-11-29`. */
export const shifted = (day, days) => new Date(Date.parse(`${day}T12:00Z`) + days * DAY).toISOString().slice(0, 10);

/** Return a time as short as it is clear from `now`. */
export function moment(time, now = Date.now()) {
    const distance = Math.round((Date.parse(`${date(time)}T12:00Z`) - Date.parse(`${date(now)}T12:00Z`)) / DAY);
    if (distance === 0) return clockSeconds(time);
    const names = { [-1]: "yesterday", 1: "tomorrow" };
    if (names[distance]) return `${names[distance]} ${clock(time)}`;
    return Math.abs(distance) < 7 ? `${weekday(time)} ${clock(time)}` : `${date(time)} ${clock(time)}`;
}

/** Return the instant, in milliseconds, at which clocks of the host's zone show `2026-11-29T10:00`. */
export function instant(local) {
    const wanted = Date.parse(`${local}Z`);
    const shown = time => Date.parse(iso(time, { ...DATE, ...CLOCK, second: "2-digit" }).replace(" ", "T") + "Z");
    let time = wanted;
    for (let i = 0; i < 3; i += 1) time += wanted - shown(time); // the second time for a change of the offset
    return time;
}

/** Return the first instants of a day and of the next one: 23 to 25 hours apart. */
export const bounds = day => [instant(`${day}T00:00`), instant(`${shifted(day, 1)}T00:00`)];

/** @type {[string, number][]} */
const UNITS = [["d", 86_400], ["h", 3600], ["min", 60], ["s", 1]];

/** Return a duration of so many seconds, with the two largest units that say something. */
export function duration(seconds) {
    if (seconds === null || seconds === undefined) return "–";
    if (seconds < 1) return `${Math.max(0, Math.round(seconds * 1000))} ms`;
    if (seconds < 10) return `${seconds.toFixed(1)} s`;
    let left = Math.round(seconds);
    const largest = UNITS.findIndex(([, size]) => left >= size);
    const parts = UNITS.slice(largest, largest + 2).map(([unit, size]) => {
        const count = Math.floor(left / size);
        left -= count * size;
        return count ? `${count} ${unit}` : "";
    });
    return parts.filter(Boolean).join(" ");
}

/** Return the distance of a time from now: `in 5 min`, `2 h ago`. */
export function relative(time, now = Date.now()) {
    const seconds = Math.abs(time - now) / SECOND;
    if (seconds < 1) return "now";
    const [unit, size] = UNITS.find(([, each]) => seconds >= each);
    const count = Math.floor(seconds / size);
    return time > now ? `in ${count} ${unit}` : `${count} ${unit} ago`;
}

/** Return a number of bytes: `12.5 MiB`. */
export function bytes(count) {
    if (count === null || count === undefined) return "–";
    const units = ["B", "KiB", "MiB", "GiB", "TiB"];
    const power = Math.min(units.length - 1, count < 1024 ? 0 : Math.floor(Math.log2(count) / 10));
    return `${power ? (count / 1024 ** power).toFixed(1) : count} ${units[power]}`;
}

export const counted = (count, one, many = `${one}s`) => `${count.toLocaleString("en")} ${count === 1 ? one : many}`;
