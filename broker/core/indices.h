#pragma once
// The small numbers by which the broker's tables name their entries.

#include <cstdint>

namespace xebec::broker {

enum class TaskIndex : std::uint32_t {};
enum class DetailsIndex : std::uint32_t {};
enum class LaneIndex : std::uint32_t {};
enum class QueueIndex : std::uint32_t {};
enum class KindIndex : std::uint32_t {};
enum class SessionIndex : std::uint32_t {};
enum class OfferIndex : std::uint32_t {};

template <class Index>
constexpr Index no_index = static_cast<Index>(UINT32_MAX);

constexpr TaskIndex no_task = no_index<TaskIndex>;
constexpr SessionIndex no_session = no_index<SessionIndex>;

}  // namespace xebec::broker
