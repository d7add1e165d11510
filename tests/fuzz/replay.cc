// Gives every file of a stored corpus to a fuzz target, once: what the fuzzers found stays found,
// with any compiler.

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

int main(int argc, char** argv) {
    std::size_t count = 0;
    for (int i = 1; i < argc; ++i) {
        for (const auto& entry : std::filesystem::directory_iterator(argv[i])) {
            std::ifstream file(entry.path(), std::ios::binary);
            const std::string octets{std::istreambuf_iterator<char>(file), {}};
            // A buffer of exactly this size, so that a sanitizer sees reads beyond it.
            const auto exact = std::make_unique<std::uint8_t[]>(octets.size());
            std::copy(octets.begin(), octets.end(), exact.get());
            LLVMFuzzerTestOneInput(exact.get(), octets.size());
            ++count;
        }
    }
    std::printf("%zu inputs\n", count);
    return count > 0 ? 0 : 1;  // an empty corpus tests nothing
}
