#include "pki_names.h"
#include <arpa/inet.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>
#include "mem.h"
#include "x509_facts.h"

#define NAME_MAX_BYTES 253

/* ip_text: the canonical text of an address; false when it is none. */
static bool
ip_text(const char *text, char out[INET6_ADDRSTRLEN])
{
	struct in_addr v4;
	struct in6_addr v6;

	if (inet_pton(AF_INET, text, &v4) == 1)
		return inet_ntop(AF_INET, &v4, out, INET6_ADDRSTRLEN) != NULL;
	if (inet_pton(AF_INET6, text, &v6) == 1)
		return inet_ntop(AF_INET6, &v6, out, INET6_ADDRSTRLEN) != NULL;
	return false;
}

static bool
dns_valid(const char *name)
{
	size_t len = strlen(name);

	if (len == 0 || len > NAME_MAX_BYTES || name[0] == '.' ||
	    name[0] == '-')
		return false;
	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)name[i]) &&
		    strchr("-._*", name[i]) == NULL)
			return false;
	return true;
}

static bool
list_has(char *const *list, size_t n, const char *text)
{
	for (size_t i = 0; i < n; i++)
		if (strcasecmp(list[i], text) == 0)
			return true;
	return false;
}

static void
list_add(char ***list, size_t *n, const char *text)
{
	char *copy;

	if (list_has(*list, *n, text))
		return;
	copy = cb_xstrdup(text);
	for (char *p = copy; *p != '\0'; p++)
		*p = (char)tolower((unsigned char)*p);
	*list = cb_xrealloc(*list, *n + 2, sizeof(**list));
	(*list)[(*n)++] = copy;
	(*list)[*n] = NULL;
}

static enum cb_code
add_name(struct pki_names *n, const char *name, struct cb_error *err)
{
	char ip[INET6_ADDRSTRLEN];

	if (ip_text(name, ip))
		list_add(&n->ip, &n->n_ip, ip);
	else if (dns_valid(name))
		list_add(&n->dns, &n->n_dns, name);
	else
		return cb_fail(err, CB_E_INVALID,
		    "'%s' is neither a host name nor an address", name);
	return CB_OK;
}

enum cb_code
pki_names_init(struct pki_names *n, const char *const *further,
    struct cb_error *err)
{
	char host[256] = "";
	enum cb_code r;

	memset(n, 0, sizeof(*n));
	list_add(&n->dns, &n->n_dns, "localhost");
	list_add(&n->ip, &n->n_ip, "127.0.0.1");
	list_add(&n->ip, &n->n_ip, "::1");
	if (gethostname(host, sizeof(host) - 1) == 0 && dns_valid(host))
		list_add(&n->dns, &n->n_dns, host);
	for (; further != NULL && *further != NULL; further++)
		if ((r = add_name(n, *further, err)) != CB_OK) {
			pki_names_done(n);
			return r;
		}
	return CB_OK;
}

static void
list_free(char **list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(list[i]);
	free(list);
}

void
pki_names_done(struct pki_names *n)
{
	list_free(n->dns, n->n_dns);
	list_free(n->ip, n->n_ip);
	memset(n, 0, sizeof(*n));
}

bool
pki_names_has(const struct pki_names *n, const char *name)
{
	char bare[NAME_MAX_BYTES + 1], ip[INET6_ADDRSTRLEN];
	size_t len = strlen(name);

	if (len >= 2 && name[0] == '[' && name[len - 1] == ']') {
		name++;
		len -= 2;
	}
	if (len == 0 || len >= sizeof(bare))
		return false;
	memcpy(bare, name, len);
	bare[len] = '\0';
	if (ip_text(bare, ip))
		return list_has(n->ip, n->n_ip, ip);
	return list_has(n->dns, n->n_dns, bare);
}

bool
pki_names_covers(const struct pki_names *n, const char *pem)
{
	struct pki_names in = { 0 };
	struct x509_facts facts;
	bool covers = true;

	if (x509_facts_pem(pem, strlen(pem), &facts, NULL) != CB_OK)
		return false;
	for (size_t i = 0; i < facts.n_sans; i++)
		(void)!add_name(&in, facts.sans[i], NULL);
	for (size_t i = 0; i < n->n_dns; i++)
		covers = covers && list_has(in.dns, in.n_dns, n->dns[i]);
	for (size_t i = 0; i < n->n_ip; i++)
		covers = covers && list_has(in.ip, in.n_ip, n->ip[i]);
	pki_names_done(&in);
	x509_facts_done(&facts);
	return covers;
}
