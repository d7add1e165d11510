#pragma once
// Messages that wait until the records they speak of are durable.

#include "broker/core/effects.h"
#include "broker/journal/memory_journal.h"
#include "protocol/time.h"

#include <array>
#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <utility>
#include <variant>

namespace xebec::broker {

class Outbox {
public:
    using Message = std::variant<Send, SendPlain, Publish>;

    // How long a patient message waits for another to the same port: each that travels alone wakes
    // libzmq's thread and its receiver. No other message is ever held back.
    static constexpr Duration patience = std::chrono::milliseconds{1};

    // Positions only grow.
    void put(Position position, Message message) {
        waiting_.push_back({position, std::move(message)});
    }
    void put_at_once(Message message) { at_once_.push_back({0, std::move(message)}); }
    void put_patient(Position position, Instant now, Send message) {
        const auto port = static_cast<std::size_t>(message.peer.port);
        patient_[port].push_back({position, now + patience, std::move(message)});
    }

    // The next message that may leave, now that everything before `durable` is.
    std::optional<Message> take(Position durable, Instant now) {
        if (!at_once_.empty()) {
            return take_first(at_once_);
        }
        if (!waiting_.empty() && waiting_.front().position <= durable) {
            return take_first(waiting_);
        }
        for (std::size_t port = 0; port < patient_.size(); ++port) {
            std::deque<Patient>& entries = patient_[port];
            const bool may_leave = !entries.empty() && entries.front().position <= durable &&
                                   (has_company_[port] || entries.front().until <= now);
            if (may_leave) {
                Message message = std::move(entries.front().message);
                entries.pop_front();
                has_company_[port] = true;
                return message;
            }
        }
        has_company_ = {};
        return std::nullopt;
    }

    // When a patient message has waited long enough, of those that wait for nothing else.
    std::optional<Instant> next_deadline(Position durable) const {
        std::optional<Instant> next;
        for (const std::deque<Patient>& entries : patient_) {
            if (!entries.empty() && entries.front().position <= durable &&
                (!next || entries.front().until < *next)) {
                next = entries.front().until;
            }
        }
        return next;
    }

    bool empty() const {
        return at_once_.empty() && waiting_.empty() && patient_[0].empty() && patient_[1].empty();
    }

private:
    struct Entry {
        Position position = 0;
        Message message;
    };
    struct Patient {
        Position position = 0;
        Instant until{};
        Send message;
    };

    Message take_first(std::deque<Entry>& entries) {
        Message message = std::move(entries.front().message);
        entries.pop_front();
        if (const auto* send = std::get_if<Send>(&message)) {
            has_company_[static_cast<std::size_t>(send->peer.port)] = true;
        }
        return message;
    }

    std::deque<Entry> at_once_;
    std::deque<Entry> waiting_;
    std::array<std::deque<Patient>, 2> patient_;  // by port
    std::array<bool, 2> has_company_{};           // something else leaves through that port
};

}  // namespace xebec::broker
