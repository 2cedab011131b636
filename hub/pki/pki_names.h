/*
 * pki_names -- the names and addresses this machine's server certificates
 * carry: localhost, the loopback addresses, the host name, those given.
 */
#ifndef CB_PKI_NAMES_H
#define CB_PKI_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include "error.h"

struct pki_names {
	char **dns; /* lower case, NULL-terminated, no repeats */
	char **ip;  /* canonical text, NULL-terminated, no repeats */
	size_t n_dns, n_ip;
};

/* pki_names_init: further is NULL-terminated or NULL; a text that is neither
 * a name nor an address is CB_E_INVALID. */
CB_MUST_CHECK enum cb_code pki_names_init(struct pki_names *n,
    const char *const *further, struct cb_error *err);
void pki_names_done(struct pki_names *n);
/* pki_names_has: case and the text form of an address do not matter; an IPv6
 * address may stand in brackets. */
bool pki_names_has(const struct pki_names *n, const char *name);
/* pki_names_covers: does the first certificate of pem carry all of them? */
bool pki_names_covers(const struct pki_names *n, const char *pem);

#endif
