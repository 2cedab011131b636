#include "error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum cb_code
cb_fail(struct cb_error *err, enum cb_code code, const char *fmt, ...)
{
	struct cb_error text; /* an argument may point into err->text */
	va_list ap;

	if (err == NULL)
		return code;
	va_start(ap, fmt);
	if (vsnprintf(text.text, sizeof(text.text), fmt, ap) < 0)
		text.text[0] = '\0';
	va_end(ap);
	memcpy(err->text, text.text, strlen(text.text) + 1);
	return code;
}

enum cb_code
cb_context(struct cb_error *err, enum cb_code code, const char *fmt, ...)
{
	struct cb_error words;
	va_list ap;
	size_t used, rest;

	if (err == NULL || code == CB_OK)
		return code;
	va_start(ap, fmt);
	if (vsnprintf(words.text, sizeof(words.text), fmt, ap) < 0)
		words.text[0] = '\0';
	va_end(ap);
	used = strlen(words.text);
	if (used + 3 > sizeof(words.text))
		used = sizeof(words.text) - 3;
	memcpy(words.text + used, ": ", 2);
	used += 2;
	rest = strnlen(err->text, sizeof(err->text) - 1);
	if (rest > sizeof(words.text) - 1 - used)
		rest = sizeof(words.text) - 1 - used;
	memcpy(words.text + used, err->text, rest);
	words.text[used + rest] = '\0';
	memcpy(err->text, words.text, used + rest + 1);
	return code;
}

const char *
cb_code_name(enum cb_code code)
{
	switch (code) {
	case CB_OK:
		return "ok";
	case CB_E_IO:
		return "io";
	case CB_E_INVALID:
		return "invalid";
	case CB_E_TOO_BIG:
		return "too-big";
	case CB_E_NOT_FOUND:
		return "not-found";
	case CB_E_CONFLICT:
		return "conflict";
	case CB_E_DENIED:
		return "denied";
	case CB_E_REMOTE:
		return "remote";
	case CB_E_TIMEOUT:
		return "timeout";
	}
	return "unknown";
}
