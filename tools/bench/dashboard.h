#pragma once
// The dashboard of a broker, and what a browser does that has it open.

#include "tools/bench/processes.h"

#include <cstdint>
#include <string>

namespace xebec::bench {

// A monitor that serves the dashboard, for as long as this lives.
class Dashboard {
public:
    // Waits until it answers. Throws std::runtime_error if it does not.
    explicit Dashboard(const BrokerProcess& broker);

    // What stands at this path, on a connection of its own. Throws std::runtime_error if there is
    // no answer, or one that a page does not expect.
    std::string get(const std::string& path) const;
    // Until the live stream has told how things are.
    void wait_for_live() const;

    int port() const { return port_; }
    std::uint64_t memory_octets() const { return monitor_.memory_octets(); }

private:
    int port_;
    Background monitor_;
};

// Follows the live stream of the dashboard at this port, and asks for all that its pages ask for,
// at their pace; never returns. Throws std::runtime_error if it does not answer.
[[noreturn]] void look_at_dashboard(int port);

// The dashboard with a browser that has it open, for as long as this lives.
class OpenDashboard {
public:
    explicit OpenDashboard(const BrokerProcess& broker);

    std::uint64_t memory_octets() const { return dashboard_.memory_octets(); }

private:
    Dashboard dashboard_;
    Child browser_;
};

}  // namespace xebec::bench
