#pragma once
// Calls handlers as the executor does.

#include <xebec/worker.h>

#include <stop_token>
#include <string>
#include <utility>

namespace xebec::worker {

class FakeContext : public TaskContext {
public:
    explicit FakeContext(std::string payload, ContentType type = ContentType::json)
        : payload_(std::move(payload)), type_(type) {
        id_.octets.fill(0x11);
    }

    const TaskId& id() const override { return id_; }
    std::uint64_t number() const override { return 42; }
    std::uint32_t attempt() const override { return 3; }
    std::uint64_t fence() const override { return 4'294'967'299; }
    std::string_view kind() const override { return "kind"; }
    std::string_view queue() const override { return "nightly"; }
    std::string_view payload() const override { return payload_; }
    ContentType content_type() const override { return type_; }
    std::optional<WallTime> deadline() const override { return std::nullopt; }
    std::stop_token stop_token() const override { return stop.get_token(); }

    std::stop_source stop;

private:
    TaskId id_;
    std::string payload_;
    ContentType type_;
};

// "ok: <result>", or "<class>: <text>", with "!" in front if no retry can help.
inline std::string told(const HandlerResult& result) {
    if (const auto* failure = std::get_if<Failure>(&result)) {
        return (failure->useless ? "!" : "") + failure->error_class + ": " + failure->text;
    }
    return "ok: " + std::get<Payload>(result).octets;
}

}  // namespace xebec::worker
