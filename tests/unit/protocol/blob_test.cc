// Octets that are shared: across handles, across threads, and released once.

#include "protocol/blob.h"

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

namespace xebec {
namespace {

struct Owner {
    std::string octets;
    std::atomic<int> released = 0;

    static void release(void* owner) noexcept { static_cast<Owner*>(owner)->released += 1; }
    Blob adopt() { return Blob::adopt({octets.data(), octets.size(), &Owner::release, this}); }
};

TEST(Blob, HoldsACopy) {
    std::string octets = "octets";
    const Blob blob = Blob::copy_of(octets);
    octets = "others";

    EXPECT_EQ(blob.view(), "octets");
    EXPECT_EQ(blob.size(), 6U);
    EXPECT_FALSE(blob.empty());
    EXPECT_GE(blob.footprint(), 6U);
}

TEST(Blob, MayBeEmpty) {
    for (const Blob& blob : {Blob(), Blob::copy_of("")}) {
        EXPECT_TRUE(blob.empty());
        EXPECT_EQ(blob.view(), "");
        EXPECT_EQ(blob.footprint(), 0U);
    }
}

TEST(Blob, SharesItsOctetsAmongHandles) {
    Blob first = Blob::copy_of("octets");
    const Blob second = first;
    const char* data = first.view().data();
    const Blob third = std::move(first);
    first = third;

    EXPECT_EQ(second.view().data(), data);
    EXPECT_EQ(third.view().data(), data);
    EXPECT_EQ(first.view().data(), data);
}

TEST(Blob, SurvivesBeingAssignedToItself) {
    Blob blob = Blob::copy_of("octets");
    const Blob& same = blob;
    blob = same;

    EXPECT_EQ(blob.view(), "octets");
}

TEST(Blob, GivesAForeignBufferBackOnce) {
    Owner owner{.octets = "foreign"};
    {
        Blob blob = owner.adopt();
        const Blob other = blob;
        EXPECT_EQ(other.view().data(), owner.octets.data());
        blob = Blob();
        EXPECT_EQ(owner.released, 0);
    }
    EXPECT_EQ(owner.released, 1);
}

TEST(Blob, GivesAForeignBufferBackOnceWhicheverThreadIsLast) {
    Owner owner{.octets = "foreign"};
    {
        std::vector<std::jthread> threads;
        Blob blob = owner.adopt();
        for (int i = 0; i < 4; ++i) {
            threads.emplace_back([blob, &owner] {
                for (int round = 0; round < 10'000; ++round) {
                    const Blob copy = blob;
                    Blob moved = Blob(copy);
                    if (moved.view().data() != owner.octets.data()) {
                        ADD_FAILURE() << "another buffer";
                    }
                }
            });
        }
        blob = Blob();
    }
    EXPECT_EQ(owner.released, 1);
}

TEST(Blob, ThatIsConfinedMayLeaveItsThreadOnceItIsShared) {
    Blob blob = Blob::confined_copy_of("octets");
    const Blob before = blob;
    std::vector<Blob> some(3, blob);
    some.pop_back();
    EXPECT_TRUE(before.is_confined());
    blob.share();
    EXPECT_FALSE(before.is_confined());
    {
        std::vector<std::jthread> threads;
        for (int i = 0; i < 4; ++i) {
            threads.emplace_back([blob] {
                for (int round = 0; round < 10'000; ++round) {
                    const Blob copy = blob;
                    if (copy.view() != "octets") {
                        ADD_FAILURE() << "other octets";
                    }
                }
            });
        }
        some.clear();
        blob = Blob();
    }
    EXPECT_EQ(before.view(), "octets");
    EXPECT_TRUE(Blob::confined_copy_of("").empty());
    Blob().share();
    EXPECT_FALSE(Blob().is_confined());
}

TEST(Octets, AreKeptByCopyOrByTheirOwner) {
    const std::string text = "borrowed";
    const Blob blob = Blob::copy_of("owned");

    const Blob copied = Octets(std::string_view(text)).keep();
    const Blob shared = Octets(blob).keep();
    const Blob confined = Octets(std::string_view(text)).keep_confined();

    EXPECT_EQ(copied.view(), text);
    EXPECT_NE(copied.view().data(), text.data());
    EXPECT_EQ(shared.view().data(), blob.view().data());
    EXPECT_EQ(Octets(blob).keep_confined().view().data(), blob.view().data());
    EXPECT_EQ(confined.view(), text);
    EXPECT_NE(confined.view().data(), text.data());
    EXPECT_EQ(Octets(std::string_view("owned")), Octets(blob));
}

}  // namespace
}  // namespace xebec
