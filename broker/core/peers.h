#pragma once
// Who talks to the broker: an address as the server knows it.

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace xebec::broker {

enum class Port : std::uint8_t { clients, workers };

// The frames in front of the delimiter, to be given back unchanged. The first is the routing id,
// which lives as long as one connection.
struct Peer {
    Port port = Port::clients;
    std::vector<std::string> address;

    friend bool operator==(const Peer&, const Peer&) = default;

    template <class H>
    friend H AbslHashValue(H state, const Peer& peer) {
        return H::combine(std::move(state), peer.port, peer.address);
    }
};

}  // namespace xebec::broker
