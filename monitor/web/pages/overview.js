// Is anything wrong, and since when? The verdict in words; below it the evidence.

import { get } from "./api.js";
import { last_known_at, live, was_never_a_broker } from "./live.js";
import {
    broker_card,
    busiest_queues,
    failures,
    first_steps,
    is_untouched,
    state_strip,
} from "./overview_cards.js";
import { overview_charts } from "./overview_charts.js";
import { last_known, waiting } from "./parts.js";
import { Past, follow_past, ranges } from "./past.js";
import { is_token_asked } from "./session.js";
import { SteadyOrder } from "./steady_order.js";
import { h } from "./vdom.js";
import { verdict } from "./verdict.js";

const edge_ms = 15_000; // a range is full that much before its end

export const overview = {
    name: "overview",
    title: () => "Overview",
    start: (context) => new Overview(context),
};

class Overview {
    constructor(context) {
        this.context = context;
        this.errors = null;
        this.are_errors_missing = false;
        this.order = new SteadyOrder((a, b) => b.ready - a.ready || a.name.localeCompare(b.name));
        this.start_past();
        context.poll(2000, async () => {
            try {
                this.errors = await get("/errors");
            } finally {
                this.are_errors_missing = this.errors === null;
            }
        });
    }

    start_past(unasked = "1h") {
        this.unfollow?.();
        this.range = this.asked_range() ?? unasked;
        this.past = new Past(this.range);
        this.unfollow = follow_past(this.past, this.context);
    }

    stop() {
        this.unfollow();
    }

    asked_range() {
        const asked = this.context.query.get("range");
        return asked in ranges ? asked : null;
    }

    query_changed() {
        if ((this.asked_range() ?? this.range) !== this.range) {
            this.start_past();
        }
    }

    // An hour of which only some minutes are known would be an empty picture.
    fit_range() {
        if (this.asked_range() || !this.past.is_loaded) {
            return;
        }
        const known_ms = this.past.known_ms() + edge_ms;
        const fitting = Object.keys(ranges).find((name) => known_ms < ranges[name][0]) ?? "1h";
        const is_wider = ranges[fitting][0] > this.past.span_ms;
        if (fitting !== this.range && (is_wider || this.range === "1h")) {
            this.start_past(fitting);
        }
    }

    view() {
        if (!live.now) {
            return h(
                "div",
                { key: "overview" },
                h("h1", { class: "verdict-words" }, "Overview"),
                is_token_asked()
                    ? h("p", { class: "faint" }, "The figures come once you have signed in.")
                    : waiting(this.why_nothing()),
            );
        }
        return h(
            "div",
            {
                key: "overview",
                class: `overview ${last_known_at() === null ? "" : "is-last-known"}`,
            },
            verdict(live.now),
            was_never_a_broker() ? first_steps(live.now) : this.evidence(),
        );
    }

    evidence() {
        return [
            last_known(),
            state_strip(live.now.tasks),
            is_untouched(live.now) ? first_steps(live.now) : this.charts(),
            h(
                "div",
                { class: "columns" },
                busiest_queues(this.order.sort(live.now.queues)),
                failures(this.errors, this.are_errors_missing),
                broker_card(live.now),
            ),
        ];
    }

    why_nothing() {
        if (live.is_full) {
            return "The figures come once another dashboard is closed.";
        }
        return live.is_open === false
            ? "The monitor does not answer. This page goes on by itself once it does."
            : "Waiting for the first figures.";
    }

    charts() {
        this.fit_range();
        return overview_charts({
            past: this.past,
            range: this.range,
            is_run: this.context.query.get("latency") === "run",
            set_query: (changes, options) => this.context.set_query(changes, options),
        });
    }
}
