#include "tools/bench/floods.h"

#include "protocol/codec.h"
#include "protocol/envelope.h"
#include "runtime/clock.h"
#include "runtime/sockets.h"
#include "tools/bench/peers.h"
#include "tools/bench/processes.h"

#include <deque>
#include <string>
#include <vector>

namespace xebec::bench {

using namespace protocol;

namespace {

// One connection. What comes back is read and thrown away, unless it is to pile up.
class Flooder {
public:
    Flooder(const runtime::Context& context, const std::string& endpoint, bool reads = true)
        : socket_(context, runtime::SocketType::dealer), reads_(reads) {
        socket_.connect(endpoint);
        poller_.add(socket_);
    }

    void introduce() { send(Hello{}); }
    void until_welcome() {
        while (session_ == 0) {
            poller_.wait_until({});
            if (socket_.receive(incoming_)) {
                session_ = parse_envelope(incoming_.frames()).value().header.session;
            }
        }
    }

    void send(const Message& message) {
        const Header header{.correlation = ++sent_, .session = session_};
        push([&] { return socket_.send({}, encode(header, message)); });
    }
    void send(std::size_t count, std::string_view octets) {
        const std::vector<runtime::FrameOut> frames(count, {octets, {}});
        ++sent_;
        push([&] { return socket_.send(frames); });
    }

private:
    template <class Send>
    void push(Send once) {
        constexpr milliseconds rest{1};
        while (once() == runtime::SendResult::stalled) {
            poller_.wait_until(runtime::now().steady + rest);
            drain();
        }
        constexpr std::uint64_t messages_between_looks = 64;
        if (sent_ % messages_between_looks == 0) {
            drain();
        }
    }
    void drain() {
        while (reads_ && socket_.receive(incoming_)) {
        }
    }

    runtime::Socket socket_;
    runtime::Poller poller_;
    runtime::Multipart incoming_;
    bool reads_;
    std::uint64_t session_ = 0;
    std::uint64_t sent_ = 0;
};

}  // namespace

void flood_hellos(const Endpoints& endpoints) {
    const runtime::Context context;
    for (Flooder flooder(context, endpoints.clients);;) {
        flooder.send(Hello{});
    }
}

// Of a session that does not exist: each is answered.
void flood_heartbeats(const Endpoints& endpoints) {
    const runtime::Context context;
    for (Flooder flooder(context, endpoints.workers);;) {
        flooder.send(Ping{});
    }
}

void flood_empty_frames(const Endpoints& endpoints) {
    constexpr std::size_t frames = 30;
    const runtime::Context context;
    for (Flooder flooder(context, endpoints.workers);;) {
        flooder.send(frames, {});
    }
}

void flood_noise(const Endpoints& endpoints) {
    const std::string noise(100, '\xf5');
    const runtime::Context context;
    for (Flooder flooder(context, endpoints.clients);;) {
        flooder.send(3, noise);
    }
}

void flood_subscriptions(const Endpoints& endpoints) {
    const runtime::Context context;
    runtime::Socket socket(context, runtime::SocketType::sub);
    socket.connect(endpoints.updates);
    for (std::uint64_t i = 0;; ++i) {
        const std::string topic = "task." + std::to_string(i) + ".";
        socket.subscribe(topic);
        socket.unsubscribe(topic);
    }
}

// Lists of a thousand tasks that nobody reads.
void flood_lists(const Endpoints& endpoints) {
    const runtime::Context context;
    Flooder flooder(context, endpoints.clients, false);
    flooder.introduce();
    flooder.until_welcome();
    while (true) {
        flooder.send(List{.limit = 1'000});
    }
}

void flood_connections(const Endpoints& endpoints) {
    while (true) {
        constexpr int at_once = 50;
        const runtime::Context context(at_once);  // its end waits until every descriptor is closed
        std::deque<Flooder> flooders;
        for (int i = 0; i < at_once; ++i) {
            flooders.emplace_back(context, endpoints.clients).introduce();
        }
        for (Flooder& flooder : flooders) {
            flooder.until_welcome();
        }
    }
}

void flood_submits(const Endpoints& endpoints) {
    const SharedBoard board;
    run_client(*board, endpoints.clients,
               {.count = 100'000'000,
                .batch = 1,
                .window = 1'000,
                .kind = "nobody-serves",
                .queue = "flood",
                .waits = false});
}

}  // namespace xebec::bench
