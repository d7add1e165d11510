// The shared worker: one stream for all tabs of this browser, closed while none of them is seen.

import { LiveStream } from "/assets/stream.js";

const tab_silence_max_ms = 40_000; // a seen tab speaks every 10 s; one that crashed says no farewell

const tabs = new Map(); // port -> {is_seen, heard_at}
let last_live = null;
let last_state = null;

const stream = new LiveStream((message) => {
    if (message.live) {
        last_live = message;
    } else {
        last_state = message;
    }
    for (const port of tabs.keys()) {
        port.postMessage(message);
    }
});

function settle() {
    const now = Date.now();
    let any_seen = false;
    for (const tab of tabs.values()) {
        any_seen ||= tab.is_seen && now - tab.heard_at < tab_silence_max_ms;
    }
    stream.set_wanted(any_seen);
}

self.onconnect = (event) => {
    const port = event.ports[0];
    tabs.set(port, { is_seen: false, heard_at: Date.now() });
    port.onmessage = ({ data }) => {
        if (data.farewell) {
            tabs.delete(port);
        } else if (data.again) {
            stream.connect();
        } else {
            const was_seen = tabs.get(port)?.is_seen;
            tabs.set(port, { is_seen: data.is_seen, heard_at: Date.now() });
            if (data.is_seen && !was_seen) {
                greet(port);
            }
        }
        settle();
    };
};

// A tab that comes later starts with what is known, not with a blank second.
function greet(port) {
    if (stream.source && last_live) {
        port.postMessage(last_live);
    }
    if (stream.source && last_state) {
        port.postMessage(last_state);
    }
}

setInterval(settle, 10_000);
