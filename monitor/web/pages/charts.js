// Line charts over time: at most four lines, named at their ends, gaps left open.

import { clock } from "./format.js";
import { h } from "./vdom.js";
import { colour, on_theme } from "./theme.js";

const label_width = 92;
const redraw_pause_ms = 500;
const logarithmic_floor = 10; // microseconds: what is shorter does not matter
const charts = new Set();

on_theme(() => {
    for (const chart of charts) {
        chart.restyle();
    }
});

// A chart as a node. `lines`: [{column, name, colour (a custom property), is_filled}];
// `write(value)`: a value with its unit; `data`: {times, columns, events(), span_ms}; `top`: the
// least upper end of the scale.
export function line_chart({ key, label, lines, data, write, is_logarithmic = false, top = null }) {
    return h("div", {
        key,
        class: "chart",
        opaque: true,
        role: "img",
        "aria-label": label,
        mount: (element) => {
            element.$chart = new LineChart(element, { lines, write, is_logarithmic });
        },
        updated: (element) => element.$chart.show(data, top),
        unmount: (element) => element.$chart.destroy(),
    });
}

class LineChart {
    constructor(element, options) {
        this.options = options;
        this.drawn_at = 0;
        this.is_empty = true;
        const canvas = element.appendChild(document.createElement("canvas"));
        this.chart = new Chart(canvas, this.configuration());
        this.chart.$write = options.write;
        charts.add(this);
    }

    destroy() {
        charts.delete(this);
        this.chart.destroy();
    }

    show(data, top) {
        const is_first = this.is_empty && data.times.length > 0;
        const passed = performance.now() - this.drawn_at;
        if ((passed < redraw_pause_ms && !is_first) || document.visibilityState === "hidden") {
            return;
        }
        this.drawn_at = performance.now();
        this.is_empty = data.times.length === 0;
        const { chart } = this;
        chart.$events = data.events();
        this.options.lines.forEach((line, index) => {
            chart.data.datasets[index].data = points(
                data.times,
                data.columns[line.column] ?? [],
                this.options.is_logarithmic ? logarithmic_floor : -Infinity,
            );
        });
        const end = data.times.at(-1) ?? Date.now();
        chart.options.scales.x.min = end - data.span_ms;
        chart.options.scales.x.max = end;
        if (top !== null && top !== undefined) {
            chart.options.scales.y.suggestedMax = top;
        }
        chart.update("none");
    }

    restyle() {
        const { scales, plugins } = this.chart.options;
        for (const scale of Object.values(scales)) {
            scale.grid.color = colour("line-soft");
            scale.ticks.color = colour("text-faint");
        }
        Object.assign(plugins.tooltip, tooltip_colours());
        this.options.lines.forEach((line, index) =>
            Object.assign(this.chart.data.datasets[index], line_colours(line)),
        );
        this.chart.update("none");
    }

    configuration() {
        const { lines, write, is_logarithmic } = this.options;
        return {
            type: "line",
            data: {
                datasets: lines.map((line) => ({
                    label: line.name,
                    data: [],
                    ...line_shape,
                    ...line_colours(line),
                    fill: line.is_filled ? "origin" : false,
                })),
            },
            plugins: [end_labels, rules],
            options: {
                animation: false,
                responsive: true,
                maintainAspectRatio: false,
                parsing: false,
                normalized: true,
                spanGaps: false,
                interaction: { mode: "index", intersect: false, axis: "x" },
                layout: { padding: { right: label_width, top: 6 } },
                scales: { x: time_scale(), y: value_scale(write, is_logarithmic) },
                plugins: {
                    legend: { display: false },
                    tooltip: {
                        ...tooltip_shape,
                        ...tooltip_colours(),
                        callbacks: {
                            title: (items) => (items.length ? clock(items[0].parsed.x) : ""),
                            label: (item) => ` ${item.dataset.label}  ${write(item.raw.value)}`,
                        },
                    },
                },
            },
        };
    }
}

// {x, y, value}: what lies below `floor`, such as 0 on a logarithmic scale, is drawn there.
function points(times, column, floor) {
    return times.map((x, index) => {
        const value = column[index] ?? NaN;
        return { x, y: value < floor ? floor : value, value };
    });
}

