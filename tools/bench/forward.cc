#include "tools/bench/forward.h"

#include "tools/bench/processes.h"
#include "tools/bench/samples.h"

#include <absl/container/flat_hash_map.h>
#include <msgpack.hpp>
#include <zmq.hpp>

#include <algorithm>
#include <chrono>
#include <string>
#include <string_view>
#include <vector>

namespace xebec::bench {

namespace {

// A message is an array of [number, octets].
struct Item {
    std::uint64_t number = 0;
    std::string_view octets;
};

// Walks over the array without building anything.
template <class Each>
void for_each_item(const zmq::message_t& message, Each each) {
    struct Visitor : msgpack::null_visitor {
        explicit Visitor(Each& to) : to_(to) {}
        bool visit_positive_integer(std::uint64_t value) {
            item_.number = value;
            return true;
        }
        bool visit_bin(const char* octets, std::uint32_t size) {
            item_.octets = {octets, size};
            to_(item_);
            return true;
        }
        Each& to_;
        Item item_;
    } visitor(each);
    std::size_t offset = 0;
    msgpack::parse(message.data<char>(), message.size(), offset, visitor);
}

class Packer {
public:
    explicit Packer(std::size_t items) : packer_(buffer_) {
        packer_.pack_array(static_cast<std::uint32_t>(items));
    }
    void add(const Item& item) {
        packer_.pack_array(2);
        packer_.pack_uint64(item.number);
        packer_.pack_bin(static_cast<std::uint32_t>(item.octets.size()));
        packer_.pack_bin_body(item.octets.data(), static_cast<std::uint32_t>(item.octets.size()));
    }
    zmq::message_t message() const { return {buffer_.data(), buffer_.size()}; }

private:
    msgpack::sbuffer buffer_;
    msgpack::packer<msgpack::sbuffer> packer_;
};

std::size_t count_items(const zmq::message_t& message) {
    std::size_t count = 0;
    for_each_item(message, [&count](const Item&) { ++count; });
    return count;
}

int port_of(zmq::socket_t& socket) {
    const std::string endpoint = socket.get(zmq::sockopt::last_endpoint);
    return std::stoi(endpoint.substr(endpoint.rfind(':') + 1));
}

zmq::socket_t connect(zmq::context_t& context, const std::atomic<int>& port) {
    while (port == 0) {
        sleep_for(std::chrono::milliseconds{1});
    }
    zmq::socket_t socket(context, zmq::socket_type::dealer);
    socket.set(zmq::sockopt::sndhwm, 0);
    socket.set(zmq::sockopt::rcvhwm, 0);
    socket.set(zmq::sockopt::linger, 0);
    socket.connect("tcp://127.0.0.1:" + std::to_string(port));
    return socket;
}

// What the broker of the second kind does with a request on its way to the worker, and with the
// result on its way back: a table of what is under way, each task put in and taken out once.
class Table {
public:
    zmq::message_t take_in(const zmq::message_t& message) {
        Packer packer(count_items(message));
        for_each_item(message, [&](const Item& item) {
            under_way_.emplace(item.number, item.octets.size());
            packer.add(item);
        });
        return packer.message();
    }
    zmq::message_t take_out(const zmq::message_t& message) {
        Packer packer(count_items(message));
        for_each_item(message, [&](const Item& item) {
            under_way_.erase(item.number);
            packer.add(item);
        });
        return packer.message();
    }

private:
    absl::flat_hash_map<std::uint64_t, std::size_t> under_way_;
};

}  // namespace

void run_forwarder(Board& board, Forwarding forwarding) {
    zmq::context_t context;
    zmq::socket_t clients(context, zmq::socket_type::router);
    zmq::socket_t workers(context, zmq::socket_type::router);
    for (zmq::socket_t* socket : {&clients, &workers}) {
        socket->set(zmq::sockopt::sndhwm, 0);
        socket->set(zmq::sockopt::rcvhwm, 0);
        socket->bind("tcp://127.0.0.1:*");
    }
    board.workers_port = port_of(workers);
    zmq::message_t worker;
    zmq::message_t hello;
    (void)workers.recv(worker);
    (void)workers.recv(hello);
    board.clients_port = port_of(clients);

    Table table;
    const bool unpacks = forwarding == Forwarding::unpack;
    std::vector<zmq::pollitem_t> polled{{clients, 0, ZMQ_POLLIN, 0}, {workers, 0, ZMQ_POLLIN, 0}};
    zmq::message_t from;
    zmq::message_t address;
    zmq::message_t body;
    while (true) {
        zmq::poll(polled.data(), polled.size());
        while (workers.recv(from, zmq::recv_flags::dontwait)) {
            (void)workers.recv(address);
            (void)workers.recv(body);
            clients.send(address, zmq::send_flags::sndmore);
            clients.send(unpacks ? table.take_out(body) : std::move(body), zmq::send_flags::none);
        }
        while (clients.recv(from, zmq::recv_flags::dontwait)) {
            (void)clients.recv(body);
            workers.send(zmq::message_t(worker.data(), worker.size()), zmq::send_flags::sndmore);
            workers.send(from, zmq::send_flags::sndmore);
            workers.send(unpacks ? table.take_in(body) : std::move(body), zmq::send_flags::none);
        }
    }
}

void run_forward_worker(Board& board) {
    zmq::context_t context;
    zmq::socket_t socket = connect(context, board.workers_port);
    socket.send(zmq::str_buffer("hello"));
    zmq::message_t address;
    zmq::message_t body;
    while (true) {
        (void)socket.recv(address);
        (void)socket.recv(body);
        Packer packer(count_items(body));
        for_each_item(body, [&](const Item& item) {
            packer.add({item.number, item.octets.substr(0, result_octets)});
        });
        socket.send(address, zmq::send_flags::sndmore);
        socket.send(packer.message(), zmq::send_flags::none);
    }
}

void run_forward_client(Board& board, const ForwardLoad& load) {
    zmq::context_t context;
    zmq::socket_t socket = connect(context, board.clients_port);
    Samples samples(load.payload, load.warm_up, load.warm_up + load.count);
    const bool goes_one_by_one = load.batch * load.window == 1;
    std::uint64_t sent = 0;
    zmq::message_t body;
    while (!samples.are_complete()) {
        while (sent < samples.total() && sent - samples.finished() < load.batch * load.window) {
            const std::uint64_t items = std::min(load.batch, samples.total() - sent);
            Packer packer(items);
            for (const std::uint64_t end = sent + items; sent < end; ++sent) {
                packer.add({sent, samples.make(sent)});
            }
            socket.send(packer.message(), zmq::send_flags::none);
        }
        const Instant sent_at = goes_one_by_one ? runtime::now().steady : Instant{};
        (void)socket.recv(body);
        if (goes_one_by_one) {
            samples.took(runtime::now().steady - sent_at);
        }
        for_each_item(body, [&](const Item& item) { samples.finish(item.number, item.octets); });
    }
    board.measured = samples.measured();
}

}  // namespace xebec::bench
