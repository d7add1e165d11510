#pragma once
// The attempts of a task that ended without success: the latest few of them, in few octets.

#include "protocol/blob.h"
#include "protocol/ids.h"
#include "protocol/time.h"

#include <xebec/task.h>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace xebec::broker {

struct PastAttempt {
    Fence fence;
    Blob worker;
    WallTime started_at{};
    WallTime ended_at{};
    Blob error_class;
    Blob error_text;
    std::uint16_t attempt = 0;               // how many had been started, with this one
    TaskState state = TaskState::scheduled;  // of the task, after it
};

class History {
public:
    // The oldest goes when there are too many; the texts of older ones go when there is too much of
    // them. What fails again and again in the same words is kept once.
    void add(PastAttempt attempt);

    // Oldest first.
    const std::vector<PastAttempt>& attempts() const { return attempts_; }

    // The task's own error is kept once too, if it is one of theirs.
    void share(Blob& error_class, Blob& error_text) const;

    // In memory, besides the task's own error; workers' names are others'.
    std::uint64_t octets(const Blob& error_class, const Blob& error_text) const;
    // In the journal, about.
    std::uint64_t record_octets() const;

private:
    void forget_old_texts();

    std::vector<PastAttempt> attempts_;
};

}  // namespace xebec::broker
