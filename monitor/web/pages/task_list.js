// The tasks that match a filter, as far down as one has gone, kept up to date where they are.

import { get, query_text } from "./api.js";
import { exact } from "./format.js";
import { refresh } from "./router.js";

const page_size = 50;
const steps_max = 8; // requests for one page, where most that is searched does not match
const newer_at_once_max = 10; // more than this would push the rows away from under one's eyes

export class TaskList {
    constructor() {
        this.filter = {};
        this.tasks = []; // newest first
        this.cursor = null; // where to go on; null: all was searched
        this.gone = new Set(); // numbers that match no longer
        this.newer = ""; // what is to be said of those that came since
        this.fault = null;
        this.is_busy = false;
        this.generation = 0;
    }

    stop() {
        ++this.generation;
    }

    async search(filter) {
        this.filter = filter;
        const generation = ++this.generation;
        this.cursor = null;
        await this.collect(generation, [], null);
    }

    async more() {
        await this.collect(this.generation, this.tasks, this.cursor);
    }

    // Adds a page to `before`. A partial answer is one: what there is shows at once.
    async collect(generation, before, cursor) {
        this.is_busy = true;
        refresh();
        const wanted = before.length + page_size;
        let found = before;
        try {
            for (let step = 0; step < steps_max && found.length < wanted; ++step) {
                const page = await get(
                    `/tasks${query_text({ ...this.filter, limit: wanted - found.length, cursor })}`,
                );
                if (generation !== this.generation) {
                    return;
                }
                found = [...found, ...page.tasks];
                this.cursor = cursor = page.cursor;
                this.show(found);
                if (cursor === null) {
                    break;
                }
            }
            this.fault = null;
        } catch (error) {
            if (generation === this.generation) {
                this.fault = error;
            }
        }
        if (generation === this.generation) {
            this.is_busy = false;
            refresh();
        }
    }

    show(tasks) {
        this.tasks = tasks;
        this.gone = new Set();
        this.newer = "";
        refresh();
    }

    // Asks again for what is shown, and whether there is something newer.
    async look() {
        if (this.is_busy) {
            return;
        }
        const generation = this.generation;
        try {
            const newest = await get(`/tasks${query_text({ ...this.filter, limit: page_size })}`);
            const top = this.tasks[0]?.number ?? 0;
            const is_beyond =
                newest.tasks.length > 0 && newest.tasks.at(-1).number > top && top > 0;
            const again = is_beyond
                ? await get(
                      `/tasks${query_text({ ...this.filter, limit: page_size, cursor: top + 1 })}`,
                  )
                : newest;
            if (generation !== this.generation || this.is_busy) {
                return;
            }
            this.fault = null;
            this.merge(
                again,
                newest.tasks.filter((task) => task.number > top),
                is_beyond,
            );
        } catch (error) {
            this.fault = error;
        }
    }

    merge(again, newer, is_beyond) {
        const fresh = new Map(again.tasks.map((task) => [task.number, task]));
        // An answer speaks for what lies between its ends only.
        const lowest =
            again.tasks.length >= page_size ? again.tasks.at(-1).number : (again.cursor ?? 0);
        this.gone = new Set(
            this.tasks
                .filter((task) => task.number >= lowest && !fresh.has(task.number))
                .map((task) => task.number),
        );
        this.tasks = this.tasks.map((task) => fresh.get(task.number) ?? task);
        const is_calm = !is_beyond && newer.length <= newer_at_once_max && scrollY < 200;
        if (this.tasks.length === 0 || (is_calm && (newer.length > 0 || this.newer))) {
            this.tasks = [...newer, ...this.tasks.filter((task) => !this.gone.has(task.number))];
            this.gone = new Set();
            this.newer = "";
        } else {
            this.newer =
                newer.length === 0
                    ? ""
                    : is_beyond
                      ? `more than ${page_size} newer`
                      : `${exact(newer.length)} newer`;
        }
    }

    // For what was changed from here: seen at once, not with the next look.
    replace(task) {
        this.tasks = this.tasks.map((known) =>
            known.number === task.number ? { ...known, ...task } : known,
        );
        refresh();
    }
}
