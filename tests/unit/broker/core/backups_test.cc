// A backup has an owner, an end, and bounds; what is read goes on elsewhere.

#include "tests/unit/broker/core/fixture.h"

#include <gmock/gmock.h>

namespace xebec::broker {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

const std::vector<SegmentUse> two_segments{{3, 8'192}, {4, 1'536}};

// The client "c" has a backup of `two_segments`, unless the test says otherwise.
struct BackupOf : testing::Test {
    Fixture broker{{}};

    std::uint64_t ask(const std::string& peer) {
        const std::uint64_t correlation = broker.receive(peer, Backup{});
        broker.tick();
        return correlation;
    }
    std::uint64_t begin(const std::string& peer = "c") {
        broker.connect(peer);
        const std::uint64_t correlation = ask(peer);
        const auto begun = broker.take_backups_begun();
        EXPECT_EQ(begun.size(), 1U);
        broker.apply(BackupHeld{begun.at(0), two_segments});
        const auto answer = broker.answer_to<BackupAnswer>(peer, correlation);
        EXPECT_EQ(answer.backup, begun.at(0));
        broker.take_notices<BackupBegan>();
        return answer.backup;
    }
    std::uint64_t read(const std::string& peer, std::uint64_t backup, std::uint32_t segment = 4,
                       std::uint64_t offset = 0, std::uint64_t octets = 512) {
        const std::uint64_t correlation = broker.receive(
            peer,
            BackupRead{.backup = backup, .segment = segment, .offset = offset, .octets = octets});
        broker.tick();
        return correlation;
    }
    Refusal refusal_of(const std::string& peer, std::uint64_t correlation) {
        return static_cast<Refusal>(broker.answer_to<ErrorAnswer>(peer, correlation).code);
    }
    Refusal refusal_to_read(std::uint32_t segment, std::uint64_t offset, std::uint64_t octets,
                            std::uint64_t backup) {
        return refusal_of("c", read("c", backup, segment, offset, octets));
    }
    void answer_piece(std::string_view octets, std::string_view fault = {}) {
        const auto pieces = broker.take_pieces();
        ASSERT_EQ(pieces.size(), 1U);
        const Blob blob = Blob::copy_of(octets);
        broker.apply(PieceRead{pieces[0].token, blob, fault});
        broker.tick();
    }
    void expect_over(std::uint64_t backup, const std::string& reason) {
        EXPECT_THAT(broker.take_backups_ended(), ElementsAre(backup));
        const auto notices = broker.take_notices<BackupEnded>();
        ASSERT_EQ(notices.size(), 1U);
        EXPECT_EQ(notices[0].reason, reason);
        broker.connect("another");
        EXPECT_EQ(refusal_of("another", read("another", backup)), Refusal::backup_over);
        EXPECT_THAT(broker.take_pieces(), IsEmpty());
        EXPECT_TRUE(broker.is_quiet());
    }
};

TEST_F(BackupOf, TheJournalIsWhatItHolds) {
    broker.connect("c");
    const std::uint64_t correlation = ask("c");
    const auto begun = broker.take_backups_begun();
    ASSERT_EQ(begun.size(), 1U);
    EXPECT_TRUE(broker.is_quiet()) << "nothing is told before it is held";

    broker.apply(BackupHeld{begun[0], two_segments});

    const auto answer = broker.answer_to<BackupAnswer>("c", correlation);
    EXPECT_EQ(answer.backup, begun[0]);
    EXPECT_EQ(answer.epoch, Fixture::epoch);
    EXPECT_THAT(answer.segments, ElementsAre(SegmentView{3, 8'192}, SegmentView{4, 1'536}));
    const auto notices = broker.take_notices<BackupBegan>();
    ASSERT_EQ(notices.size(), 1U);
    EXPECT_EQ(notices[0].segments, 2U);
    EXPECT_EQ(notices[0].octets, 9'728U);
    EXPECT_THAT(broker.take_backups_ended(), IsEmpty());
    EXPECT_TRUE(broker.is_quiet());
}

TEST_F(BackupOf, ABrokerWithoutAJournalIsRefused) {  // I18
    broker.connect("c");
    const std::uint64_t correlation = ask("c");
    const auto begun = broker.take_backups_begun();
    ASSERT_EQ(begun.size(), 1U);

    broker.apply(BackupHeld{begun[0], {}});

    EXPECT_EQ(refusal_of("c", correlation), Refusal::no_journal);
    EXPECT_THAT(broker.take_backups_ended(), ElementsAre(begun[0]));
    EXPECT_TRUE(broker.is_quiet());
}

TEST_F(BackupOf, AWorkerIsRefused) {
    broker.work("w");
    EXPECT_EQ(refusal_of("w", ask("w")), Refusal::unsupported);
    EXPECT_THAT(broker.take_backups_begun(), IsEmpty());
}

TEST_F(BackupOf, PiecesAreReadAndToldAtOnce) {
    const std::uint64_t backup = begin();

    const std::uint64_t correlation = read("c", backup, 4, 1'024, 512);

    const auto pieces = broker.take_pieces();
    ASSERT_EQ(pieces.size(), 1U);
    EXPECT_EQ(pieces[0].at, (Locator{4, 1'024}));
    EXPECT_EQ(pieces[0].octets, 512U);
    EXPECT_TRUE(broker.is_quiet());
    const Blob octets = Blob::copy_of(std::string(512, 'x'));
    broker.apply(PieceRead{pieces[0].token, octets, {}});
    EXPECT_EQ(broker.answer_to<BackupReadAnswer>("c", correlation).piece.view, octets.view());
    EXPECT_TRUE(broker.is_quiet());
}

TEST_F(BackupOf, NothingButItsSegmentsIsRead) {  // I18
    const std::uint64_t backup = begin();

    EXPECT_EQ(refusal_to_read(2, 0, 1, backup), Refusal::bad_value);
    EXPECT_EQ(refusal_to_read(5, 0, 1, backup), Refusal::bad_value);
    EXPECT_EQ(refusal_to_read(4, 0, 0, backup), Refusal::bad_value);
    EXPECT_EQ(refusal_to_read(4, 1'025, 512, backup), Refusal::bad_value);
    EXPECT_EQ(refusal_to_read(4, UINT64_MAX, 512, backup), Refusal::bad_value);
    EXPECT_EQ(refusal_to_read(4, 512, UINT64_MAX, backup), Refusal::bad_value);
    EXPECT_EQ(refusal_to_read(4, 0, 512, backup + 2), Refusal::backup_over);
    EXPECT_THAT(broker.take_pieces(), IsEmpty());
}

TEST_F(BackupOf, APieceHasALimit) {  // I18
    broker.connect("c");
    ask("c");
    const std::uint64_t backup = broker.take_backups_begun().at(0);
    broker.apply(BackupHeld{backup, {{1, 64 << 20}}});
    broker.forget();

    EXPECT_EQ(refusal_to_read(1, 0, backup_piece_octets_max + 1, backup), Refusal::bad_value);
    read("c", backup, 1, 0, backup_piece_octets_max);
    EXPECT_EQ(broker.take_pieces().size(), 1U);
}

TEST_F(BackupOf, SixteenPiecesAreReadAtATime) {  // I18
    const std::uint64_t backup = begin();
    for (int i = 0; i < 16; ++i) {
        read("c", backup);
    }
    EXPECT_EQ(refusal_of("c", read("c", backup)), Refusal::retry_later);

    const auto pieces = broker.take_pieces();
    ASSERT_EQ(pieces.size(), 16U);
    broker.apply(PieceRead{pieces[7].token, Blob::copy_of("x"), {}});
    read("c", backup);
    EXPECT_EQ(broker.take_pieces().size(), 1U);
}

TEST_F(BackupOf, WhoDoesNotReadWhatItAskedForGetsNoMore) {  // I18, F20
    broker.connect("c");
    ask("c");
    const std::uint64_t backup = broker.take_backups_begun().at(0);
    broker.apply(BackupHeld{backup, {{1, 64 << 20}}});
    const std::string mebibyte(backup_piece_octets_max, 'x');
    int pieces = 0;
    for (; pieces < 100; ++pieces) {
        read("c", backup, 1, 0, backup_piece_octets_max);
        if (broker.take_pieces().empty()) {
            break;
        }
        broker.apply(
            PieceRead{static_cast<std::uint64_t>(pieces) + 1, Blob::copy_of(mebibyte), {}});
    }
    EXPECT_GE(pieces, 32);
    EXPECT_LE(pieces, 34);
}

TEST_F(BackupOf, TwoClientsIsPossibleAndNotOfThree) {
    const std::uint64_t first = begin("a");
    begin("b");
    broker.connect("c");
    EXPECT_EQ(refusal_of("c", ask("c")), Refusal::retry_later);
    EXPECT_THAT(broker.take_backups_begun(), IsEmpty());

    broker.ask<BackupEndAnswer>("a", BackupEnd{first});
    broker.take_notices<BackupEnded>();
    begin("c");
}

TEST_F(BackupOf, AClientEndsWhenItSaysSo) {
    const std::uint64_t backup = begin();

    broker.ask<BackupEndAnswer>("c", BackupEnd{backup});

    expect_over(backup, "its client is done with it");
    broker.ask<BackupEndAnswer>("c", BackupEnd{backup});
    EXPECT_TRUE(broker.is_quiet()) << "once more does no harm";
}

TEST_F(BackupOf, AClientThatLeavesEnds) {
    const std::uint64_t backup = begin();
    broker.say("c", Bye{});
    expect_over(backup, "its client has left");
}

TEST_F(BackupOf, AClientWhoseConnectionIsGoneEnds) {
    const std::uint64_t backup = begin();
    broker.lose("c");
    expect_over(backup, "its client has left");
}

TEST_F(BackupOf, AClientThatAsksForNothingEnds) {
    const std::uint64_t backup = begin();
    broker.pass_with_pings(20s, {"c"});
    read("c", backup);
    answer_piece("x");
    broker.take_all();
    broker.pass_with_pings(29s, {"c"});
    EXPECT_THAT(broker.take_backups_ended(), IsEmpty());

    broker.pass_with_pings(2s, {"c"});
    broker.take_all();

    expect_over(backup, "its client is silent");
}

TEST_F(BackupOf, NobodyIsBlamedForTheBrokersOwnStall) {  // F17
    const std::uint64_t backup = begin();
    broker.stall(60s);
    broker.tick();
    read("c", backup);
    EXPECT_EQ(broker.take_pieces().size(), 1U);
}

TEST_F(BackupOf, AClientThatSaysHelloAgainGoesOn) {  // F15
    const std::uint64_t backup = begin();
    const std::uint64_t before = read("c", backup);
    const std::uint64_t previous = broker.session("c");
    broker.hello("c again", {.session_previous = previous});

    const std::uint64_t correlation = read("c again", backup);
    const auto pieces = broker.take_pieces();
    ASSERT_EQ(pieces.size(), 2U);
    for (const ReadPiece& piece : pieces) {
        broker.apply(PieceRead{piece.token, Blob::copy_of("x"), {}});
    }

    EXPECT_EQ(broker.answer_to<BackupReadAnswer>("c again", correlation).piece.view, "x");
    EXPECT_TRUE(broker.is_quiet()) << "nobody waits for the answer to " << before;  // I16
    broker.say("c again", Bye{});
    expect_over(backup, "its client has left");
}

TEST_F(BackupOf, ADiskThatBecomesFullIsGivenUp) {  // F7
    const std::uint64_t backup = begin();
    broker.apply(JournalChanged{.is_behind = true});
    EXPECT_THAT(broker.take_backups_ended(), IsEmpty());

    broker.apply(JournalChanged{.is_full = true});

    expect_over(backup, "the disk is full");
    begin("d");
    broker.apply(JournalChanged{.is_full = true, .is_behind = true});
    EXPECT_THAT(broker.take_backups_ended(), IsEmpty()) << "it may well be copied";
}

TEST_F(BackupOf, WhatCannotBeReadIsGivenUp) {
    const std::uint64_t backup = begin();
    const std::uint64_t correlation = read("c", backup);

    answer_piece({}, "cannot read segment-0000000004");

    const auto error = broker.answer_to<ErrorAnswer>("c", correlation);
    EXPECT_EQ(static_cast<Refusal>(error.code), Refusal::backup_over);
    EXPECT_EQ(error.text, "cannot read segment-0000000004");
    expect_over(backup, "cannot read segment-0000000004");
}

// Its segment may be another by then.
TEST_F(BackupOf, WhatIsReadBehindItsEndIsNotTold) {  // I2
    const std::uint64_t backup = begin();
    const std::uint64_t correlation = read("c", backup);
    broker.ask<BackupEndAnswer>("c", BackupEnd{backup});

    answer_piece("something else");

    EXPECT_EQ(refusal_of("c", correlation), Refusal::backup_over);
    expect_over(backup, "its client is done with it");
}

TEST_F(BackupOf, AClientThatLeavesInTheSameStepIsReleased) {
    broker.connect("c");
    broker.receive("c", Backup{});
    broker.say("c", Bye{});
    const auto begun = broker.take_backups_begun();
    ASSERT_EQ(begun.size(), 1U);

    broker.apply(BackupHeld{begun[0], two_segments});

    expect_over(begun[0], "its client has left");
}

TEST_F(BackupOf, ABrokerThatStopsIsRefused) {  // F27
    broker.connect("c");
    broker.apply(StopRequested{});
    broker.forget();
    EXPECT_EQ(refusal_of("c", ask("c")), Refusal::shutting_down);
}

}  // namespace
}  // namespace xebec::broker
