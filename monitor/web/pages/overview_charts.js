// The four charts of the overview.

import { line_chart } from "./charts.js";
import { clock, duration_us, exact, rate, short } from "./format.js";
import { live } from "./live.js";
import { choice } from "./parts.js";
import { ranges } from "./past.js";
import { h } from "./vdom.js";

const told_events_max = 50;

const range_choices = [
    { name: "5m", title: "5 min" },
    { name: "15m", title: "15 min" },
    { name: "1h", title: "1 h" },
];
const latency_choices = [
    { name: "wait", title: "Wait" },
    { name: "run", title: "Run" },
];

// `past` over `range`, one of `ranges`; the latency is that of runs or of waits. `set_query`
// changes both.
export function overview_charts({ past, range, is_run, set_query }) {
    const of = range === "1h" ? "last hour" : `last ${ranges[range][0] / 60_000} minutes`;
    const shown = { past, range, of, sample: live.now.sample ?? {} };
    const choose_range = (name) => set_query({ range: name }, { replace: true });
    const choose_latency = (name) =>
        set_query({ latency: name === "wait" ? "" : name }, { replace: true });
    return h(
        "section",
        { class: "charts", "aria-label": `Charts of the ${of}` },
        h(
            "div",
            { class: "charts-head" },
            h("h2", {}, `The ${of}`),
            choice("Range", range_choices, range, choose_range),
        ),
        h(
            "div",
            { class: "charts-grid" },
            throughput(shown),
            latency(shown, is_run ? "run" : "wait", choose_latency),
            queue_sizes(shown),
            slots(shown),
        ),
        event_list(past.events()),
    );
}

// What the rules in the charts stand for, to a screen reader.
function event_list(events) {
    if (events.length === 0) {
        return null;
    }
    return h(
        "ul",
        { class: "unseen", "aria-label": "What happened", "data-events": events.length },
        events
            .slice(-told_events_max)
            .toReversed()
            .map(({ time, name, words }) =>
                h("li", {}, `${clock(time)} ${words(1)}${name ? `: ${name}` : ""}`),
            ),
    );
}

function throughput({ past, range, of, sample }) {
    return chart_card("Throughput", "tasks a second", null, {
        key: `throughput ${range}`,
        data: past,
        write: rate,
        top: 1,
        label: `Tasks a second, ${of}; now ${rate(sample.submitted)} submitted, ${rate(sample.finished)} finished, ${rate(sample.failed)} failed`,
        lines: [
            { column: "finished", name: "finished", colour: "accent", is_filled: true },
            { column: "submitted", name: "submitted", colour: "text-faint" },
            { column: "failed", name: "failed", colour: "dead" },
        ],
    });
}

function latency({ past, range, of, sample }, part, choose) {
    const about = part === "run" ? "how long attempts run" : "how long tasks wait until they start";
    const [half, most] = [sample[`${part}_p50_us`], sample[`${part}_p99_us`]];
    return chart_card("Latency", about, choice("Latency of", latency_choices, part, choose), {
        key: `latency ${part} ${range}`,
        data: past,
        write: duration_us,
        is_logarithmic: true,
        label: `Latency, ${about}, ${of}; now half below ${duration_us(half)}, 99 of 100 below ${duration_us(most)}`,
        lines: [
            { column: `${part}_p99_us`, name: "p99", colour: "series-strong" },
            { column: `${part}_p95_us`, name: "p95", colour: "series-middle" },
            { column: `${part}_p50_us`, name: "p50", colour: "series-soft" },
        ],
    });
}

function queue_sizes({ past, range, of, sample }) {
    return chart_card("Queues", "tasks that wait and run", null, {
        key: `queues ${range}`,
        data: past,
        write: short,
        top: 4,
        label: `Tasks, ${of}; now ${short(sample.waiting)} wait, ${short(sample.running)} run`,
        lines: [
            { column: "waiting", name: "waiting", colour: "accent", is_filled: true },
            { column: "running", name: "running", colour: "leased" },
        ],
    });
}

function slots({ past, range, of }) {
    const { slots: all, slots_busy, workers } = live.now;
    return chart_card("Workers", "slots busy of all", null, {
        key: `workers ${range}`,
        data: past,
        write: short,
        top: 4,
        label: `Slots, ${of}; now ${exact(slots_busy)} of ${exact(all)} busy at ${exact(workers)} workers`,
        lines: [
            { column: "slots", name: "slots", colour: "text-faint" },
            { column: "slots_busy", name: "busy", colour: "leased", is_filled: true },
        ],
    });
}

function chart_card(title, about, aside, chart) {
    const head = h(
        "header",
        { class: "card-head" },
        h("h3", {}, title),
        h("span", { class: "faint" }, about),
        aside ? h("div", { class: "aside" }, aside) : null,
    );
    return h("section", { class: "card chart-card", "aria-label": title }, head, line_chart(chart));
}
