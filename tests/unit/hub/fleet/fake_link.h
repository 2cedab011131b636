/*
 * fake_link -- base/mqtt/mqtt_link.h without a broker: what is published is
 * kept, and the test says what happens.  One link at a time.
 */
#ifndef CB_FAKE_LINK_H
#define CB_FAKE_LINK_H

#include <stdbool.h>
#include <stddef.h>

struct fake_link_sent {
	char *topic, *payload, *jws;
	size_t len;
};

#define FAKE_LINK_SENT 4096
extern struct fake_link_sent fake_link_sent[FAKE_LINK_SENT];
extern size_t fake_link_n_sent;
extern unsigned fake_link_connects, fake_link_subscribes;
extern bool fake_link_full; /* the window takes nothing */

void fake_link_forget(void); /* what was sent */
void fake_link_up(bool session_present); /* CONNACK and SUBACK */
void fake_link_down(const char *why);
void fake_link_deliver(const char *topic, const void *payload, size_t len,
    const char *jws, bool retained);
void fake_link_window(void); /* the window has room again */

#endif
