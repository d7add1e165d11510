#include "tests/simulation/world.h"

#include "protocol/check.h"
#include "protocol/ids.h"

#include <array>
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstdlib>

namespace xebec::simulation {

World::World(std::uint64_t seed, const broker::CoreOptions& options, const MachineOptions& machine)
    : seed_(seed),
      dice_(seed),
      network_(schedule_, dice_),
      machine_(machine, seed),
      surroundings_{schedule_,         dice_,    network_, ledger_, steps_,
                    tokens_overheard_, machine_, habits_},
      options_(options) {
    start_broker();
}

World::~World() = default;

void World::start_workers(int count, std::uint32_t slots) {
    slots_ = slots;
    for (int i = 0; i < count; ++i) {
        workers_.emplace_back();
        start_worker(workers_.size() - 1);
    }
}

void World::start_late_workers(int count, std::uint32_t slots) {
    late_first_ = workers_.size();
    start_workers(count, slots);
}

void World::start_worker(std::size_t index) {
    workers_[index] = std::make_unique<WorkerNode>(
        surroundings_, "worker-" + std::to_string(index + 1), slots_, index >= late_first_,
        [this, index] {
            // Not from within its own handler.
            schedule_.after(0ns, [this, index] { crash_worker(index); });
        });
}

void World::crash_worker(std::size_t index) {
    if (!workers_[index]) {
        return;  // already down
    }
    workers_[index]->set_noticed(dice_.happens(0.7));
    workers_[index].reset();
    schedule_.after(dice_.between(10ms, 8s), [this, index] {
        if (!workers_[index]) {
            start_worker(index);
        }
    });
}

void World::start_plain_workers(int count, const Manners& manners) {
    manners_ = manners;
    for (int i = 0; i < count; ++i) {
        plain_workers_.emplace_back();
        start_plain_worker(plain_workers_.size() - 1);
    }
}

void World::start_plain_worker(std::size_t index) {
    const auto dialect =
        index % 2 == 0 ? protocol::PlainDialect::octet : protocol::PlainDialect::text;
    const Route identity = index % 3 == 0 ? "chosen-" + std::to_string(index / 6) : Route{};
    plain_workers_[index] =
        std::make_unique<PlainWorkerNode>(surroundings_, dialect, identity, manners_);
}

void World::start_plain_clients(int count, int questions) {
    for (int i = 0; i < count; ++i) {
        plain_clients_.push_back(std::make_unique<PlainClientNode>(
            surroundings_, "plain client " + std::to_string(plain_clients_.size() + 1), questions,
            i % 2 == 1));
    }
}

void World::crash_plain_worker(std::size_t index) {
    if (!plain_workers_[index]) {
        return;  // already down
    }
    plain_workers_[index]->set_noticed(dice_.happens(0.7));
    plain_workers_[index].reset();
    schedule_.after(dice_.between(10ms, 8s), [this, index] { start_plain_worker(index); });
}

// ---- the broker ----

void World::start_broker() {
    ++machine_.epoch;
    if (machine_.options.has_journal) {
        const std::uint64_t operation = machine_.disk.operations() + dice_.below(40);
        if (dice_.happens(faults_.killed_at_start)) {
            machine_.disk.kill_at(operation);
        } else if (dice_.happens(faults_.error_at_start)) {
            machine_.disk.fail_at(operation, EIO);
        }
        if (dice_.happens(faults_.stopped_at_start)) {
            machine_.stop_at_record = dice_.below(ledger_.records() + 1);
        }
    }
    try {
        broker_ = std::make_unique<BrokerNode>(surroundings_, options_, [this] {
            // Not from within its own step.
            schedule_.after(0ns, [this] { bury_broker(); });
        });
        down_since_.reset();
    } catch (const broker::journal::JournalError& error) {
        std::fprintf(stderr, "%s\n", error.what());
        check(false, "a journal can be read, whenever its broker ended (I22)");
    } catch (const testing::Killed&) {
        bury_broker();
    } catch (const StoppedAtStart&) {
        bury_broker();
    } catch (const runtime::FileError&) {
        bury_broker();  // the disk is full, or failed
    }
}

void World::restart_broker() {
    broker_.reset();
    start_broker();
}

// Between two events, within a step, or in an operation on the disk (F1).
void World::kill_broker() {
    if (!broker_) {
        return;  // already down
    }
    const std::uint64_t where = dice_.below(3);
    if (where == 0) {
        broker_->end();
    } else if (where == 1) {
        broker_->kill_after(dice_.below(100));
    } else {
        machine_.disk.kill_at(machine_.disk.operations() + dice_.below(20));
    }
}

// Now, or in the midst of it.
void World::stop_broker() {
    if (!broker_) {
        return;  // already down
    }
    broker_->signal();
    if (dice_.happens(0.5)) {
        schedule_.after(dice_.happens(0.5) ? Duration{} : dice_.between(0s, 1s), [this] {
            if (broker_) {
                broker_->signal();
            }
        });
    }
}

// With `relaxed`, what was not flushed in time is lost, whoever was told; whoever might still be
// told of it is not. The disk may have been at work on a flush, and on something else before. Since
// a broker was killed, nobody has flushed what it wrote.
void World::cut_power() {
    machine_.disk.cut_power();
    if (machine_.options.flush_every > Duration{}) {
        const Duration work = 3 * std::max(faults_.disk.most, DiskTimes{}.most);
        ledger_.may_have_lost(down_since_.value_or(schedule_.now()) - machine_.options.flush_every -
                              work);
        network_.drop_all();
    }
}

// What is left of a process that has ended: nothing but what it wrote.
void World::bury_broker() {
    if (broker_) {
        machine_.clocks = broker_->clocks();
    }
    broker_.reset();
    down_since_ = down_since_.value_or(schedule_.now());
    network_.set_broker([](const Route&, const Wire&) {});
    machine_.disk.revive();
    if (dice_.happens(faults_.power_cut)) {
        cut_power();
        machine_.clocks.steady = dice_.between(-1000s, 1000s);
    }
    schedule_.after(dice_.between(10ms, 5s), [this] { start_broker(); });
}

void World::fail_disk() {
    machine_.disk.fail_at(machine_.disk.operations() + dice_.below(20), EIO);
}

void World::fill_disk() {
    testing::SimulatedDisk& disk = machine_.disk;
    const std::uint64_t used = UINT64_MAX - disk.free_octets("/data");
    disk.set_octets_max(used + dice_.below(machine_.options.segment_octets));
    schedule_.after(dice_.between(1s, 30s), [this] { machine_.disk.set_octets_max(UINT64_MAX); });
}

// ---- clients ----

void World::crash_client(std::size_t index) {
    // Its user starts another, which asks for the same tasks with the same ids (F3).
    const std::vector<Wish> wishes = clients_[index]->unfinished();
    clients_[index].reset();
    schedule_.after(dice_.between(10ms, 5s), [this, index, wishes] {
        clients_[index] = std::make_unique<ClientNode>(
            surroundings_, "client-" + std::to_string(index + 1), wishes);
    });
}

std::vector<TaskId> World::submit(int count, const WishOptions& options) {
    std::vector<Wish> wishes;
    std::vector<TaskId> ids;
    const WallTime now = broker_ ? broker_->now().wall : WallTime{};
    check(now != WallTime{}, "a broker runs");
    for (int i = 0; i < count; ++i) {
        std::array<std::uint8_t, 10> random{};
        for (std::uint8_t& octet : random) {
            octet = static_cast<std::uint8_t>(dice_.below(256));
        }
        Wish wish{.id = make_task_id(now, random),
                  .kind = options.kinds[dice_.below(options.kinds.size())],
                  .payload = "payload " + std::to_string(i),
                  .queue = options.queue};
        if (dice_.happens(machine_.options.has_journal ? 0.1 : 0.01)) {
            // In a frame of its own; in a journal, it stands apart.
            wish.payload.resize(std::min<std::size_t>(3'000, machine_.options.segment_octets / 4),
                                '.');
        }
        wish.priority = options.with_priorities ? static_cast<int>(dice_.below(10)) : 0;
        if (dice_.happens(options.delayed)) {
            wish.not_before = now + std::chrono::floor<milliseconds>(dice_.between(0s, 60s));
        }
        if (dice_.happens(options.deadline)) {
            wish.deadline = now + std::chrono::floor<milliseconds>(dice_.between(1s, 120s));
        }
        ledger_.wished(wish);
        ids.push_back(wish.id);
        wishes.push_back(std::move(wish));
    }
    clients_.push_back(std::make_unique<ClientNode>(surroundings_,
                                                    "client-" + std::to_string(clients_.size() + 1),
                                                    std::move(wishes), options.pause));
    return ids;
}

void World::set_queue(const std::string& name, const protocol::QueueSettings& settings) {
    clients_.push_back(
        std::make_unique<ClientNode>(surroundings_, "operator", std::vector<Wish>{}));
    clients_.back()->set_queue(name, settings);
    while (!clients_.back()->is_done()) {
        run_for(10ms);
    }
    clients_.pop_back();
}

void World::cancel_some(const std::vector<TaskId>& tasks, double share) {
    for (const TaskId& task : tasks) {
        if (dice_.happens(share)) {
            schedule_.after(dice_.between(0s, 30s), [this, task] {
                if (clients_.front()) {
                    clients_.front()->cancel(task);
                }
            });
        }
    }
}

void World::start_backups(int count) {
    for (int i = 0; i < count; ++i) {
        backups_.push_back(std::make_unique<BackupNode>(
            surroundings_, "backup-" + std::to_string(backups_.size() + 1), options_));
    }
}

std::uint64_t World::backups_completed() const {
    std::uint64_t count = 0;
    for (const auto& node : backups_) {
        count += node->completed();
    }
    return count;
}

std::uint64_t World::backups_given_up() const {
    std::uint64_t count = 0;
    for (const auto& node : backups_) {
        count += node->given_up();
    }
    return count;
}

void World::set_faults(const Faults& faults) {
    faults_ = faults;
    network_.set_faults(faults);
    machine_.disk_times = faults.disk;
    ++faults_generation_;
    plan_fault(faults.worker_crash_mean_s, [this] {
        const std::size_t index = dice_.below(workers_.size() + plain_workers_.size());
        if (index < workers_.size()) {
            crash_worker(index);
        } else if (!plain_workers_.empty()) {
            crash_plain_worker(index - workers_.size());
        }
    });
    plan_fault(faults.client_crash_mean_s, [this] {
        const std::size_t index = dice_.below(clients_.size());
        if (!clients_.empty() && clients_[index]) {
            crash_client(index);
        }
    });
    plan_fault(faults.worker_stall_mean_s, [this] {
        const std::size_t index = dice_.below(workers_.size() + plain_workers_.size());
        Node* node = nullptr;
        if (index < workers_.size()) {
            node = workers_[index].get();
        } else if (!plain_workers_.empty()) {
            node = plain_workers_[index - workers_.size()].get();
        }
        if (node != nullptr) {
            node->stall(dice_.between(1s, 50s));
        }
    });
    plan_fault(faults.broker_stall_mean_s, [this] {
        if (broker_ && schedule_.now() >= broker_stalls_after_) {
            const Duration length = dice_.between(1s, faults_.broker_stall_max);
            broker_->stall(length);
            broker_stalls_after_ = schedule_.now() + length + faults_.broker_stall_rest;
        }
    });
    plan_fault(faults.broker_restart_mean_s, [this] { restart_broker(); });
    plan_fault(faults.broker_stop_mean_s, [this] { stop_broker(); });
    plan_fault(faults.broker_kill_mean_s, [this] { kill_broker(); });
    plan_fault(faults.disk_error_mean_s, [this] { fail_disk(); });
    plan_fault(faults.disk_full_mean_s, [this] { fill_disk(); });
    plan_fault(faults.wall_jump_mean_s, [this] {
        if (broker_) {
            broker_->jump_wall(dice_.between(-2h, 2h));
        }
    });
    plan_fault(faults.cut_mean_s, [this] { cut_somebody(); });
}

// Comes again and again, at random times with this mean, until the faults change.
void World::plan_fault(double mean_s, std::function<void()> fault) {
    if (mean_s <= 0) {
        return;
    }
    const double uniform = (static_cast<double>(dice_.below(1'000'000)) + 1) / 1'000'001;
    const auto pause = std::chrono::duration<double>(-std::log(uniform) * mean_s);
    schedule_.after(std::chrono::duration_cast<Duration>(pause),
                    [this, mean_s, fault, generation = faults_generation_] {
                        if (generation == faults_generation_) {
                            fault();
                            plan_fault(mean_s, fault);
                        }
                    });
}

void World::cut_somebody() {
    std::vector<Route> routes;
    const auto add = [&routes](const auto& nodes) {
        for (const auto& node : nodes) {
            if (node) {
                routes.push_back(node->route());
            }
        }
    };
    add(workers_);
    add(clients_);
    add(plain_workers_);
    add(plain_clients_);
    add(backups_);
    if (routes.empty()) {
        return;
    }
    const Route route = routes[dice_.below(routes.size())];
    const bool towards = dice_.happens(0.7);
    network_.cut(route, towards, !towards || dice_.happens(0.6));
    schedule_.after(dice_.between(0s, faults_.cut_max),
                    [this, route] { network_.cut(route, false, false); });
}

void World::heal() {
    set_faults({});
    network_.heal();
    manners_ = {};
    for (const auto& worker : plain_workers_) {
        if (worker) {
            worker->behave();
        }
    }
    for (const auto& client : plain_clients_) {
        client->be_patient();
    }
    machine_.disk.set_octets_max(UINT64_MAX);
    machine_.clocks.wall = milliseconds{0};
    if (broker_) {
        machine_.disk.revive();  // what was to fail or to be killed is not
        broker_->set_wall_right();
    }
}

void World::run_for(Duration length) {
    const Instant end = schedule_.now() + length;
    while (schedule_.step(end)) {
        dice_fingerprint_ = dice_fingerprint_ * 0x100'0000'01B3U +
                            static_cast<std::uint64_t>(schedule_.now().time_since_epoch().count());
        check(steps_ < 200'000'000, "the world does not run in circles");
    }
}

void World::describe() const {
    if (broker_) {
        for (std::size_t state = 0; state < task_state_count; ++state) {
            std::fprintf(stderr, "%s %llu  ",
                         std::string(to_string(static_cast<TaskState>(state))).c_str(),
                         static_cast<unsigned long long>(broker_->core().state().counts()[state]));
        }
        std::fprintf(stderr, "sessions %u\n", broker_->core().sessions().size());
    } else {
        std::fprintf(stderr, "the broker is down\n");
    }
    for (const auto& worker : workers_) {
        std::fprintf(stderr, "worker: %s\n", worker ? worker->describe().c_str() : "down");
    }
    for (const auto& client : clients_) {
        std::fprintf(stderr, "client: %s\n", client ? client->describe().c_str() : "down");
    }
    for (const auto& worker : plain_workers_) {
        std::fprintf(stderr, "worker: %s\n", worker ? worker->describe().c_str() : "down");
    }
    for (const auto& client : plain_clients_) {
        std::fprintf(stderr, "client: %s\n", client->describe().c_str());
    }
}

void World::run_until_idle(Duration longest) {
    const Instant end = schedule_.now() + longest;
    const auto is_idle = [this] {
        for (const auto& client : clients_) {
            if (!client || !client->is_done()) {
                return false;
            }
        }
        for (const auto& client : plain_clients_) {
            if (!client->is_done()) {
                return false;
            }
        }
        return true;
    };
    while (!is_idle()) {
        if (schedule_.now() >= end) {
            describe();
        }
        check(schedule_.now() < end, "once faults stop, everything finishes (L1, L3)");
        run_for(100ms);
    }
    ledger_.check_finished();
    if (std::getenv("XEBEC_TRACE") != nullptr && ledger_.restarts() > 0) {
        std::printf(
            "%llu starts, %llu records lost that nobody was told of, %llu tasks refused by a full "
            "disk, %llu tasks read, %llu outcomes repeated\n"
            "%llu records, %llu of them trimmed, %llu told again, %lld octets over the bound; "
            "%llu retries, %llu removed, %llu submitted again, %llu of them too old\n",
            static_cast<unsigned long long>(ledger_.restarts()),
            static_cast<unsigned long long>(ledger_.records_lost()),
            static_cast<unsigned long long>(ledger_.refused_read_only()),
            static_cast<unsigned long long>(ledger_.reads()),
            static_cast<unsigned long long>(ledger_.repeats()),
            static_cast<unsigned long long>(ledger_.records()),
            static_cast<unsigned long long>(ledger_.records_trimmed()),
            static_cast<unsigned long long>(ledger_.carried()),
            static_cast<long long>(machine_.excess_octets_max),
            static_cast<unsigned long long>(ledger_.retries()),
            static_cast<unsigned long long>(ledger_.removed()),
            static_cast<unsigned long long>(ledger_.repeated_submits()),
            static_cast<unsigned long long>(ledger_.too_old()));
    }
}

}  // namespace xebec::simulation
