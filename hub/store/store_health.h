/*
 * store_health -- the one rule that judges a certificate.
 *
 * Let L = notAfter - notBefore, R = when renewal is due (the manager's own
 * plan where it lies inside the validity, else notBefore + 2/3 L) and W =
 * notAfter - R.  All thresholds are shares, so that a 160-hour and a 398-day
 * certificate are both judged rightly:
 *
 *	healthy	  before R
 *	due	  from R on; normal, nobody needs to act
 *	warning	  30 % of W gone, or the last renewal failed
 *	critical  70 % of W gone, 5 failures in a row, revoked, parts missing
 *	expired	  from notAfter on
 *
 * Nothing renews it (a person does, or the manager is not scheduled): warning
 * at min(30 d, L/3) before the end, critical at min(7 d, L/10).  Unknown: it
 * cannot be read.  Paused: taken out of management.
 *
 * Pure: the time is handed in.
 */
#ifndef CB_STORE_HEALTH_H
#define CB_STORE_HEALTH_H

#include "json.h"
#include "store.h"

struct store_verdict {
	enum store_health health;
	char reason[384];	/* "" for healthy and due */
	int64_t next_at;	/* when time alone changes it; INSTANT_NONE */
};

/* body: a certificate record; NULL where it could not be read */
void store_health_judge(const struct json *body, int64_t now,
    struct store_verdict *ret);

#endif
