#pragma once
// Messages that wait until the records they speak of are durable.

#include "broker/core/effects.h"
#include "broker/journal/memory_journal.h"

#include <cstdint>
#include <deque>
#include <optional>
#include <utility>
#include <variant>

namespace xebec::broker {

class Outbox {
public:
    using Message = std::variant<Send, SendPlain, Publish>;

    // Positions only grow.
    void put(Position position, Message message) {
        waiting_.push_back({position, std::move(message)});
    }
    void put_at_once(Message message) { at_once_.push_back({0, std::move(message)}); }

    // The next message that may leave, now that everything before `durable` is.
    std::optional<Message> take(Position durable) {
        if (!at_once_.empty()) {
            return take_first(at_once_);
        }
        if (!waiting_.empty() && waiting_.front().position <= durable) {
            return take_first(waiting_);
        }
        return std::nullopt;
    }

    bool empty() const { return at_once_.empty() && waiting_.empty(); }

private:
    struct Entry {
        Position position = 0;
        Message message;
    };

    static Message take_first(std::deque<Entry>& entries) {
        Message message = std::move(entries.front().message);
        entries.pop_front();
        return message;
    }

    std::deque<Entry> at_once_;
    std::deque<Entry> waiting_;
};

}  // namespace xebec::broker
