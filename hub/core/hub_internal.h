/*
 * hub_internal -- the hub put together; what the files of this folder share.
 */
#ifndef CB_HUB_INTERNAL_H
#define CB_HUB_INTERNAL_H

#include "api.h"
#include "broker.h"
#include "fleet.h"
#include "http_server.h"
#include "hub.h"
#include "join_desk.h"
#include "loop.h"
#include "pki.h"
#include "store.h"
#include "web.h"

struct hub {
	const struct hub_conf *conf;
	char *dir;		/* real path of the state directory */
	int lock_fd;
	struct loop *loop;
	struct store *store;
	struct store_pool *pool;
	struct pki *pki;
	char id[UUID_TEXT];
	char *host;		/* as it stands in URLs */
	char *public_url;
	char *broker_url;
	char *bus_ca;		/* PEM agents trust the broker by */
	uint16_t broker_port;
	struct broker *broker;	/* NULL: an external one */
	struct fleet *fleet;
	struct join_desk *desk;
	struct web *web;
	_Atomic(struct api *) api; /* NULL while starting */
	struct http_server *http;
	struct loop_timer *upkeep, *rescore, *give_up;
	int64_t tidied;		/* monotonic ms */
	bool stopping;
};

char *hub_below(const struct hub *h, const char *name);

/* hub_first.c */
/* what a first start makes, and what a later one finds missing */
CB_MUST_CHECK enum cb_code hub_first_start(struct hub *h,
    struct cb_error *err);
/* make a join key and put it into the store */
CB_MUST_CHECK enum cb_code hub_first_join_key(struct hub *h,
    struct api_join_key *key, struct cb_error *err);

/* hub_wiring.c */
CB_MUST_CHECK enum cb_code hub_wiring_bus(struct hub *h,
    struct cb_error *err);
void hub_wiring_desk(struct hub *h);
void hub_wiring_api(struct hub *h);

/* hub_upkeep.c */
void hub_upkeep_start(struct hub *h);
void hub_upkeep_reread(struct hub *h); /* SIGHUP */
CB_MUST_CHECK enum cb_code hub_upkeep_revoked(struct hub *h,
    struct cb_error *err);

#endif
