/*
 * What an image promises (harness/world/image.h), on a library with every kind of global.
 */
#include "harness/world/image.h"
#include "sample/sample.h"
#include "tiny_world.h"

#include <dlfcn.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

extern const struct image image_sample_left;
extern const struct image image_sample_right;
extern const struct image image_plain;
extern const struct image image_with_prebuilt;

/* Not a symbol of this program unless an image leaks its own. */
extern int sample_in_data __attribute__((weak));
extern int counter_next(void) __attribute__((weak));

static const struct sample_entry *entry_of(const struct image *image)
{
    return image->entry;
}

static const struct image *load(const char *path)
{
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    const struct image *image;

    if (!library)
        fail_msg("%s", dlerror());
    image = dlsym(library, IMAGE_SHARED_SYMBOL);
    assert_non_null(image);
    return image;
}

static void restore(const struct image *image, const char *saved)
{
    memcpy(image->data_start, saved, (size_t)(image->data_end - image->data_start));
}

static char *save(const struct image *image)
{
    size_t size = (size_t)(image->data_end - image->data_start);
    char *saved = malloc(size);

    assert_non_null(saved);
    memcpy(saved, image->data_start, size);
    return saved;
}

static void globals_lie_between_the_boundaries(void **state)
{
    const struct image *image = &image_sample_left;
    const struct sample_entry *entry = entry_of(image);

    (void)state;
    for (size_t i = 0; i < sizeof(entry->addresses) / sizeof(entry->addresses[0]); i++) {
        const char *address = entry->addresses[i];
        assert_true(address >= image->data_start && address < image->data_end);
    }
    assert_true((const char *)entry < image->data_start || (const char *)entry >= image->data_end);
}

static void restoring_the_data_restores_every_global(void **state)
{
    const struct image *image = &image_sample_left;
    const struct sample_entry *entry = entry_of(image);
    char *saved = save(image);

    (void)state;
    assert_int_equal(entry->count(), 1);
    assert_int_equal(entry->count(), 2);
    restore(image, saved);
    assert_int_equal(entry->count(), 1);
    restore(image, saved);
    free(saved);
}

static void images_side_by_side_share_nothing(void **state)
{
    const struct sample_entry *left = entry_of(&image_sample_left);
    const struct sample_entry *right = entry_of(&image_sample_right);
    char *saved = save(&image_sample_left);

    (void)state;
    assert_string_equal(image_sample_left.name, "sample_left");
    assert_string_equal(image_sample_right.name, "sample_right");
    assert_true(image_sample_left.data_end <= image_sample_right.data_start ||
                image_sample_right.data_end <= image_sample_left.data_start);
    assert_int_equal(left->count(), 1);
    assert_int_equal(left->count(), 2);
    assert_int_equal(right->count(), 1);
    restore(&image_sample_left, saved);
    assert_int_equal(left->count(), 1);
    assert_int_equal(right->count(), 2);
    restore(&image_sample_left, saved);
    free(saved);
}

static void symbols_stay_inside(void **state)
{
    (void)state;
    assert_null(&sample_in_data);
    assert_null(counter_next);
    assert_null(dlsym(RTLD_DEFAULT, "sample_entry"));
}

static void constructors_wait_for_the_world(void **state)
{
    const struct image *image = &image_sample_left;
    const struct sample_entry *entry = entry_of(image);
    char *saved = save(image);
    unsigned mallocs = tiny_world_mallocs();

    (void)state;
    assert_int_equal(entry->constructed(), 0);
    for (void (*const *init)(void) = image->init_start; init < image->init_end; init++)
        (*init)();
    assert_int_equal(entry->constructed(), 1);
    assert_int_equal(tiny_world_mallocs(), mallocs + 1);
    restore(image, saved);
    free(saved);
}

static void thread_locals_are_measured(void **state)
{
    (void)state;
    assert_int_equal(*image_sample_left.tls_size, sizeof(int));
    assert_int_equal(*image_plain.tls_size, 0);
    assert_ptr_equal(image_plain.data_start, image_plain.data_end);
}

static void a_shared_image_calls_the_world_of_its_host(void **state)
{
    const struct image *image = load(CORES "/sample_shared.so");
    unsigned mallocs = tiny_world_mallocs();

    (void)state;
    assert_string_equal(image->name, "sample_shared");
    assert_int_equal(entry_of(image)->count(), 1);
    for (void (*const *init)(void) = image->init_start; init < image->init_end; init++)
        (*init)();
    assert_int_equal(tiny_world_mallocs(), mallocs + 1);
}

static void a_mutant_differs_by_its_patch(void **state)
{
    const struct sample_entry *mutant = entry_of(load(CORES "/sample_mutant.so"));
    const struct sample_entry *header = entry_of(load(CORES "/sample_header_mutant.so"));

    (void)state;
    assert_int_equal(mutant->count(), 2);
    assert_int_equal(mutant->count(), 4);
    assert_int_equal(header->count(), 10);
}

static void a_fatal_stub_names_its_symbol(void **state)
{
    int (*entry)(int) = (int (*)(int))(uintptr_t)image_with_prebuilt.entry;

    (void)state;
    assert_int_equal(entry(4), 8);
    if (setjmp(tiny_world_jump) == 0) {
        entry(-1);
        fail_msg("fopen came back");
    }
    assert_string_equal(tiny_world_uncontrolled(), "fopen");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(globals_lie_between_the_boundaries),
        cmocka_unit_test(restoring_the_data_restores_every_global),
        cmocka_unit_test(images_side_by_side_share_nothing),
        cmocka_unit_test(symbols_stay_inside),
        cmocka_unit_test(constructors_wait_for_the_world),
        cmocka_unit_test(thread_locals_are_measured),
        cmocka_unit_test(a_shared_image_calls_the_world_of_its_host),
        cmocka_unit_test(a_mutant_differs_by_its_patch),
        cmocka_unit_test(a_fatal_stub_names_its_symbol),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
