// What C++ programs use of their library, a topic each: every execution of every topic has to hold.
#include "topics.h"

#include <atomic>
#include <cassert>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

using namespace std::chrono_literals;

namespace {

void both(const std::function<void(int)> &body)
{
    std::thread one(body, 1), two(body, 2);
    one.join();
    two.join();
}

void threads()
{
    std::vector<std::thread> several;
    std::atomic<int> sum{0};
    for (int i = 1; i <= 3; i++) several.emplace_back([&sum, i] { sum += i; });
    for (auto &thread : several) thread.join();
    assert(sum == 6 && std::thread::hardware_concurrency() > 0);
    std::thread alone([&sum] { sum = 0; });
    assert(alone.get_id() != std::this_thread::get_id() && alone.joinable());
    alone.detach();
    while (sum != 0) std::this_thread::sleep_for(1ms);
}

void mutexes()
{
    static std::mutex plain;
    static std::recursive_mutex again;
    static std::timed_mutex timed;
    static int count;
    both([](int) {
        std::scoped_lock all(plain, again, timed);
        std::lock_guard more(again);
        count++;
    });
    assert(count == 2);
    std::unique_lock held(timed);
    std::thread([] {
        assert(!timed.try_lock_for(5ms) && !timed.try_lock());
        assert(!timed.try_lock_until(std::chrono::steady_clock::now() + 5ms));
    }).join();
    std::unique_lock later(plain, std::defer_lock);
    assert(later.try_lock() && !plain.try_lock());
}

void shared_mutexes()
{
    static std::shared_mutex shared;
    static std::shared_timed_mutex timed;
    static int value;
    both([](int) {
        { std::unique_lock lock(shared); value++; }
        std::shared_lock lock(shared);
        assert(value >= 1);
        std::shared_lock second(timed, 1ms);
    });
    std::shared_lock lock(timed);
    assert(value == 2 && !timed.try_lock_for(1ms) && timed.try_lock_shared());
    timed.unlock_shared();
}

void conditions()
{
    std::mutex lock;
    std::condition_variable changed;
    std::condition_variable_any any;
    bool ready = false;
    std::thread other([&] {
        std::lock_guard held(lock);
        ready = true;
        changed.notify_one();
        any.notify_all();
    });
    std::unique_lock held(lock);
    changed.wait(held, [&] { return ready; });
    any.wait(held, [&] { return ready; });
    auto begin = std::chrono::steady_clock::now();
    assert(!changed.wait_for(held, 10ms, [] { return false; }));
    assert(std::chrono::steady_clock::now() - begin >= 10ms);
    assert(!changed.wait_until(held, std::chrono::system_clock::now() + 10ms,
                               [] { return false; }));
    held.unlock();
    other.join();
}

template <typename Type> void check_atomic()
{
    std::atomic<Type> value{0};
    both([&](int) {
        Type seen = value;
        while (!value.compare_exchange_weak(seen, Type(seen + 1))) continue;
        value.fetch_add(1);
    });
    assert(value == 4 && value.exchange(9) == 4 && value.load() == 9);
}

void atomics()
{
    check_atomic<signed char>();
    check_atomic<short>();
    check_atomic<int>();
    check_atomic<long>();
    std::atomic_flag flag = ATOMIC_FLAG_INIT;
    assert(!flag.test_and_set() && flag.test_and_set());
    std::atomic<bool> yes{false};
    std::atomic<int *> pointer{nullptr};
    int array[2];
    yes.store(true, std::memory_order_release);
    pointer = array;
    assert(yes && pointer.fetch_add(1) == array && pointer == array + 1);
    auto shared = std::make_shared<int>(4);
    both([shared](int) { assert(*std::atomic_load(&shared) == 4); });
    assert(shared.use_count() == 1);
    std::atomic_thread_fence(std::memory_order_seq_cst);
}

void once()
{
    static std::once_flag flag;
    static std::atomic<int> attempts, made;
    both([](int) {
        try {
            std::call_once(flag, [] {
                if (attempts++ == 0) throw std::runtime_error("not yet");
                made++;
            });
        } catch (const std::runtime_error &) {
        }
    });
    std::call_once(flag, [] { made++; });
    assert(made == 1);
}

void futures()
{
    std::promise<std::string> promise;
    std::future<std::string> text = promise.get_future();
    std::thread([&] { promise.set_value("kept"); }).join();
    assert(text.get() == "kept");
    auto number = std::async(std::launch::async, [] { return 42; });
    auto lazy = std::async(std::launch::deferred, [] { return 1; });
    auto thrown = std::async(std::launch::async, []() -> int { throw std::logic_error("no"); });
    assert(number.get() == 42 && lazy.get() == 1);
    try {
        thrown.get();
        assert(false);
    } catch (const std::logic_error &error) {
        assert(std::string(error.what()) == "no");
    }
    std::packaged_task<int(int)> task([](int n) { return n + 1; });
    auto result = task.get_future().share();
    std::thread worker(std::ref(task), 6);
    assert(result.get() == 7 && result.wait_for(1ms) == std::future_status::ready);
    worker.join();
    std::promise<void> late;
    assert(late.get_future().wait_for(5ms) == std::future_status::timeout);
}

/* What ends with its last user was seen by all others before. */
struct kept : std::runtime_error {
    using std::runtime_error::runtime_error;
    std::vector<int> numbers{1, 2, 3};
    ~kept() override { numbers.back() = 0; }
};

void shared_exceptions()
{
    auto promise = std::make_unique<std::promise<void>>();
    auto all = promise->get_future().share();
    auto look = [](std::shared_future<void> end) {
        try {
            end.get();
        } catch (const kept &error) {
            assert(std::string(error.what()).size() == 36 && error.numbers.back() == 3);
        }
    };
    std::thread one(look, all), two(look, std::move(all));
    promise->set_exception(std::make_exception_ptr(kept("longer than what a string has itself")));
    promise.reset();
    one.join();
    two.join();
}

void broken_promises()
{
    std::future<int> left;
    std::thread([&left] {
        std::promise<int> promise;
        left = promise.get_future();
        promise.set_exception_at_thread_exit(std::make_exception_ptr(std::out_of_range("far")));
    }).join();
    try {
        left.get();
        assert(false);
    } catch (const std::out_of_range &) {
    }
    { std::promise<int> promise; left = promise.get_future(); }
    try {
        left.get();
        assert(false);
    } catch (const std::future_error &error) {
        assert(error.code() == std::future_errc::broken_promise);
    }
}

void times()
{
    auto steady = std::chrono::steady_clock::now();
    auto wall = std::chrono::system_clock::now();
    std::this_thread::sleep_for(1h);
    std::this_thread::sleep_until(std::chrono::steady_clock::now() + 1h);
    assert(std::chrono::steady_clock::now() - steady >= 2h);
    assert(std::chrono::system_clock::now() - wall >= 2h);
}

} // namespace

const topic library_topics[] = {
    {"threads", threads}, {"mutexes", mutexes}, {"shared_mutexes", shared_mutexes},
    {"conditions", conditions}, {"atomics", atomics}, {"once", once}, {"futures", futures},
    {"shared_exceptions", shared_exceptions}, {"broken_promises", broken_promises}, {"times", times}, {nullptr, nullptr}};
