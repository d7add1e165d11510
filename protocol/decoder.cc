#include "protocol/decoder.h"

#include "protocol/names.h"

#include <msgpack.hpp>

#include <array>

namespace xebec::protocol {

namespace {

// The visitor that msgpack-c calls for each token; any `false` ends the parse.
class Visitor : public msgpack::null_visitor {
public:
    Visitor(void* target, const Shape& shape, std::size_t octets, std::span<const Blob> payloads)
        : target_(target),
          shape_(&shape),
          values_left_(octets),
          memory_left_(decoded_octets_base + octets * decoded_octets_per_octet),
          payloads_(payloads) {}

    const char* problem() const { return problem_; }

    bool visit_nil() { return skipping() || fail("nil is never a value here"); }
    bool visit_boolean(bool value) {
        return skipping() || put(shape_->truth, value, "a boolean is not expected here");
    }
    bool visit_negative_integer(std::int64_t value) {
        if (value >= 0) {  // some encoders write every number in a signed form
            return visit_positive_integer(static_cast<std::uint64_t>(value));
        }
        return skipping() || fail("a negative number is not expected here");
    }
    bool visit_float32(float) { return skipping() || fail("a fraction is not expected here"); }
    bool visit_float64(double) { return skipping() || fail("a fraction is not expected here"); }
    bool visit_ext(const char*, std::uint32_t) {
        return skipping() || fail("an extension is not expected here");
    }

    bool visit_positive_integer(std::uint64_t value) {
        if (skipping()) {
            return true;
        }
        if (reading_key_) {
            return select_member(value);
        }
        if (shape_->payload != nullptr) {
            if (value >= payloads_.size()) {
                return fail("there is no such payload frame");
            }
            return shape_->payload(target_, payloads_[value]) || fail("a payload frame is wrong");
        }
        return put(shape_->number, value, "a number is not expected here");
    }
    bool visit_str(const char* data, std::uint32_t size) {
        const std::string_view value(data, size);
        if (skipping()) {
            return true;
        }
        if (!is_utf8(value)) {
            return fail("a text is not UTF-8");
        }
        return put(shape_->text, value, "a text is not expected here");
    }
    bool visit_bin(const char* data, std::uint32_t size) {
        return skipping() ||
               put(shape_->octets, std::string_view(data, size), "octets are not expected here");
    }

    bool start_array(std::uint32_t count) {
        if (!spend(count)) {
            return false;
        }
        if (skipping()) {
            return descend_unread();
        }
        if (reading_key_ || shape_->begin_array == nullptr) {
            return fail("an array is not expected here");
        }
        const std::uint64_t memory = count * std::uint64_t{shape_->element_octets};
        if (count > array_elements_max || memory > memory_left_) {
            return fail("an array is too long");
        }
        memory_left_ -= memory;
        shape_->begin_array(target_, count);
        return descend();
    }
    bool start_array_item() {
        if (!skipping()) {
            const Level& level = top();
            target_ = level.shape->next_element(level.target);
            shape_ = level.shape->element;
        }
        return true;
    }
    bool end_array() { return ascend(); }

    bool start_map(std::uint32_t count) {
        if (!spend(std::uint64_t{count} * 2)) {
            return false;
        }
        if (skipping()) {
            return descend_unread();
        }
        if (reading_key_ || shape_->begin_map == nullptr) {
            return fail("a map is not expected here");
        }
        target_ = shape_->begin_map(target_);
        return descend();
    }
    bool start_map_key() {
        reading_key_ = !skipping();
        return true;
    }
    bool end_map_key() {
        reading_key_ = false;
        return true;
    }
    bool end_map_value() {
        // An ignored member ends with its value.
        if (skipped_depth_ == 1) {
            skipped_depth_ = 0;
        }
        return true;
    }
    bool end_map() {
        if (!skipping()) {
            const Level& level = top();
            for (const Member& member : level.shape->members) {
                if (member.required && (level.seen & bit(member.key)) == 0) {
                    return fail("a required key is missing");
                }
            }
        }
        return ascend();
    }

private:
    // A map or array being read.
    struct Level {
        void* target = nullptr;
        const Shape* shape = nullptr;
        std::uint64_t seen = 0;  // the keys so far
    };

    static std::uint64_t bit(std::uint8_t key) { return std::uint64_t{1} << key; }

    Level& top() { return levels_[depth_ - 1]; }

    // Inside the value of a key nobody here knows. 1 is that value itself, more its insides.
    bool skipping() const { return skipped_depth_ > 0; }

    bool descend() {
        if (depth_ == levels_.size()) {
            return fail("maps and arrays are nested too deeply");
        }
        levels_[depth_++] = {target_, shape_, 0};
        return true;
    }
    bool descend_unread() {
        if (depth_ + skipped_depth_ > levels_.size()) {
            return fail("maps and arrays are nested too deeply");
        }
        ++skipped_depth_;
        return true;
    }
    bool ascend() {
        if (skipping()) {
            --skipped_depth_;
        } else {
            --depth_;
        }
        return true;
    }

    // Every value takes at least one octet, so a count beyond the octets is a lie.
    bool spend(std::uint64_t values) {
        if (values > values_left_) {
            return fail("a length goes beyond the end");
        }
        values_left_ -= values;
        return true;
    }

    bool select_member(std::uint64_t key) {
        if (key > key_max) {
            return fail("a key is larger than 63");
        }
        Level& level = top();
        const auto small_key = static_cast<std::uint8_t>(key);
        if ((level.seen & bit(small_key)) != 0) {
            return fail("a key occurs twice");
        }
        level.seen |= bit(small_key);
        for (const Member& member : level.shape->members) {
            if (member.key == small_key) {
                target_ = member.locate(level.target);
                shape_ = member.shape;
                return true;
            }
        }
        skipped_depth_ = 1;
        return true;
    }

    template <class Operation, class Value>
    bool put(Operation operation, Value value, const char* unexpected) {
        if (reading_key_) {
            return fail("a key is not a number");
        }
        if (operation == nullptr) {
            return fail(unexpected);
        }
        return operation(target_, value) || fail("a value is outside its range");
    }

    bool fail(const char* problem) {
        problem_ = problem;
        return false;
    }

    void* target_;
    const Shape* shape_;
    std::uint64_t values_left_;
    std::uint64_t memory_left_;
    std::span<const Blob> payloads_;
    std::array<Level, body_depth_max> levels_{};
    std::size_t depth_ = 0;
    std::size_t skipped_depth_ = 0;
    bool reading_key_ = false;
    const char* problem_ = nullptr;
};

}  // namespace

std::string decode_into(void* target, const Shape& shape, std::string_view body,
                        std::span<const Blob> payloads) {
    if (body.empty()) {
        return "the body is empty";
    }
    Visitor visitor(target, shape, body.size(), payloads);
    std::size_t offset = 0;
    const bool whole = msgpack::parse(body.data(), body.size(), offset, visitor);
    if (visitor.problem() != nullptr) {
        return std::string(visitor.problem()) + ", near octet " + std::to_string(offset);
    }
    if (!whole) {
        return "the body ends early or is not MessagePack, near octet " + std::to_string(offset);
    }
    if (offset != body.size()) {
        return "octets follow the end of the body, from octet " + std::to_string(offset);
    }
    return {};
}

}  // namespace xebec::protocol
