#include "scan.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <errno.h>
#include "clock.h"
#include "scan_internal.h"

#define MANAGERS_MAX 32

/* print_result: {"sources":[...],"records":[...]} and a line end. */
static enum cb_code
print_result(const struct scan *s, FILE *out, struct cb_error *err)
{
	struct json *o = json_new_object();
	struct json *sources = json_new_array();
	struct json *records = json_new_array();
	char *text;
	int failed;
	size_t i;

	for (i = 0; i < s->n_sources; i++)
		json_push(sources, scan_record_source_offline(s->sources[i]));
	for (i = 0; i < s->n_certificates; i++)
		json_push(records,
		    scan_record_certificate_offline(s->certificates[i]));
	json_set(o, "sources", sources);
	json_set(o, "records", records);
	text = json_print(o);
	json_free(o);
	failed = fputs(text, out) < 0 || fputc('\n', out) == EOF
	    || fflush(out) != 0;
	free(text);
	return failed ? cb_fail(err, CB_E_IO, "write the result: %s",
	    strerror(errno)) : CB_OK;
}

enum cb_code
scan_offline(const char *sysroot, const char *manager, FILE *out,
    struct cb_error *err)
{
	static const char *const any[] = { "/" };
	struct scan_manager managers[MANAGERS_MAX];
	struct scan_options o = { .managers = managers, .roots = any,
		.n_roots = 1, .sysroot = sysroot, .now = clock_wall_ms() };
	struct scan *s;
	struct stat st;
	enum cb_code r;
	const char *id;
	size_t i;

	for (i = 0; (id = scan_manager_id(i)) != NULL; i++) {
		if (o.n_managers == MANAGERS_MAX
		    || (manager == NULL ? !scan_manager_supported(id)
		    : strcmp(id, manager) != 0))
			continue;
		managers[o.n_managers++] = (struct scan_manager){
			.id = id, .enabled = true };
	}
	if (o.n_managers == 0)
		return cb_fail(err, CB_E_NOT_FOUND,
		    "'%s' is no manager this agent knows", manager);
	if (sysroot != NULL && (stat(sysroot, &st) != 0
	    || !S_ISDIR(st.st_mode)))
		return cb_fail(err, CB_E_NOT_FOUND, "%s: not a directory",
		    sysroot);
	s = scan_new(&o, NULL);
	scan_execute(s);
	r = print_result(s, out, err);
	scan_free(s);
	return r;
}
