#pragma once
// The protocol's limits. The first group is fixed; the second travels in the welcome, and these are
// its defaults.

#include <cstddef>
#include <cstdint>

namespace xebec {

constexpr std::size_t queue_name_octets_max = 48;
constexpr std::size_t kind_octets_max = 48;
constexpr std::size_t worker_name_octets_max = 128;
constexpr std::size_t error_text_octets_max = 4096;
constexpr std::size_t worker_kinds_max = 256;
constexpr std::size_t worker_queues_max = 256;
constexpr std::uint32_t worker_slots_max = 4096;
constexpr std::uint32_t worker_credit_max = 65536;
constexpr int priority_max = 9;
constexpr std::uint32_t attempts_limit = 10'000;
constexpr std::size_t list_items_max = 1000;           // in one page of any list
constexpr std::size_t history_attempts_max = 8;        // of a task
constexpr std::size_t history_text_octets_max = 1024;  // of each of them
constexpr std::size_t recent_attempts_max = 64;        // of a worker
constexpr std::size_t worker_gpus_max = 64;
constexpr std::size_t filter_text_octets_max = 256;
constexpr std::uint64_t backup_piece_octets_max = 1 << 20;

constexpr std::size_t body_depth_max = 6;        // maps and arrays inside each other
constexpr std::size_t address_frames_max = 8;    // in front of the delimiter
constexpr std::size_t address_octets_max = 255;  // in each of them

struct Limits {
    std::uint64_t payload_octets_max = 16 << 20;  // of a task
    std::uint64_t result_octets_max = 16 << 20;
    std::uint64_t body_octets_max = 4 << 20;
    std::uint64_t batch_items_max = 4096;         // in one message
    std::uint64_t inline_octets_max = 1024;       // larger payloads travel in frames of their own
    std::uint64_t payload_frames_max = 1024;      // in one message
    std::uint64_t message_octets_max = 64 << 20;  // all payload frames of one message

    friend bool operator==(const Limits&, const Limits&) = default;
};

}  // namespace xebec
