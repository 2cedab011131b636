/*
 * Upkeep: what time alone changes.  Certificates are renewed, the CRL kept
 * fresh, health judged again, old rows dropped.
 */
#include <stdlib.h>
#include "hub_internal.h"
#include "log.h"
#include "mem.h"

#define UPKEEP_MS 10000
#define RESCORE_MIN_MS 1000
#define RESCORE_MAX_MS 60000
#define TIDY_EVERY_MS (60 * 60 * 1000)

static void
apply(struct hub *h, bool reread)
{
	struct pki_changes changed;
	struct cb_error err;

	if (pki_refresh(h->pki, reread, &changed, &err) != CB_OK)
		log_limited("pki", "%s", err.text);
	if (changed.https) {
		if (http_server_set_tls(h->http, pki_https_cert(h->pki),
		    pki_https_key(h->pki), &err) == CB_OK)
			log_info("hub", "new web certificate in use");
		else
			log_error("hub", "new web certificate: %s", err.text);
	}
	if ((changed.broker || reread) && h->broker != NULL &&
	    broker_reload(h->broker, &err) != CB_OK)
		log_error("broker", "reload: %s", err.text);
	if (changed.client)
		fleet_reconnect(h->fleet);
}

static void
tidy(struct hub *h)
{
	struct cb_error err;

	if (h->tidied != 0 && clock_mono_ms() - h->tidied < TIDY_EVERY_MS)
		return;
	h->tidied = clock_mono_ms();
	if (store_tidy(h->store, clock_wall_ms(), &err) != CB_OK)
		log_limited("store", "tidy: %s", err.text);
}

static void
upkeep(void *arg)
{
	struct hub *h = arg;

	if (h->stopping)
		return;
	apply(h, false);
	tidy(h);
	loop_timer_start(h->upkeep, UPKEEP_MS);
}

static void
rescore(void *arg)
{
	struct hub *h = arg;
	int64_t now = clock_wall_ms(), changed, next = INSTANT_NONE;
	int64_t wait = RESCORE_MAX_MS;
	struct cb_error err;

	if (h->stopping)
		return;
	if (store_rescore(h->store, now, &changed, &next, &err) != CB_OK)
		log_limited("store", "judge health: %s", err.text);
	else if (next != INSTANT_NONE && next - now < wait)
		wait = next - now;
	loop_timer_start(h->rescore,
	    wait < RESCORE_MIN_MS ? RESCORE_MIN_MS : wait);
}

void
hub_upkeep_start(struct hub *h)
{
	h->upkeep = loop_timer_new(h->loop, upkeep, h);
	h->rescore = loop_timer_new(h->loop, rescore, h);
	loop_timer_start(h->upkeep, UPKEEP_MS);
	loop_timer_start(h->rescore, 0);
}

void
hub_upkeep_reread(struct hub *h)
{
	log_info("hub", "SIGHUP: certificates and broker files read again");
	apply(h, true);
}

enum cb_code
hub_upkeep_revoked(struct hub *h, struct cb_error *err)
{
	struct store_client_cert *list = NULL;
	const char **serials;
	int64_t *at;
	size_t n = 0;
	enum cb_code r;

	if ((r = store_client_cert_revoked(h->store, clock_wall_ms(), &list,
	    &n, err)) != CB_OK)
		return r;
	serials = cb_xcalloc(n + 1, sizeof(*serials));
	at = cb_xcalloc(n + 1, sizeof(*at));
	for (size_t i = 0; i < n; i++) {
		serials[i] = list[i].serial;
		at[i] = list[i].revoked;
	}
	r = pki_set_revoked(h->pki, serials, at, n, err);
	free(serials);
	free(at);
	store_free(list);
	return r;
}
