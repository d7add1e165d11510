#include "tests/simulation/network.h"

#include "protocol/check.h"
#include "protocol/envelope.h"

#include <algorithm>
#include <utility>

namespace xebec::simulation {

Wire to_wire(const protocol::Packet& packet) {
    const auto header = encode(packet.header);
    Wire wire{{"", std::string(header.data(), header.size()), packet.body}};
    for (const Blob& payload : packet.payloads) {
        wire.frames.emplace_back(payload.view());
    }
    return wire;
}

Read read(const Wire& wire) {
    const std::vector<std::string_view> frames(wire.frames.begin(), wire.frames.end());
    const auto envelope = protocol::parse_envelope(frames);
    check(envelope.has_value(), "what a program sent is a message");
    Read message{.header = envelope->header, .body = wire.frames[envelope->body]};
    for (std::size_t i = 0; i < envelope->payload_count; ++i) {
        message.payloads.push_back(Blob::copy_of(wire.frames[envelope->payload_first + i]));
    }
    return message;
}

Route Network::connect(ToPeer receive) {
    const Route route = "peer-" + std::to_string(++routes_);
    connections_[route] = {.receive = std::move(receive)};
    return route;
}

Route Network::connect_worker(const Route& identity, ToPeer receive) {
    const Route route =
        plain_worker_prefix + (identity.empty() ? std::to_string(++routes_) : identity);
    const auto half_open = half_open_.find(route);
    const bool is_taken = connections_.contains(route) ||
                          (half_open != half_open_.end() && schedule_.now() < half_open->second);
    if (is_taken) {
        return {};
    }
    half_open_.erase(route);
    connections_[route] = {.receive = std::move(receive)};
    return route;
}

void Network::disconnect(const Route& route, bool is_noticed) {
    connections_.erase(route);
    if (!is_noticed) {
        half_open_[route] = schedule_.now() + dice_.between(Duration{0}, std::chrono::seconds{20});
    }
}

void Network::send_to_broker(const Route& route, const Wire& wire) {
    const auto found = connections_.find(route);
    if (found == connections_.end() || found->second.is_cut_towards_broker) {
        return;
    }
    carry(found->second.arrives_at_broker, [this, route, wire] { to_broker_(route, wire); });
}

bool Network::send_to_peer(const Route& route, const Wire& wire) {
    const auto found = connections_.find(route);
    if (found == connections_.end()) {
        const auto half_open = half_open_.find(route);
        return half_open != half_open_.end() && schedule_.now() < half_open->second;
    }
    if (!found->second.is_cut_from_broker) {
        carry(found->second.arrives_at_peer, [this, route, wire] {
            // It may have closed the connection in the meantime.
            const auto peer = connections_.find(route);
            if (peer != connections_.end()) {
                const ToPeer receive = peer->second.receive;
                receive(wire);
            }
        });
    }
    return true;
}

void Network::carry(Instant& last_arrival, std::function<void()> deliver) {
    if (dice_.happens(faults_.loss)) {
        return;
    }
    const int copies = dice_.happens(faults_.repeat) ? 2 : 1;
    for (int i = 0; i < copies; ++i) {
        Instant arrival = schedule_.now() + dice_.between(faults_.delay_min, faults_.delay_max);
        if (!dice_.happens(faults_.reorder)) {
            arrival = std::max(arrival, last_arrival);
            last_arrival = arrival;
        }
        schedule_.at(arrival, [this, deliver, generation = generation_] {
            if (generation == generation_) {
                deliver();
            }
        });
    }
}

void Network::cut(const Route& route, bool towards_broker, bool from_broker) {
    const auto found = connections_.find(route);
    if (found != connections_.end()) {
        found->second.is_cut_towards_broker = towards_broker;
        found->second.is_cut_from_broker = from_broker;
    }
}

void Network::heal() {
    faults_ = {};
    for (auto& [route, connection] : connections_) {
        connection.is_cut_towards_broker = false;
        connection.is_cut_from_broker = false;
    }
}

}  // namespace xebec::simulation
