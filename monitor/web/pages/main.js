// Starts the dashboard: theme, live events, the frame around the pages, the pages.

import { on_unauthorized } from "./api.js";
import { ask_token } from "./session.js";
import { start_keys } from "./keys.js";
import { start_live } from "./live.js";
import { start_router } from "./router.js";
import { start_shell } from "./shell.js";
import { overview } from "./overview.js";
import { queues } from "./queues.js";
import { workers } from "./workers.js";
import { tasks } from "./tasks.js";
import { task } from "./task.js";
import { submit } from "./submit.js";

const pages = {
    "/": overview,
    "/queues": queues,
    "/workers": workers,
    "/tasks": tasks,
    "/submit": submit,
};

function find_page(path) {
    const key = path.match(/^\/tasks\/([^/]+)$/);
    return key
        ? { page: task, key: decodeURIComponent(key[1]) }
        : { page: pages[path] ?? overview, key: null };
}

on_unauthorized(ask_token);
start_router(document.getElementById("main"), find_page);
start_shell();
start_keys();
start_live();
