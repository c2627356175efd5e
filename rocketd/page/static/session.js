// The session with the server of `rocketctl web`, for the token of its address; and the first answer. No other module
// is needed for these: they are asked for while the rest of the page is on its way.

const STORED = "rocketctl-web";
const HANDOVER = 300; // milliseconds that a new tab waits for the session of another one

/** The page is one of Cockpit's, which has its own way to the daemon. */
export const isInCockpit = /^\/cockpit[/+]/.test(location.pathname);

const isOfOverview = /^(#\/?|#token=.*)?$/.test(location.hash);

/** Return the session, null if this browser has none; throws the answer of the server if that refuses the token. */
async function obtain() {
    const token = new URLSearchParams(location.hash.slice(1)).get("token");
    if (token) {
        history.replaceState(null, "", location.pathname); // out of the address bar and the history
        const response = await fetch("session", { method: "POST", body: token });
        if (!response.ok) throw response;
        sessionStorage.setItem(STORED, await response.text());
    }
    const session = sessionStorage.getItem(STORED) ?? await ofAnotherTab();
    if (!session) return null;
    sessionStorage.setItem(STORED, session);
    handOver(session);
    return JSON.parse(session);
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

/** The headers of requests in this session. */
export const headersOf = ({ session }) => ({ Authorization: `Bearer ${session}` });

/** `{ session, may_write }`, or null if this browser has none. Of Cockpit's page: null. */
export const session = isInCockpit ? Promise.resolve(null) : obtain();

/** What the overview shows, if that is the first view; null: the view has to ask for it. */
export const firstAnswer = session.then(async given => {
    if (!given || !isOfOverview) return null;
    const response = await fetch("v1/overview", { headers: headersOf(given) });
    return response.ok ? response.json() : null;
}).catch(() => null); // whoever asks again learns why
