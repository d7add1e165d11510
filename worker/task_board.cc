#include "worker/task_board.h"

#include <atomic>
#include <csignal>
#include <memory>
#include <new>

namespace xebec::worker {

// The first place is not a thread's: its fields belong to the whole board.
struct TaskBoard::Place {
    std::atomic<std::uint64_t> task{0};  // of the first: the task that was begun last
    std::atomic<pid_t> group{0};
    std::atomic<std::uint32_t> taken{0};  // of the first: places that threads have
};

TaskBoard::TaskBoard(std::uint32_t slots)
    : slots_(slots),
      memory_((slots + 1) * sizeof(Place)),
      places_(static_cast<Place*>(memory_.data())) {
    static_assert(std::atomic<std::uint64_t>::is_always_lock_free);
    std::uninitialized_default_construct_n(places_, slots_ + 1);
}

void TaskBoard::clear() {
    for (std::uint32_t i = 0; i <= slots_; ++i) {
        places_[i].task = 0;
        places_[i].group = 0;
        places_[i].taken = 0;
    }
}

TaskBoard::Place& TaskBoard::own_place() {
    thread_local std::uint32_t index = 0;
    if (index == 0) {
        index = places_[0].taken++ % slots_ + 1;
    }
    return places_[index];
}

void TaskBoard::note_task(std::uint64_t number) {
    own_place().task = number;
    if (number != 0) {
        places_[0].task = number;
    }
}

void TaskBoard::note_group(pid_t group) {
    own_place().group = group;
}

std::vector<std::uint64_t> TaskBoard::running() const {
    std::vector<std::uint64_t> numbers;
    for (std::uint32_t i = 1; i <= slots_; ++i) {
        if (const std::uint64_t number = places_[i].task; number != 0) {
            numbers.push_back(number);
        }
    }
    return numbers;
}

std::uint64_t TaskBoard::latest() const {
    return places_[0].task;
}

void TaskBoard::kill_groups() const {
    for (std::uint32_t i = 1; i <= slots_; ++i) {
        if (const pid_t group = places_[i].group; group > 1) {
            runtime::signal_group(group, SIGKILL);
        }
    }
}

}  // namespace xebec::worker
