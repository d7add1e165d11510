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

    // The next of those that wait for nothing.
    std::optional<Message> take_at_once() {
        return at_once_.empty() ? std::nullopt : std::optional(take_first(at_once_));
    }

    // The next message that may leave, now that everything before `durable` is.
    std::optional<Message> take(Position durable, Instant now) {
        if (auto message = take_at_once()) {
            return message;
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

    // When a patient message has waited long enough for company. One that will then still wait for
    // the disk is left to `next_position`.
    std::optional<Instant> next_deadline(Position durable, Instant now) const {
        std::optional<Instant> next;
        for (const std::deque<Patient>& entries : patient_) {
            if (!entries.empty() && (!next || entries.front().until < *next) &&
                !waits_for_disk(entries.front(), durable, now)) {
                next = entries.front().until;
            }
        }
        return next;
    }

    // Up to where everything has to be durable before another message may leave, if one waits for
    // nothing else.
    std::optional<Position> next_position(Position durable, Instant now) const {
        std::optional<Position> next;
        if (!waiting_.empty() && waiting_.front().position > durable) {
            next = waiting_.front().position;
        }
        for (const std::deque<Patient>& entries : patient_) {
            if (!entries.empty() && (!next || entries.front().position < *next) &&
                waits_for_disk(entries.front(), durable, now)) {
                next = entries.front().position;
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

    // Not for company any more.
    static bool waits_for_disk(const Patient& entry, Position durable, Instant now) {
        return entry.position > durable && entry.until <= now;
    }

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
