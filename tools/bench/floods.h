#pragma once
// Peers that do without end what no honest one would.

#include <string>

namespace xebec::bench {

struct Endpoints {
    std::string clients;
    std::string workers;
    std::string updates;
};

// Each sends as fast as it can until it is killed.
void flood_hellos(const Endpoints& endpoints);
void flood_heartbeats(const Endpoints& endpoints);
void flood_empty_frames(const Endpoints& endpoints);
void flood_noise(const Endpoints& endpoints);
void flood_subscriptions(const Endpoints& endpoints);
void flood_lists(const Endpoints& endpoints);
void flood_connections(const Endpoints& endpoints);
void flood_submits(const Endpoints& endpoints);

}  // namespace xebec::bench
