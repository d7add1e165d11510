#pragma once
// Signals as a descriptor of the loop instead of interruptions.

#include <csignal>
#include <initializer_list>
#include <optional>

namespace xebec::runtime {

// Blocks these signals in the calling thread and in all it makes later, and reads them here.
// Make it before any other thread and before the ZeroMQ context exists.
class Signals {
public:
    explicit Signals(std::initializer_list<int> signals);
    ~Signals();
    Signals(const Signals&) = delete;
    Signals& operator=(const Signals&) = delete;

    int descriptor() const { return descriptor_; }
    std::optional<int> take() const;  // the next signal that came

private:
    int descriptor_;
};

// Unblocks every signal and puts its default action back: for a child before it executes a program.
void reset_signals();

}  // namespace xebec::runtime
