// Line icons on a grid of 16, drawn in the colour of the text around them.

import { h } from "./vdom.js";

const paths = {
    overview: "M2 12.5a6 6 0 1 1 12 0M8 12.5l3-4.5",
    queues: "M2 3.5h12M2 8h9M2 12.5h5.5",
    workers:
        "M4.5 4.5h7v7h-7zM6.5 1.5v3M9.5 1.5v3M6.5 11.5v3M9.5 11.5v3M1.5 6.5h3M1.5 9.5h3M11.5 6.5h3M11.5 9.5h3",
    tasks: "M2 3.5h1.5M6 3.5h8M2 8h1.5M6 8h8M2 12.5h1.5M6 12.5h8",
    submit: "M8 3v10M3 8h10",
    search: "M7 11.5a4.5 4.5 0 1 1 0-9 4.5 4.5 0 0 1 0 9zM10.3 10.3L14 14",
    pause: "M5.5 3v10M10.5 3v10",
    play: "M5 3l8 5-8 5z",
    light: "M8 10.8a2.8 2.8 0 1 1 0-5.6 2.8 2.8 0 0 1 0 5.6zM8 1v1.6M8 13.4V15M1 8h1.6M13.4 8H15M3 3l1.2 1.2M11.8 11.8L13 13M13 3l-1.2 1.2M4.2 11.8L3 13",
    dark: "M13.5 9.8A6 6 0 0 1 6.2 2.5a6 6 0 1 0 7.3 7.3z",
    system: "M2 3h12v8H2zM6 14h4M8 11v3",
    help: "M5.8 6a2.2 2.2 0 1 1 3.2 2c-.7.4-1 .8-1 1.6M8 12.2v.3",
    good: "M3 8.5l3.2 3.2L13 4.8",
    bad: "M8 2.2L14.5 13.5h-13zM8 6.5v3.3M8 11.6v.2",
    warn: "M8 14.2A6.2 6.2 0 1 1 8 1.8a6.2 6.2 0 0 1 0 12.4zM8 5v3.8M8 10.8v.2",
    right: "M6 3.5L10.5 8 6 12.5",
    down: "M3.5 6L8 10.5 12.5 6",
    close: "M4 4l8 8M12 4l-8 8",
    copy: "M5.5 5.5v-3h8v8h-3M2.5 5.5h8v8h-8z",
    retry: "M13 8a5 5 0 1 1-1.6-3.7M13 2v3.2H9.8",
    settings: "M2 4.5h7M12 4.5h2M9 3v3M2 11.5h2M7 11.5h7M7 10v3",
    drain: "M3 2.5h10M8 5.5v7M4.8 9.5L8 12.7l3.2-3.2",
    leave: "M6.5 2.5h-4v11h4M6.5 8h7M10.5 5l3 3-3 3",
    up: "M8 13V3.5M4 7.5l4-4 4 4",
};

export function icon(name) {
    return h(
        "svg",
        { class: "icon", viewBox: "0 0 16 16", "aria-hidden": "true" },
        h("path", { d: paths[name] }),
    );
}
