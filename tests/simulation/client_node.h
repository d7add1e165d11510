#pragma once
// The clients of a simulated world: the real core, and users who ask for much.

#include "client/core.h"
#include "tests/simulation/nodes.h"

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <vector>

namespace xebec::simulation {

// A client that submits wishes in batches, waits for all outcomes, and cancels some. By habit it
// has dead tasks tried again, and asks again for what has ended.
class ClientNode : public Node {
public:
    // Its batches are `pause` apart.
    ClientNode(Surroundings& surroundings, const std::string& name, std::vector<Wish> wishes,
               Duration pause = {});
    ~ClientNode() override;

    const Route& route() const { return route_; }
    std::string describe() const;
    void cancel(const TaskId& id);
    void set_queue(const std::string& name, const protocol::QueueSettings& settings);
    bool is_done() const {
        return open_.empty() && core_.pending() == (query_ == 0 ? 0U : 1U) + repeats_.size();
    }
    std::vector<Wish> unfinished() const;  // what a successor has to ask for again

protected:
    void step() override;
    std::optional<Instant> next_deadline() const override { return core_.next_deadline(); }

private:
    void connect();
    static protocol::SubmitItem item_of(const Wish& wish);
    void submit(const std::vector<Wish>& wishes);
    void take_submitted(const std::vector<Wish>& wishes, const protocol::SubmitAnswer& answer);
    void read_on();
    void take_read(const protocol::QueryAnswer& answer);
    void conclude(const protocol::OutcomeItem& outcome);
    void retry(const Wish& wish);
    void reopen(const Wish& wish);
    void take_waits(const std::vector<TaskId>& asked, const protocol::WaitAnswer& answer);
    void ask_again_for_ended();
    void perform();
    void on(const client::Send& effect);
    void on(const client::Reconnect& effect);
    void on(const client::Answered& effect);
    void on(const client::Failed& effect);
    void on(const client::Notified& effect);
    void on(const client::SessionStarted& effect);
    void on(const client::NotificationsMissed& effect);
    void ask_again();
    void wait_for(const std::vector<TaskId>& tasks);

    // An old task that is submitted once more, perhaps with other content.
    struct Repeat {
        TaskId id;
        bool is_changed = false;
    };

    client::Core core_;
    Route route_;
    client::Effects effects_;
    std::deque<Wire> inbox_;
    std::map<TaskId, Wish> open_;  // no outcome yet
    std::map<TaskId, bool> accepted_;
    std::map<client::RequestId, std::vector<Wish>> submits_;
    std::map<client::RequestId, TaskId> cancels_;
    std::map<client::RequestId, Wish> retries_;
    std::map<client::RequestId, std::vector<TaskId>> waits_;
    std::map<client::RequestId, Repeat> repeats_;
    std::map<TaskId, std::uint64_t> died_;  // by retried task: the fence of its last death
    std::vector<Wish> ended_;
    std::uint64_t reader_ = 0;  // of a world with a journal: it looks at what it has submitted
    client::RequestId query_ = 0;
    std::vector<TaskId> asked_;
};

}  // namespace xebec::simulation
