#pragma once
// A whole system on one thread, from one seed: a broker, workers, clients, the network between them
// and everybody's clocks. During faults nothing wrong may happen; once they stop, everything must
// finish.

#include "tests/simulation/backup_node.h"
#include "tests/simulation/broker_node.h"
#include "tests/simulation/client_node.h"
#include "tests/simulation/ledger.h"
#include "tests/simulation/machine.h"
#include "tests/simulation/network.h"
#include "tests/simulation/nodes.h"
#include "tests/simulation/plain_nodes.h"
#include "tests/simulation/schedule.h"

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace xebec::simulation {

using namespace std::chrono_literals;

struct WishOptions {
    std::vector<std::string> kinds{"ok"};
    std::string queue = "default";
    bool with_priorities = false;
    double delayed = 0;   // share of tasks with a time before which they must not start
    double deadline = 0;  // share of tasks with a deadline
    Duration pause{};     // between its batches of fifty
};

class World {
public:
    explicit World(std::uint64_t seed, const broker::CoreOptions& options = {},
                   const MachineOptions& machine = {});
    ~World();

    void start_workers(int count, std::uint32_t slots = 1);
    void start_late_workers(int count, std::uint32_t slots = 1);  // for the kind `late`
    // In both dialects; every third has chosen its identity, two of those the same.
    void start_plain_workers(int count, const Manners& manners = {});
    void start_plain_clients(int count, int questions);
    // A client of its own that submits so many tasks and waits for them.
    std::vector<TaskId> submit(int count, const WishOptions& options = {});
    void cancel_some(const std::vector<TaskId>& tasks, double share);

    void set_habits(const Habits& habits) { habits_ = habits; }  // of clients to come
    void set_queue(const std::string& name, const protocol::QueueSettings& settings);
    void start_backups(int count);  // so many clients that take one after the other
    std::uint64_t backups_completed() const;
    std::uint64_t backups_given_up() const;
    void set_faults(const Faults& faults);
    void heal();

    void run_for(Duration length);
    // Until every client has all its outcomes; fails the invariant L1 or L3 if that takes longer.
    void run_until_idle(Duration longest);

    const Ledger& ledger() const { return ledger_; }
    const Machine& machine() const { return machine_; }
    void forget_excess() { machine_.excess_octets_max = INT64_MIN; }
    const broker::Core& broker() const { return broker_->core(); }  // of one that runs
    std::uint64_t seed() const { return seed_; }

    // A number that any difference in the history would change.
    std::uint64_t fingerprint() const { return dice_fingerprint_; }

private:
    void start_worker(std::size_t index);
    void start_plain_worker(std::size_t index);
    void crash_plain_worker(std::size_t index);
    void start_broker();
    void restart_broker();
    void kill_broker();
    void stop_broker();
    void bury_broker();
    void cut_power();
    void fail_disk();
    void fill_disk();
    void crash_worker(std::size_t index);
    void crash_client(std::size_t index);
    void plan_fault(double mean_s, std::function<void()> fault);
    void cut_somebody();
    void describe() const;  // on standard error: what is not finished, and who is there

    std::uint64_t seed_;
    Schedule schedule_;
    Dice dice_;
    Network network_;
    Ledger ledger_;
    Machine machine_;
    std::uint64_t steps_ = 0;
    std::deque<std::string> tokens_overheard_;
    Habits habits_;
    Surroundings surroundings_;
    Faults faults_;
    std::uint64_t faults_generation_ = 0;
    Instant broker_stalls_after_{};

    broker::CoreOptions options_;
    std::unique_ptr<BrokerNode> broker_;  // none while it is down
    std::vector<std::unique_ptr<WorkerNode>> workers_;
    std::uint32_t slots_ = 1;
    std::size_t late_first_ = SIZE_MAX;  // from here on workers are late
    std::vector<std::unique_ptr<PlainWorkerNode>> plain_workers_;
    Manners manners_;
    std::vector<std::unique_ptr<PlainClientNode>> plain_clients_;
    std::vector<std::unique_ptr<ClientNode>> clients_;
    std::vector<std::unique_ptr<BackupNode>> backups_;
    std::uint64_t dice_fingerprint_ = 0;
    std::optional<Instant> down_since_;  // the broker, but for starts that did not end
};

}  // namespace xebec::simulation
