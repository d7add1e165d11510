#pragma once
// What a worker process runs, written where its supervisor can still read it after a crash: for
// each slot the task's number and the process group of its command.

#include "runtime/process.h"

#include <sys/types.h>

#include <cstdint>
#include <vector>

namespace xebec::worker {

// In memory shared with forked copies. A thread that runs tasks has a place of its own.
class TaskBoard {
public:
    explicit TaskBoard(std::uint32_t slots);

    // Forgets everything: before a new worker process writes here.
    void clear();

    // ---- of the calling thread's place ----
    void note_task(std::uint64_t number);  // 0: it has ended
    void note_group(pid_t group);          // 0: it has ended

    // ---- of all places ----
    std::vector<std::uint64_t> running() const;
    std::uint64_t latest() const;  // the task that was begun last; 0: none
    void kill_groups() const;      // and all that is in them, at once

private:
    struct Place;

    Place& own_place();

    std::uint32_t slots_;
    runtime::SharedMemory memory_;
    Place* places_;
};

}  // namespace xebec::worker
