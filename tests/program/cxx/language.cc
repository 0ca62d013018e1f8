// What the language itself brings: exceptions, statics, thread-locals, memory, streams.
#include "topics.h"

#include <atomic>
#include <cassert>
#include <cstdint>
#include <fstream>
#include <iostream>
#include <map>
#include <memory>
#include <new>
#include <random>
#include <regex>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>
#include <pthread.h>
#include <unistd.h>

namespace {

std::atomic<int> alive;

struct counted {
    counted() { alive++; }
    counted(const counted &) { alive++; }
    ~counted() { alive--; }
};

// --- exceptions ---

void fall(int depth)
{
    counted local;
    if (depth == 0) throw std::runtime_error("at the bottom");
    std::this_thread::yield();
    fall(depth - 1);
}

void catch_it()
{
    try {
        fall(5);
        assert(false);
    } catch (const std::exception &exception) {
        std::this_thread::yield(); // others throw meanwhile
        assert(std::string(exception.what()) == "at the bottom");
        try {
            fall(1);
        } catch (...) {
        }
        assert(std::string(exception.what()) == "at the bottom");
    }
    assert(std::uncaught_exceptions() == 0 && !std::current_exception());
}

void exceptions()
{
    std::thread one(catch_it), two(catch_it);
    catch_it();
    one.join();
    two.join();
    assert(alive == 0);
    try {
        std::vector<int>().at(3);
        assert(false);
    } catch (const std::out_of_range &) {
    }
}

void passed_on()
{
    std::exception_ptr kept;
    std::thread([&kept] {
        try {
            throw std::string("from there");
        } catch (...) {
            kept = std::current_exception();
        }
    }).join();
    try {
        std::rethrow_exception(kept);
    } catch (const std::string &text) {
        assert(text == "from there");
    }
}

// --- the end of a thread from the inside ---

void clean(void *text)
{
    static_cast<std::string *>(text)->append("cleaned ");
}

void leave(std::string &text)
{
    counted local;
    pthread_cleanup_push(clean, &text);
    try {
        counted inner;
        pthread_exit(&text);
    } catch (const std::exception &) {
        assert(false);
    } catch (...) {
        text += "thrown on ";
        throw;
    }
    pthread_cleanup_pop(0);
}

void *leave_early(void *text)
{
    counted local;
    leave(*static_cast<std::string *>(text));
    return nullptr;
}

void *wait_for_cancel(void *)
{
    counted local;
    for (;;) sleep(1);
}

// Destructors run, and handlers, from the inside to the outside.
void leaving()
{
    std::string text;
    pthread_t thread;
    void *result;
    pthread_create(&thread, nullptr, leave_early, &text);
    pthread_join(thread, &result);
    assert(result == &text && text == "thrown on cleaned " && alive == 0);
    pthread_create(&thread, nullptr, wait_for_cancel, nullptr);
    pthread_cancel(thread);
    pthread_join(thread, &result);
    assert(result == PTHREAD_CANCELED && alive == 0);
}

// --- statics and thread-locals ---

int attempts;

const std::string &made_once()
{
    static counted counter;
    static std::string text = [] {
        std::this_thread::yield();
        if (attempts++ == 0) throw 1;
        return std::string("made at the second attempt, and long enough for the heap");
    }();
    return text;
}

void statics()
{
    auto use = [] {
        for (;;) {
            try {
                assert(made_once().size() > 40);
                return;
            } catch (int) {
            }
        }
    };
    std::thread one(use), two(use);
    one.join();
    two.join();
    assert(attempts == 2 && alive == 1);
}

thread_local counted of_thread;
thread_local std::string name = "unnamed, and too long to be kept inside of the string";

void thread_locals()
{
    auto use = [] {
        assert(name[0] == 'u');
        name = "named, and again too long to be kept inside of the string itself";
        counted *mine = &of_thread;
        std::this_thread::yield();
        assert(mine == &of_thread && name[0] == 'n');
    };
    std::thread one(use), two(use);
    use();
    one.join();
    two.join();
    assert(alive == 1);
}

// Constructed before main, in every execution anew.
struct setup {
    std::map<std::string, int> table{{"one", 1}, {"two", 2}};
    setup() { std::cout << "set up\n"; }
    ~setup() { std::cout << "torn down " << table.size() << "\n"; }
} global;

void globals()
{
    assert(global.table.size() == 2);
    std::thread([] { global.table["three"] = 3; }).join();
    assert(global.table.size() == 3);
}

// --- memory ---

struct alignas(256) wide {
    char bytes[256];
};

void memory()
{
    auto one = std::make_unique<wide>();
    std::vector<wide> many(3);
    assert(reinterpret_cast<std::uintptr_t>(one.get()) % 256 == 0);
    assert(reinterpret_cast<std::uintptr_t>(&many[1]) % 256 == 0);
    std::unique_ptr<int[]> array(new (std::nothrow) int[5]());
    assert(array && array[4] == 0);
    auto shared = std::make_shared<std::string>(100, 'x');
    std::weak_ptr<std::string> weak = shared;
    std::thread([mine = std::move(shared)]() mutable { mine.reset(); }).join();
    assert(weak.expired());
}

// --- streams and the rest of the library ---

void streams()
{
    std::thread([] { std::cout << "count " << 3 << ' ' << 1.5 << std::endl; }).join();
    std::cerr << "to the other stream\n";
    std::ostringstream text;
    text << std::hex << std::showbase << 255 << std::boolalpha << true;
    assert(text.str() == "0xfftrue");
    std::ofstream("words.tmp") << "first second\nthird\n";
    std::ifstream file("words.tmp");
    std::string word, line;
    file >> word;
    std::getline(file, line);
    assert(word == "first" && line == " second" && std::getline(file, line) && line == "third");
    assert(!std::ifstream("missing.tmp"));
    std::cin >> word;
    assert(word == "input");
}

void containers()
{
    std::random_device device;
    std::mt19937 random(device());
    std::map<int, std::string> map;
    for (int i = 0; i < 50; i++) map[static_cast<int>(random() % 1000)] = std::to_string(i);
    assert(!map.empty() && map.size() <= 50);
    std::smatch match;
    std::string text = "key=value";
    assert(std::regex_match(text, match, std::regex("(\\w+)=(\\w+)")) && match[2] == "value");
    try {
        std::locale elsewhere("xx_XX");
        assert(false);
    } catch (const std::runtime_error &) {
    }
}

} // namespace

const topic language_topics[] = {
    {"exceptions", exceptions}, {"passed_on", passed_on},
    {"leaving", leaving}, {"statics", statics},
    {"thread_locals", thread_locals}, {"globals", globals}, {"memory", memory},
    {"streams", streams}, {"containers", containers}, {nullptr, nullptr}};
