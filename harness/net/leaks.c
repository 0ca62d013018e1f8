/* What is open at the end of an execution, or of a process in it. */
#include "net.h"

#include "descriptor.h"

uint32_t net_open_list(struct net_open *out, uint32_t max)
{
    int numbers[DESCRIPTORS_MAX];
    uint32_t count = descriptors_open(numbers, DESCRIPTORS_MAX);
    for (uint32_t i = 0; i < count && i < max; i++) {
        const struct description *self = descriptor_look(numbers[i]);
        out[i] = (struct net_open){.number = numbers[i], .entity = self->entity,
                                   .site = self->site, .accepted = self->accepted};
        description_tell(self, out[i].text, sizeof out[i].text);
    }
    return count;
}

void net_group_end(uint8_t group)
{
    descriptors_close_group(group);
}
