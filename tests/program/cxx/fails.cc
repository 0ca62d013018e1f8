// Fails in the way that its argument says; some of it is in C.
#include <atomic>
#include <condition_variable>
#include <cstring>
#include <future>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>

extern "C" int twice(int number);

namespace app {

struct own_type {
    int number;
};

std::mutex lock;
std::condition_variable changed;
int balance;
bool ready;

static void bump()
{
    balance = twice(balance) - balance + 1;
}

static void throw_it() { throw std::runtime_error("out of paper"); }
static void throw_own() { throw own_type{3}; }
static void leave_noexcept() noexcept { throw_it(); }

static void lose()
{
    int *volatile lost = new int(3);
    *lost = 4;
}

static void write_late()
{
    auto text = std::make_unique<char[]>(8);
    volatile char *kept = text.get();
    text.reset();
    kept[0] = 1;
}

static void write_far()
{
    volatile char *text = new char[8];
    text[8] = 1;
    delete[] text;
}

static void relock()
{
    std::lock_guard once(lock);
    std::lock_guard again(lock);
}

static void wait_for_it()
{
    std::unique_lock held(lock);
    changed.wait(held); // whether it is ready already or not
}

static std::atomic<int> turn;

static void take_turn()
{
    turn = 1; // and nobody is told
}

static void nothing() {}

static const struct {
    const char *word;
    void (*body)();
} ways[] = {{"throw", throw_it}, {"own", throw_own},        {"noexcept", leave_noexcept},
            {"lose", lose},      {"late", write_late},      {"far", write_far},
            {"relock", relock},  {"wait", wait_for_it},     {"race", bump},
            {"unjoined", nothing}, {"turn", take_turn}};

} // namespace app

int main(int argc, char **argv)
{
    const char *word = argc > 1 ? argv[1] : "";
    void (*body)() = app::nothing;
    for (auto &way : app::ways) {
        if (std::strcmp(way.word, word) == 0) body = way.body;
    }
    if (std::strcmp(word, "alone") == 0) app::throw_it();
    std::thread thread(body);
    if (std::strcmp(word, "unjoined") == 0) return 0;
    if (body == app::bump) app::bump();
    if (body == app::wait_for_it) {
        std::lock_guard held(app::lock);
        app::changed.notify_one();
    }
#ifdef __cpp_lib_atomic_wait
    if (body == app::take_turn) app::turn.wait(0);
#endif
    thread.join();
    return 0;
}
