#pragma once
// Counts of durations in buckets that grow with the value: exact below 16 µs, then eight buckets to
// each power of two, so that a quantile is off by at most an eighth.

#include <chrono>
#include <cstdint>
#include <span>
#include <vector>

namespace xebec {

class Histogram {
public:
    using Microseconds = std::chrono::microseconds;

    void add(Microseconds value);

    // Adds what `to_sparse` gave. False, and nothing added, if it is not such a list or would bring
    // the count over `count_max`.
    bool add_sparse(std::span<const std::uint64_t> sparse);

    // Bucket, count, bucket, count … of the buckets that are not empty, in order.
    std::vector<std::uint64_t> to_sparse() const;

    // What was added since `earlier`, an older state of this histogram.
    Histogram since(const Histogram& earlier) const;

    std::uint64_t count() const { return count_; }

    // The upper end of the bucket in which the given share (0 to 1) of the values lies; 0 if empty.
    Microseconds quantile(double share) const;

    static constexpr std::size_t bucket_count = 16 + 40 * 8;
    static constexpr std::uint64_t count_max = std::uint64_t{1} << 53;  // a double is exact so far
    static std::size_t bucket_of(Microseconds value);
    static Microseconds bucket_end(std::size_t bucket);  // the largest value in it

    friend bool operator==(const Histogram&, const Histogram&) = default;

private:
    std::vector<std::uint64_t> buckets_;  // only as many as were needed
    std::uint64_t count_ = 0;
};

}  // namespace xebec
