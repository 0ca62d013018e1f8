/* In place of the server's image where libwebsockets is not installed: transport=sockets is
 * refused. */
#include "harness/world/image.h"

extern const struct image image_server_image;
const struct image image_server_image = {.name = "server_image"};
