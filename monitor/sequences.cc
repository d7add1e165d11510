#include "monitor/sequences.h"

#include <algorithm>

namespace xebec::monitor {

Sequences::Queue* Sequences::find_or_add(std::string_view queue) {
    const auto found = queues_.find(queue);
    if (found != queues_.end()) {
        return &found->second;
    }
    if (queues_.size() >= queues_max) {
        return nullptr;
    }
    return &queues_.emplace(queue, Queue{}).first->second;
}

Arrival Sequences::arrive(std::string_view queue, std::uint64_t first, std::uint64_t count) {
    Queue* const entry = find_or_add(queue);
    if (entry == nullptr || count == 0) {
        return {};
    }
    const std::uint64_t last = first + count - 1;
    if (!entry->seen) {
        // What was on its way when the first snapshot was taken is new to this reader.
        entry->seen = has_all_ ? std::min(entry->start, first - 1) : first - 1;
    }
    const std::uint64_t seen = *entry->seen;
    entry->seen = std::max(seen, last);
    if (first > seen) {
        return {.missed = first - seen - 1, .known = 0};
    }
    return {.missed = 0, .known = std::min(count, seen - first + 1)};
}

void Sequences::expect(std::span<const protocol::QueueSequence> snapshot) {
    for (const protocol::QueueSequence& told : snapshot) {
        Queue* const entry = find_or_add(told.queue);
        if (entry == nullptr) {
            continue;
        }
        if (!has_all_) {
            entry->start = told.sequence;
        }
        entry->promised = std::max(entry->promised, told.sequence);
    }
    has_all_ = true;
}

std::optional<Loss> Sequences::settle(std::string_view name, Queue& queue,
                                      std::uint64_t sequence) const {
    const std::uint64_t seen = queue.seen.value_or(has_all_ ? queue.start : sequence);
    queue.seen = std::max(seen, sequence);
    if (sequence <= seen) {
        return std::nullopt;
    }
    return Loss{.queue = std::string(name), .missed = sequence - seen};
}

std::optional<Loss> Sequences::settle(std::string_view queue, std::uint64_t sequence) {
    Queue* const entry = find_or_add(queue);
    return entry == nullptr ? std::nullopt : settle(queue, *entry, sequence);
}

std::vector<Loss> Sequences::settle_snapshot() {
    std::vector<Loss> losses;
    for (auto& [name, queue] : queues_) {
        if (auto loss = settle(name, queue, queue.promised)) {
            losses.push_back(std::move(*loss));
        }
    }
    return losses;
}

}  // namespace xebec::monitor
