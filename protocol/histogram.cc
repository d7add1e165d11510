#include "protocol/histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace xebec {

std::size_t Histogram::bucket_of(Microseconds value) {
    const auto v = static_cast<std::uint64_t>(std::max<std::int64_t>(0, value.count()));
    if (v < 16) {
        return static_cast<std::size_t>(v);
    }
    const auto exponent = static_cast<std::size_t>(std::bit_width(v) - 1);  // 4 and up
    const std::size_t part = (v >> (exponent - 3)) & 7;
    return std::min(16 + (exponent - 4) * 8 + part, bucket_count - 1);
}

Histogram::Microseconds Histogram::bucket_end(std::size_t bucket) {
    if (bucket < 16) {
        return Microseconds{bucket};
    }
    const std::size_t exponent = (bucket - 16) / 8 + 4;
    const std::uint64_t part = (bucket - 16) % 8;
    const std::uint64_t width = std::uint64_t{1} << (exponent - 3);
    return Microseconds{static_cast<std::int64_t>((8 + part + 1) * width - 1)};
}

void Histogram::add(Microseconds value) {
    const std::size_t bucket = bucket_of(value);
    if (bucket >= buckets_.size()) {
        buckets_.resize(bucket + 1);
    }
    ++buckets_[bucket];
    ++count_;
}

bool Histogram::add_sparse(std::span<const std::uint64_t> sparse) {
    if (sparse.size() % 2 != 0) {
        return false;
    }
    std::uint64_t room = count_max - count_;
    for (std::size_t i = 0; i < sparse.size(); i += 2) {
        if (sparse[i] >= bucket_count || (i > 0 && sparse[i] <= sparse[i - 2]) ||
            sparse[i + 1] > room) {
            return false;
        }
        room -= sparse[i + 1];
    }
    if (!sparse.empty() && sparse[sparse.size() - 2] >= buckets_.size()) {
        buckets_.resize(static_cast<std::size_t>(sparse[sparse.size() - 2]) + 1);
    }
    for (std::size_t i = 0; i < sparse.size(); i += 2) {
        buckets_[static_cast<std::size_t>(sparse[i])] += sparse[i + 1];
        count_ += sparse[i + 1];
    }
    return true;
}

std::vector<std::uint64_t> Histogram::to_sparse() const {
    std::vector<std::uint64_t> sparse;
    for (std::size_t i = 0; i < buckets_.size(); ++i) {
        if (buckets_[i] > 0) {
            sparse.push_back(i);
            sparse.push_back(buckets_[i]);
        }
    }
    return sparse;
}

Histogram Histogram::since(const Histogram& earlier) const {
    Histogram difference;
    difference.buckets_.resize(buckets_.size());
    for (std::size_t i = 0; i < buckets_.size(); ++i) {
        const std::uint64_t before = i < earlier.buckets_.size() ? earlier.buckets_[i] : 0;
        difference.buckets_[i] = buckets_[i] > before ? buckets_[i] - before : 0;
        difference.count_ += difference.buckets_[i];
    }
    return difference;
}

Histogram::Microseconds Histogram::quantile(double share) const {
    if (count_ == 0) {
        return Microseconds{0};
    }
    const double wanted = std::clamp(share, 0.0, 1.0) * static_cast<double>(count_);
    const auto rank = std::max<std::uint64_t>(1, static_cast<std::uint64_t>(std::ceil(wanted)));
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < buckets_.size(); ++i) {
        seen += buckets_[i];
        if (seen >= rank) {
            return bucket_end(i);
        }
    }
    return bucket_end(buckets_.size() - 1);
}

}  // namespace xebec
