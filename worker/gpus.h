#pragma once
// The GPUs of this machine, as nvidia-smi tells them. It is slow and may hang with its driver, so
// it runs beside, and what it said is collected later.

#include "protocol/time.h"
#include "worker/machine.h"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace xebec::runtime {

class Process;

}  // namespace xebec::runtime

namespace xebec::worker {

// Lines of name, busy %, MiB used, MiB there are. What is no number there is not known.
std::vector<Gpu> parse_gpus(std::string_view text);

class Gpus {
public:
    // Without such a program there are none.
    explicit Gpus(const std::string& program = "nvidia-smi");
    ~Gpus();
    Gpus(const Gpus&) = delete;
    Gpus& operator=(const Gpus&) = delete;

    // As they were when they were last looked at. Never waits.
    const std::vector<Gpu>& look(Now now);

private:
    void begin(Now now);
    void collect(Now now);

    std::optional<std::string> program_;
    std::unique_ptr<runtime::Process> process_;  // while it runs
    std::string output_;                         // so far
    Instant begun_at_{};
    Instant due_{};  // the next time
    bool is_killed_ = false;
    std::vector<Gpu> gpus_;
};

}  // namespace xebec::worker
