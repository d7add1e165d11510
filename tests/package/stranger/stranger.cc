// A program somewhere else that uses the installed package: one worker and one client, both of its
// own, at the broker whose endpoints are its arguments.

#include <xebec/client.h>
#include <xebec/worker.h>

#include <algorithm>
#include <iostream>
#include <string>
#include <thread>

int main(int argc, char** argv) {
    if (argc != 3) {
        std::cerr << "usage: stranger CLIENTS WORKERS\n";
        return 2;
    }
    xebec::Worker worker({.broker = argv[2], .name = "stranger"});
    worker.handle("reverse", [](xebec::TaskContext& task) -> xebec::HandlerResult {
        std::string text(task.payload());
        std::reverse(text.begin(), text.end());
        return xebec::Payload{text};
    });
    std::jthread runner([&worker] { static_cast<void>(worker.run()); });

    xebec::Client client({.broker = argv[1]});
    const auto outcome = client.run({.kind = "reverse", .payload = {"cebex"}});
    worker.stop();
    if (!outcome) {
        std::cerr << outcome.error().detail << '\n';
        return 1;
    }
    std::cout << outcome->result.octets << '\n';
    return outcome->result.octets == "xebec" ? 0 : 1;
}
