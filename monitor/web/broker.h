#pragma once
// The broker as the web server asks it.

#include "client/connection.h"
#include "protocol/messages.h"

#include <xebec/client.h>
#include <xebec/result.h>

#include <chrono>
#include <string>
#include <vector>

namespace xebec::monitor::web {

// Every function may be called from any thread, and waits for the answer.
class Broker {
public:
    using Answer = client::Connection::Answer;

    virtual ~Broker() = default;

    virtual Answer request(const protocol::Message& message) = 0;
    virtual std::vector<Result<Submitted>> submit(std::vector<NewTask> tasks) = 0;
    virtual Result<Outcome> wait(const TaskKey& task, std::chrono::milliseconds timeout) = 0;
};

class RemoteBroker final : public Broker {
public:
    // How long an answer may take. A page is not worth waiting for longer.
    static constexpr std::chrono::milliseconds patience{3'000};

    // Throws std::runtime_error if `endpoint` is none. A broker need not be there yet.
    explicit RemoteBroker(const std::string& endpoint)
        : connection_({.broker = endpoint, .core = {.answer_timeout = patience, .window = 64}}),
          client_({.broker = endpoint, .timeout = patience, .window = 64}) {}

    Answer request(const protocol::Message& message) override {
        return connection_.request(message, patience);
    }
    std::vector<Result<Submitted>> submit(std::vector<NewTask> tasks) override {
        return client_.submit(std::move(tasks));
    }
    Result<Outcome> wait(const TaskKey& task, std::chrono::milliseconds timeout) override {
        return client_.wait(task, timeout);
    }

private:
    client::Connection connection_;
    Client client_;
};

}  // namespace xebec::monitor::web