const line_shape = {
    borderWidth: 1.5,
    tension: 0,
    pointHitRadius: 0,
    pointHoverRadius: 3,
    borderJoinStyle: "round",
    // A point between two gaps would be invisible as a line.
    pointRadius: (context) => {
        const { data } = context.dataset;
        const at = context.dataIndex;
        const is_alone =
            Number.isNaN(data[at - 1]?.y ?? NaN) && Number.isNaN(data[at + 1]?.y ?? NaN);
        return is_alone && !Number.isNaN(data[at]?.y ?? NaN) ? 1.5 : 0;
    },
};

function line_colours(line) {
    const ink = colour(line.colour);
    return {
        borderColor: ink,
        pointBackgroundColor: ink,
        pointBorderColor: ink,
        backgroundColor: line.is_filled ? `${ink}1f` : ink,
    };
}

function time_scale() {
    return {
        type: "linear",
        grid: { color: colour("line-soft"), drawBorder: false, drawTicks: false, display: false },
        ticks: {
            color: colour("text-faint"),
            font: font(),
            callback: (value) => clock(value, false),
            maxRotation: 0,
            padding: 6,
        },
        afterBuildTicks: (scale) => {
            const span = scale.max - scale.min;
            const step = span > 2_000_000 ? 600_000 : span > 500_000 ? 180_000 : 60_000;
            scale.ticks = [];
            for (
                let value = Math.ceil((scale.min + span * 0.02) / step) * step;
                value <= scale.max - span * 0.02;
                value += step
            ) {
                scale.ticks.push({ value });
            }
        },
    };
}

function value_scale(write, is_logarithmic) {
    return {
        ...(is_logarithmic
            ? { type: "logarithmic", min: logarithmic_floor, suggestedMax: 100 * logarithmic_floor }
            : { type: "linear", beginAtZero: true, grace: "5%" }),
        grid: { color: colour("line-soft"), drawBorder: false, drawTicks: false },
        ticks: {
            color: colour("text-faint"),
            font: font(),
            maxTicksLimit: 5,
            padding: 8,
            callback: (value) =>
                is_logarithmic && value <= logarithmic_floor
                    ? `≤ ${write(logarithmic_floor)}` // what lies below is drawn there
                    : without_zeros(write(value)),
        },
        afterFit: (scale) => {
            scale.width = 64;
        }, // the charts of a column share one left edge
        afterBuildTicks: is_logarithmic ? keep_decades : undefined,
    };
}

// "20.0 k" on an axis is 20 k.
function without_zeros(text) {
    return text.replace(/(\.\d*?)0+(?=\s|$)/, "$1").replace(/\.(?=\s|$)/, "");
}

function keep_decades(scale) {
    const ticks = [];
    for (
        let decade = Math.ceil(Math.log10(scale.min || 1) - 0.001);
        decade <= Math.log10(scale.max) + 0.001;
        ++decade
    ) {
        ticks.push({ value: 10 ** decade });
    }
    if (ticks.length >= 2) {
        scale.ticks = ticks.length > 5 ? ticks.filter((_, index) => index % 2 === 0) : ticks;
    }
}

function font() {
    return { family: getComputedStyle(document.body).fontFamily, size: 11 };
}

const tooltip_shape = {
    borderWidth: 1,
    cornerRadius: 4,
    padding: 8,
    boxWidth: 8,
    boxHeight: 8,
    usePointStyle: true,
    caretSize: 0,
    caretPadding: 12,
    titleFont: { size: 11, weight: "normal" },
    bodyFont: { size: 12 },
};

function tooltip_colours() {
    return {
        backgroundColor: colour("raised"),
        borderColor: colour("line"),
        titleColor: colour("text-faint"),
        bodyColor: colour("text"),
    };
}

// Writes name and newest value at the end of each line, moved apart where they would meet.
const end_labels = {
    id: "end_labels",
    afterDatasetsDraw(chart) {
        const { ctx, chartArea: area } = chart;
        const labels = [];
        chart.data.datasets.forEach((set, index) => {
            const at = set.data.findLastIndex((point) => !Number.isNaN(point.y));
            if (at < 0) {
                return;
            }
            const { y, value } = set.data[at];
            const is_old = set.data.length - at > 3; // there is a gap up to now
            labels.push({
                y: chart.scales.y.getPixelForValue(y),
                name: set.label,
                value: is_old ? "–" : chart.$write(value),
                ink: set.borderColor,
                index,
            });
        });
        spread(labels, area.top + 4, area.bottom - 4, 26);
        ctx.save();
        ctx.textBaseline = "middle";
        const { family } = font();
        for (const label of labels) {
            ctx.fillStyle = label.ink;
            ctx.fillRect(area.right + 8, label.y - 11, 2, 22);
            ctx.font = `600 12px ${family}`;
            ctx.fillStyle = colour("text");
            ctx.fillText(label.value, area.right + 15, label.y - 5);
            ctx.font = `11px ${family}`;
            ctx.fillStyle = colour("text-faint");
            ctx.fillText(label.name, area.right + 15, label.y + 7);
        }
        ctx.restore();
    },
};

