#pragma once
// How long a supervisor waits before it replaces a worker process that crashed.

#include "protocol/time.h"

#include <chrono>

namespace xebec::worker {

// 100 ms, doubling to 10 s; a process that ran for 30 s before starts over.
class RestartPauses {
public:
    static constexpr Duration first = std::chrono::milliseconds(100);
    static constexpr Duration longest = std::chrono::seconds(10);
    static constexpr Duration good_run = std::chrono::seconds(30);

    Duration after(Duration ran_for);

private:
    Duration next_ = first;
};

}  // namespace xebec::worker
