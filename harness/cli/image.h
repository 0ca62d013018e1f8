/* Builds of the session core: the one linked in, and shared images in build/cores/. */
#ifndef HARNESS_CLI_IMAGE_H
#define HARNESS_CLI_IMAGE_H

#include <stddef.h>

#include "fakes/core_api.h"
#include "harness/world/image.h"

/* The build of that name ("core image=NAME" in a scenario: NAME.so in the folder cores/ beside
 * the executable), or at that path (--core, which takes such a name, too); both NULL: the one
 * linked in. Returns NULL and a sentence in problem[] when it cannot be loaded. */
const struct image *cli_image(const char *name, const char *path, char *problem, size_t bytes);

/* The same of the transport over libwebsockets ("core server=NAME"); NULL: the one linked in. Where
 * there is no libwebsockets, that one has no entry. */
const struct image *cli_server_image(const char *name, char *problem, size_t bytes);

/* The folder of the executable, without a slash at its end. */
void cli_own_folder(char *out, size_t bytes);

static inline const struct core_api *cli_image_api(const struct image *image)
{
    return image->entry;
}

#endif
