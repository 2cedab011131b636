/*
 * bus_limits -- the sizes of docs/PROTOCOL.md "Topics", in bytes unless said.
 * Every decoder of this folder refuses what is larger.
 */
#ifndef CB_BUS_LIMITS_H
#define CB_BUS_LIMITS_H

#define LIMITS_PAYLOAD (256 * 1024)	/* one MQTT payload */
#define LIMITS_PACKET 278528		/* topic and properties included */
#define LIMITS_RECORD_BODY (64 * 1024)
#define LIMITS_LOG_BODY (16 * 1024)
#define LIMITS_COMMAND (128 * 1024)
#define LIMITS_OPEN_COMMANDS 64		/* per instance */
#define LIMITS_JWS 1024			/* the user property */
#define LIMITS_KIND 32			/* of a record */
#define LIMITS_KEY 4224			/* of a record: manager + path */
#define LIMITS_KID 128			/* also the length of a clientId */
#define LIMITS_JOIN_TEXT (128 * 1024)	/* any text of the join */
#define LIMITS_SKEW_MS (5 * 60 * 1000)	/* clocks may differ by this */
#define LIMITS_DAY_MS (24LL * 60 * 60 * 1000)

#endif
