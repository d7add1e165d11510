#include "worker/gpus.h"

#include "protocol/limits.h"
#include "runtime/clock.h"
#include "runtime/descriptors.h"
#include "runtime/process.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <csignal>
#include <unistd.h>
#include <utility>

namespace xebec::worker {

namespace {

constexpr Duration interval = std::chrono::seconds{10};  // it costs more than it tells
constexpr Duration rest = std::chrono::minutes{5};       // after it failed: there is no driver
constexpr Duration patience = std::chrono::seconds{20};  // then it is killed
constexpr Duration farewell = std::chrono::seconds{1};   // to end once it was killed
constexpr std::size_t output_octets_max = 64 << 10;

std::string_view trimmed(std::string_view text) {
    const std::size_t begin = text.find_first_not_of(" \t\r");
    return begin == std::string_view::npos
               ? std::string_view{}
               : text.substr(begin, text.find_last_not_of(" \t\r") - begin + 1);
}

// Takes the last of some fields off the line.
std::uint64_t take_number(std::string_view& line) {
    const std::size_t comma = line.rfind(',');
    const std::string_view field =
        trimmed(comma == std::string_view::npos ? line : line.substr(comma + 1));
    line = line.substr(0, comma == std::string_view::npos ? 0 : comma);
    std::uint32_t number = 0;  // what is larger is none
    std::from_chars(field.data(), field.data() + field.size(), number);
    return number;
}

Gpu parse_gpu(std::string_view line) {
    constexpr std::uint64_t mebibyte = 1 << 20;
    constexpr std::uint64_t permille_of_percent = 10;
    Gpu gpu;
    gpu.memory_total = take_number(line) * mebibyte;
    gpu.memory_used = take_number(line) * mebibyte;
    gpu.busy_permille = static_cast<std::uint32_t>(std::min<std::uint64_t>(take_number(line), 100) *
                                                   permille_of_percent);
    gpu.name = trimmed(line);
    return gpu;
}

std::string read_some(const runtime::Descriptor& descriptor) {
    std::string text(output_octets_max, '\0');
    const ssize_t size = read(descriptor.number(), text.data(), text.size());
    text.resize(static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
    return text;
}

// Whether it has, or does before `latest`.
bool has_ended(const runtime::Process& process, Instant latest = {}) {
    runtime::DescriptorWait wait;
    const std::size_t ended = wait.add_readable(process.exit_descriptor());
    wait.wait_until(latest);
    return wait.is_ready(ended);
}

}  // namespace

std::vector<Gpu> parse_gpus(std::string_view text) {
    std::vector<Gpu> gpus;
    while (!text.empty() && gpus.size() < worker_gpus_max) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        const std::string_view line = trimmed(text.substr(0, end));
        if (!line.empty()) {
            gpus.push_back(parse_gpu(line));
        }
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return gpus;
}

Gpus::Gpus(const std::string& program) {
    if (const auto path = runtime::find_program(program)) {
        program_ = *path;
    }
}

Gpus::~Gpus() {
    if (!process_) {
        return;
    }
    process_->signal_group(SIGKILL);
    if (!has_ended(*process_, runtime::now().steady + farewell)) {
        // It hangs in its driver and does not even end by that: reaping it would hang as well.
        static_cast<void>(process_.release());
    }
}

const std::vector<Gpu>& Gpus::look(Now now) {
    if (process_) {
        collect(now);
    } else if (program_ && due_ <= now.steady) {
        begin(now);
    }
    return gpus_;
}

void Gpus::begin(Now now) {
    due_ = now.steady + interval;
    begun_at_ = now.steady;
    is_killed_ = false;
    output_.clear();
    auto process = runtime::Process::spawn(
        {.arguments = {*program_, "--query-gpu=name,utilization.gpu,memory.used,memory.total",
                       "--format=csv,noheader,nounits"}});
    if (!process) {
        due_ = now.steady + rest;
        return;
    }
    process_ = std::make_unique<runtime::Process>(std::move(*process));
    process_->input.close();
}

void Gpus::collect(Now now) {
    const bool is_whole = has_ended(*process_);
    output_ += read_some(process_->output);
    read_some(process_->errors);  // so that it need not wait
    if (is_whole) {
        const bool is_good = process_->reap().is_success();
        process_.reset();
        gpus_ = is_good ? parse_gpus(output_) : std::vector<Gpu>{};
        due_ = is_good ? due_ : now.steady + rest;
    } else if (now.steady - begun_at_ >= patience && !is_killed_) {
        is_killed_ = true;
        gpus_.clear();
        process_->signal_group(SIGKILL);
    }
}

}  // namespace xebec::worker
