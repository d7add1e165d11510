// A line without axes: the shape of the last minutes beside a figure.

import { h } from "./vdom.js";

const width = 120;
const height = 20;

// `values`: numbers, null where nothing is known (a gap); evenly apart, oldest first.
export function spark(values, label) {
    if (!values || values.length < 2) {
        return h("span", { class: "spark none", "aria-hidden": "true" });
    }
    const is_flat = values.every((value) => !value);
    const top = Math.max(1, ...values.map((value) => value ?? 0));
    const runs = [];
    let run = [];
    values.forEach((value, index) => {
        if (value === null) {
            runs.push(run);
            run = [];
        } else {
            const x = (index / (values.length - 1)) * (width - 2) + 1;
            run.push(`${x.toFixed(1)} ${(height - 2 - (value / top) * (height - 4)).toFixed(1)}`);
        }
    });
    runs.push(run);
    const drawn = runs.filter((points) => points.length > 1);
    return h(
        "svg",
        {
            class: `spark ${is_flat ? "is-flat" : ""}`,
            viewBox: `0 0 ${width} ${height}`,
            preserveAspectRatio: "none",
            role: "img",
            "aria-label": label,
        },
        h("path", { class: "spark-area", d: drawn.map(area).join("") }),
        h("path", {
            class: "spark-line",
            d: drawn.map((points) => `M${points.join("L")}`).join(""),
        }),
    );
}

function area(points) {
    const first = points[0].split(" ")[0];
    const last = points.at(-1).split(" ")[0];
    return `M${first} ${height}L${points.join("L")}L${last} ${height}Z`;
}
