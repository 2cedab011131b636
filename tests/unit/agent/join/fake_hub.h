/*
 * fake_hub -- the hub's side of the join on a real TLS port of this machine,
 * with what can go wrong as switches.
 */
#ifndef CB_FAKE_HUB_H
#define CB_FAKE_HUB_H

#include <stdbool.h>
#include "join.h"
#include "key.h"

#define FAKE_HUB_CLIENT "fleet-a"
#define FAKE_HUB_ID "0192f0c1-2d3e-7a4b-8c5d-00000000000f"
#define FAKE_HUB_INSTANCE "0192f0c1-2d3e-7a4b-8c5d-6e7f8091a2b3"

struct fake_hub {
	/* switches */
	bool names_no_key;	/* tlsKeys without the one it serves */
	bool other_secret;	/* it does not know the secret */
	bool replays_nonce;	/* a challenge for another nonce */
	bool is_a_web_page;	/* 200 text/html for everything */
	bool pending;		/* 202 until this is cleared */
	bool other_request;	/* the answer names another request */
	bool other_name;	/* the certificate names another instance */
	bool other_key;		/* the certificate holds another key */
	bool forged_keys;	/* hubKeys signed by a key not inside */
	bool leaf_only;		/* serves its chain without the CA */
	bool other_port_key;	/* the join comes from another TLS key */
	const char *problem;	/* code of a refusal of the join, or NULL */
	int problem_status;

	/* what came */
	unsigned challenges, requests;
	struct join_request last; /* of the last valid request */
	char last_tls_key[2][JOIN_B64_32]; /* b64u of CSR keys, newest first */

	/* what it has */
	char url[64];
	char *ca_pem, *leaf_pem, *leaf_key_pem;
	uint8_t join_key[JOIN_KEY_LEN];
	struct key *ca_key, *leaf_key, *bus_key, *root_key;
	char *bus_ca;
	struct http_server *server;
};

void fake_hub_start(struct fake_hub *h, const char *secret);
void fake_hub_stop(struct fake_hub *h);

#endif