// Sorts from top to bottom and keeps `least` between neighbours, within `top` and `bottom`.
function spread(labels, top, bottom, least) {
    labels.sort((a, b) => a.y - b.y || a.index - b.index);
    let floor = top + least / 2;
    for (const label of labels) {
        label.y = Math.max(label.y, floor);
        floor = label.y + least;
    }
    let ceiling = bottom - least / 2;
    for (const label of labels.toReversed()) {
        label.y = Math.min(label.y, ceiling);
        ceiling = label.y - least;
    }
}

// A dashed rule where the broker or a worker came or went; the hovered time as a plain one.
const rules = {
    id: "rules",
    beforeDatasetsDraw(chart) {
        const { ctx, chartArea: area, scales } = chart;
        ctx.save();
        ctx.lineWidth = 1;
        ctx.setLineDash([2, 3]);
        for (const event of shown_events(chart)) {
            ctx.strokeStyle = colour(event.is_bad ? "dead" : "text-faint");
            line(ctx, Math.round(scales.x.getPixelForValue(event.time)) + 0.5, area);
        }
        const hovered = chart.tooltip?.getActiveElements?.()[0];
        if (hovered) {
            ctx.setLineDash([]);
            ctx.strokeStyle = colour("line");
            line(ctx, Math.round(hovered.element.x) + 0.5, area);
        }
        ctx.restore();
    },
    afterDatasetsDraw(chart) {
        const { ctx } = chart;
        ctx.save();
        ctx.font = `10px ${font().family}`;
        ctx.textBaseline = "middle";
        for (const { words, left, width, y } of placed_labels(chart)) {
            ctx.globalAlpha = 0.85; // a line behind it does not cross it out
            ctx.fillStyle = colour("surface");
            ctx.fillRect(left - 2, y - 6, width + 4, 12);
            ctx.globalAlpha = 1;
            ctx.fillStyle = colour("text-faint");
            ctx.fillText(words, left, y);
        }
        ctx.restore();
    },
};

function shown_events(chart) {
    const { min, max } = chart.scales.x;
    return (chart.$events ?? []).filter(({ time }) => time >= min && time <= max);
}

const label_lanes = 3;
const label_height = 13;
// Who has room first.
const label_order = ["broker_restarted", "worker_lost", "broker_silent"];

// {words, left, width, y} of every label. One that would lie on another of its kind is counted with
// it; one for which no lane has room is left out.
function placed_labels(chart) {
    const { ctx, chartArea: area, scales } = chart;
    const placed = [];
    const place = (label, words) => {
        const width = ctx.measureText(words).width;
        const is_left = label.x + 5 + width > area.right;
        Object.assign(label, { words, width, left: is_left ? label.x - 5 - width : label.x + 5 });
    };
    const meet = (a, b) => a.left < b.left + b.width + 8 && b.left < a.left + a.width + 8;
    for (const event of shown_events(chart)) {
        const label = { event, count: 1, x: scales.x.getPixelForValue(event.time) };
        place(label, event.words(1));
        const like = placed.findLast(({ event: other }) => other.kind === event.kind);
        if (like && meet(like, label)) {
            place(like, event.words(++like.count));
        } else {
            placed.push(label);
        }
    }
    const rank = ({ event }) => (label_order.indexOf(event.kind) + 9) % 9; // the others last
    placed.sort((a, b) => rank(a) - rank(b));
    const lanes = Array.from({ length: label_lanes }, () => []);
    for (const label of placed) {
        const lane = lanes.findIndex((others) => !others.some((other) => meet(other, label)));
        if (lane >= 0) {
            lanes[lane].push({ ...label, y: area.top + 6 + lane * label_height });
        }
    }
    return lanes.flat();
}

function line(ctx, x, area) {
    ctx.beginPath();
    ctx.moveTo(x, area.top);
    ctx.lineTo(x, area.bottom);
    ctx.stroke();
}
