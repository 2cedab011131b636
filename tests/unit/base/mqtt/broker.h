/*
 * broker -- a real mosquitto for tests: own directory, own CA, a port that
 * was free a moment ago.  Functions fail the test when they cannot.
 */
#ifndef CB_TEST_BROKER_H
#define CB_TEST_BROKER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct broker {
	char dir[64];
	char url[64];	/* mqtts://127.0.0.1:port */
	char ca[96], cert[96], key[96]; /* files of a client "peer" */
	char other_ca[96];	/* a CA that signed nothing */
	char extra[512];	/* lines for mosquitto.conf */
	uint16_t port;
	pid_t pid;
};

void broker_init(struct broker *b, const char *extra); /* makes keys */
void broker_start(struct broker *b); /* listens when it returns */
void broker_kill(struct broker *b, int signo);
bool broker_logged(struct broker *b, const char *text);
void broker_done(struct broker *b);

#endif
