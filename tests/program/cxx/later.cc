// What C++20 adds; nothing at all before.
#include "topics.h"

#if __cplusplus >= 202002L

#include <atomic>
#include <barrier>
#include <cassert>
#include <chrono>
#include <latch>
#include <memory>
#include <semaphore>
#include <stop_token>
#include <thread>

using namespace std::chrono_literals;

template <typename Type> static void wait_for_change()
{
    std::atomic<Type> value{0};
    std::thread one([&] { value.wait(0); });
    std::thread two([&] { value.wait(0); });
    value = 1;
    value.notify_all();
    one.join();
    two.join();
    std::thread three([&] { value.wait(1); });
    value = 2;
    value.notify_one();
    three.join();
}

static void waits()
{
    wait_for_change<int>();
    wait_for_change<char>();
    wait_for_change<long>();
    std::atomic_flag flag;
    std::thread thread([&] { flag.wait(false); });
    flag.test_and_set();
    flag.notify_one();
    thread.join();
}

static void jthreads()
{
    std::atomic<int> rounds{0};
    {
        std::jthread thread([&](std::stop_token stop) {
            while (!stop.stop_requested()) {
                rounds++;
                rounds.notify_all();
                std::this_thread::sleep_for(1ms);
            }
        });
        rounds.wait(0);
    }
    assert(rounds >= 1);
}

static void meetings()
{
    std::latch done(2);
    std::counting_semaphore<3> room(1);
    std::binary_semaphore never(0);
    int inside = 0;
    auto enter = [&] {
        room.acquire();
        inside++;
        room.release();
        done.count_down();
    };
    std::jthread one(enter), two(enter);
    done.wait();
    assert(inside == 2 && !never.try_acquire_for(2ms) && !never.try_acquire());
    std::barrier both(2);
    std::jthread three([&] { both.arrive_and_wait(); both.arrive_and_drop(); });
    both.arrive_and_wait();
    both.arrive_and_wait();
}

// As many as meet the mistake of GCC 12's semaphores (harness/program/cxx/bits/semaphore_base.h).
static void semaphores()
{
    std::counting_semaphore<2> room(1);
    int inside = 0;
    auto enter = [&] {
        if (!room.try_acquire_for(1h)) return;
        inside++;
        room.release();
        room.acquire();
        inside++;
        room.release();
    };
    { std::jthread one(enter), two(enter), three(enter); }
    assert(inside == 6);
}

static void shared_pointers()
{
    std::atomic<std::shared_ptr<int>> current(std::make_shared<int>(1));
    std::jthread reader([&] { assert(*current.load() > 0); });
    std::jthread writer([&] { current.store(std::make_shared<int>(2)); });
    auto mine = current.exchange(std::make_shared<int>(3));
    assert(*mine > 0);
}

const topic later_topics[] = {
    {"waits", waits}, {"jthreads", jthreads}, {"meetings", meetings}, {"semaphores", semaphores},
    {"shared_pointers", shared_pointers}, {nullptr, nullptr}};

#else

const topic later_topics[] = {{nullptr, nullptr}};

#endif
