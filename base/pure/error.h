/*
 * error -- a code for machines, a text for people.
 *
 * The code crosses MQTT and HTTP by name (cb_code_name); the text names the
 * culprit and the remedy.  struct cb_error lives on the caller's stack, owns
 * nothing, and may be NULL wherever a function takes one.  No state: any
 * thread.
 */
#ifndef CB_ERROR_H
#define CB_ERROR_H

#define CB_MUST_CHECK __attribute__((warn_unused_result))
#define CB_PRINTF(f, a) __attribute__((format(printf, f, a)))

enum cb_code {
	CB_OK = 0,
	CB_E_IO,	/* the system said no: errno is in the text */
	CB_E_INVALID,	/* the input is wrong; the text names the member */
	CB_E_TOO_BIG,	/* over a stated limit */
	CB_E_NOT_FOUND, /* what was asked for does not exist */
	CB_E_CONFLICT,	/* true of another state than the present one */
	CB_E_DENIED,	/* permission, policy, signature, MAC */
	CB_E_REMOTE,	/* the other side answered with a failure */
	CB_E_TIMEOUT,	/* no answer in time */
};

struct cb_error {
	char text[512];
};

/* cb_fail: write the text, return code.  Cuts a longer text. */
enum cb_code cb_fail(struct cb_error *err, enum cb_code code, const char *fmt,
    ...) CB_PRINTF(3, 4);

/* cb_context: put "words: " before the text; does nothing for CB_OK. */
enum cb_code cb_context(struct cb_error *err, enum cb_code code,
    const char *fmt, ...) CB_PRINTF(3, 4);

/* cb_code_name: "ok", "io", "invalid", "too-big", ...; never NULL. */
const char *cb_code_name(enum cb_code code);

#endif
