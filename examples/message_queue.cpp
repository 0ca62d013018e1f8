// Messages from producers to consumers, over a queue that is closed at the end: C++17.
//
// The race: close() sets the flag without the lock. A consumer that has just found it unset, and is
// about to wait, misses the notification, and nobody will ever send another one.
// The fix: the flag is changed under the lock that guards the condition.
#include <atomic>
#include <cassert>
#include <condition_variable>
#include <future>
#include <iostream>
#include <mutex>
#include <optional>
#include <queue>
#include <string>
#include <thread>
#include <utility>

class message_queue {
public:
    void push(std::string message)
    {
        std::lock_guard held(lock_);
        messages_.push(std::move(message));
        changed_.notify_one();
    }

    // Nothing, when the queue is closed and empty.
    std::optional<std::string> pop()
    {
        std::unique_lock held(lock_);
        while (messages_.empty() && !closed_) changed_.wait(held);
        if (messages_.empty()) return std::nullopt;
        std::string message = std::move(messages_.front());
        messages_.pop();
        return message;
    }

    void close()
    {
#ifdef FIXED
        std::lock_guard held(lock_);
#endif
        closed_ = true;
        changed_.notify_all();
    }

private:
    std::mutex lock_;
    std::condition_variable changed_;
    std::queue<std::string> messages_;
    std::atomic<bool> closed_{false};
};

static message_queue queue;

static int consume()
{
    int count = 0;
    while (queue.pop()) count++;
    return count;
}

int main()
{
    auto counted = std::async(std::launch::async, consume);
    std::thread producer([] {
        queue.push("hello");
        queue.push("world");
    });
    producer.join();
    queue.close();
    int count = counted.get();
    assert(count == 2);
    std::cout << count << " messages\n";
}
