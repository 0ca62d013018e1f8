#include "fakes/websocket/sha1.h"

#include <string.h>

enum { BLOCK = 64 };

static uint32_t turned(uint32_t word, unsigned bits)
{
    return word << bits | word >> (32 - bits);
}

/* Section 6.1 of the RFC, method 1. */
static void expand(const uint8_t block[BLOCK], uint32_t words[80])
{
    for (int t = 0; t < 16; t++)
        words[t] = (uint32_t)block[4 * t] << 24 | (uint32_t)block[4 * t + 1] << 16 |
                   (uint32_t)block[4 * t + 2] << 8 | block[4 * t + 3];
    for (int t = 16; t < 80; t++)
        words[t] = turned(words[t - 3] ^ words[t - 8] ^ words[t - 14] ^ words[t - 16], 1);
}

static uint32_t mixed(int t, uint32_t b, uint32_t c, uint32_t d)
{
    if (t < 20) return ((b & c) | (~b & d)) + 0x5a827999u;
    if (t < 40) return (b ^ c ^ d) + 0x6ed9eba1u;
    if (t < 60) return ((b & c) | (b & d) | (c & d)) + 0x8f1bbcdcu;
    return (b ^ c ^ d) + 0xca62c1d6u;
}

static void digest_block(uint32_t hash[5], const uint8_t block[BLOCK])
{
    uint32_t words[80], a = hash[0], b = hash[1], c = hash[2], d = hash[3], e = hash[4];

    expand(block, words);
    for (int t = 0; t < 80; t++) {
        uint32_t next = turned(a, 5) + mixed(t, b, c, d) + e + words[t];
        e = d;
        d = c;
        c = turned(b, 30);
        b = a;
        a = next;
    }
    hash[0] += a;
    hash[1] += b;
    hash[2] += c;
    hash[3] += d;
    hash[4] += e;
}

void sha1(const void *bytes, size_t length, uint8_t digest[SHA1_BYTES])
{
    uint32_t hash[5] = { 0x67452301u, 0xefcdab89u, 0x98badcfeu, 0x10325476u, 0xc3d2e1f0u };
    const uint8_t *at = bytes;
    size_t rest = length;
    uint8_t last[2 * BLOCK] = { 0 };

    for (; rest >= BLOCK; rest -= BLOCK, at += BLOCK) digest_block(hash, at);
    if (rest > 0) memcpy(last, at, rest);
    last[rest] = 0x80;
    /* The length in bits ends the last block, or a second one. */
    size_t padded = rest < BLOCK - 8 ? BLOCK : 2 * BLOCK;
    for (int i = 0; i < 8; i++)
        last[padded - 1 - (size_t)i] = (uint8_t)((uint64_t)length * 8 >> 8 * i);
    for (size_t i = 0; i < padded; i += BLOCK) digest_block(hash, last + i);
    for (int i = 0; i < SHA1_BYTES; i++)
        digest[i] = (uint8_t)(hash[i / 4] >> (24 - 8 * (i % 4)));
}
