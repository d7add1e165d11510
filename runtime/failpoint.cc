#include "runtime/failpoint.h"

#include <atomic>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <thread>

namespace xebec::runtime {

namespace {

struct Chosen {
    std::string_view name;
    int passes = 0;
    std::chrono::milliseconds delay{0};
};

Chosen read_chosen() {
    const char* variable = std::getenv("XEBEC_FAILPOINT");
    const std::string_view text = variable == nullptr ? "" : variable;
    const std::size_t colon = text.find(':');
    if (colon == std::string_view::npos) {
        return {};
    }
    Chosen chosen{.name = text.substr(0, colon)};
    int number = 0;
    std::from_chars(text.data() + colon + 1, text.data() + text.size(), number);
    if (text.ends_with("ms")) {
        chosen.delay = std::chrono::milliseconds{number};
    } else {
        chosen.passes = number;
    }
    return chosen;
}

}  // namespace

void pass_failpoint(std::string_view name) {
    static const Chosen chosen = read_chosen();
    static std::atomic<int> passes = 0;
    if (name != chosen.name) {
        return;
    }
    std::this_thread::sleep_for(chosen.delay);
    if (++passes == chosen.passes) {
        std::raise(SIGKILL);
    }
}

}  // namespace xebec::runtime
