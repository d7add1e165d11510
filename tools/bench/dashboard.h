#pragma once
// What a browser does that has the dashboard open.

namespace xebec::bench {

// A port of this machine that nobody listens on now.
int free_port();

// Follows the live stream of the dashboard at this port, and asks for all that its pages ask for,
// at their pace; never returns. Throws std::runtime_error if it does not answer.
[[noreturn]] void look_at_dashboard(int port);

}  // namespace xebec::bench
