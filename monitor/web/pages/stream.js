// The one connection that brings the live events, and its repair. Runs in a page or in a shared
// worker, so it touches no document.

const live_path = "/api/v1/live";
const pause_first_ms = 1000;
const pause_max_ms = 10_000;
const linger_ms = 2000; // whoever goes from tab to tab does not cut it
const silence_max_ms = 20_000; // the monitor tells something at least every 15 s

export class LiveStream {
    // `tell` is called with {live: {…}} for every event and with {open: true} or
    // {open: false, retry_at: ms, is_full} when the connection comes or goes.
    constructor(tell) {
        this.tell = tell;
        this.source = null;
        this.timer = null;
        this.farewell = null;
        this.pause_ms = pause_first_ms;
        this.is_wanted = false;
    }

    // Connected while wanted; nothing at all is sent or received otherwise.
    set_wanted(is_wanted) {
        if (is_wanted === this.is_wanted) {
            return;
        }
        this.is_wanted = is_wanted;
        clearTimeout(this.farewell);
        if (!is_wanted) {
            this.farewell = setTimeout(() => this.close(), linger_ms);
        } else if (!this.source) {
            this.pause_ms = pause_first_ms;
            this.connect();
        }
    }

    connect() {
        this.close();
        const source = new EventSource(live_path);
        this.source = source;
        source.addEventListener("live", (event) => {
            this.pause_ms = pause_first_ms;
            this.watch();
            this.tell({ live: JSON.parse(event.data) });
        });
        source.onopen = () => {
            this.watch();
            this.tell({ open: true });
        };
        source.onerror = () =>
            source.readyState === EventSource.CLOSED ? this.retry_refused(source) : this.retry();
        this.watch();
    }

    // It was answered, but not with a stream, and the browser does not say why: ask again to know.
    async retry_refused(source) {
        const asking = new AbortController();
        const answer = await fetch(live_path, { signal: asking.signal }).catch(() => null);
        const is_full = answer?.status === 503;
        asking.abort();
        if (this.source === source) {
            this.retry(is_full);
        }
    }

    // The browser's own repair gives up on some failures and never says when it tries: ours does both.
    retry(is_full = false) {
        this.close();
        if (!this.is_wanted) {
            return;
        }
        const pause_ms = this.pause_ms;
        this.pause_ms = Math.min(2 * pause_ms, pause_max_ms);
        this.timer = setTimeout(() => this.connect(), pause_ms);
        this.tell({ open: false, retry_at: Date.now() + pause_ms, is_full });
    }

    watch() {
        clearTimeout(this.timer);
        this.timer = setTimeout(() => this.retry(), silence_max_ms);
    }

    close() {
        clearTimeout(this.timer);
        this.source?.close();
        this.source = null;
    }
}
