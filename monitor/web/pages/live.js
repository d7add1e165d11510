// What this tab knows of now: the newest live event, whether the stream stands, and who listens.

import { set_clock } from "./format.js";
import { LiveStream } from "./stream.js";

export const live = {
    now: null, // the newest event, as the server sent it
    heard_at: null, // when it came, by this machine's clock
    is_open: null, // null: not known yet
    is_full: false, // it does not stand because the monitor has no more room for dashboards
    retry_at: null, // when the next try is, while it is not
    is_paused: false, // by the user: what is shown stays
};

// Of what time the figures are, where they are no longer those of now; null: they are.
export function last_known_at() {
    if (!live.now || live.is_paused) {
        return null;
    }
    const { broker, time } = live.now;
    if (broker.state === "silent") {
        return time - broker.silent_ms;
    }
    return live.is_open === false ? time : null;
}

// Not since the monitor started: there are no figures at all.
export function was_never_a_broker() {
    return live.now?.broker.state === "absent";
}

const listeners = new Set();
let send = () => {};

export function on_live(listener) {
    listeners.add(listener);
    return () => listeners.delete(listener);
}

function tell_all() {
    for (const listener of listeners) {
        listener();
    }
}

function take(message) {
    if (message.live) {
        set_clock(message.live.time);
        live.heard_at = Date.now();
        live.is_open = true;
        live.is_full = false;
        if (live.is_paused) {
            return;
        }
        live.now = message.live;
    } else {
        live.is_open = message.open;
        live.is_full = message.is_full ?? false;
        live.retry_at = message.retry_at ?? null;
    }
    tell_all();
}

export function set_paused(is_paused) {
    live.is_paused = is_paused;
    tell_all();
}

// For a session that has just begun, or a user who does not want to wait for the next try.
export function reconnect() {
    send({ again: true });
}

function start_shared() {
    const worker = new SharedWorker("/assets/live_worker.js", {
        type: "module",
        name: "xebec-live",
    });
    worker.port.onmessage = ({ data }) => take(data);
    worker.onerror = () => start_own();
    send = (message) => worker.port.postMessage(message);
}

function start_own() {
    const stream = new LiveStream(take);
    send = (message) => {
        if (message.again) {
            stream.connect();
        } else if (!message.farewell) {
            stream.set_wanted(message.is_seen);
        }
    };
    say_seen();
}

function say_seen() {
    send({ is_seen: document.visibilityState === "visible" });
}

export function start_live() {
    try {
        start_shared();
    } catch {
        start_own();
    }
    say_seen();
    document.addEventListener("visibilitychange", say_seen);
    addEventListener("pageshow", say_seen);
    addEventListener("pagehide", () => send({ farewell: true }));
    setInterval(() => {
        if (document.visibilityState === "visible") {
            say_seen();
        }
    }, 10_000);
}
