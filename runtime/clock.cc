#include "runtime/clock.h"

#include <chrono>

namespace xebec::runtime {

Now now() {
    using namespace std::chrono;
    return {.steady = Instant{duration_cast<Duration>(steady_clock::now().time_since_epoch())},
            .wall = floor<milliseconds>(system_clock::now())};
}

}  // namespace xebec::runtime
