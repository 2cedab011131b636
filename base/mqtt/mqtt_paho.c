/*
 * mqtt_paho -- one attempt on Eclipse Paho MQTTAsync 1.3.12.
 *
 * One Paho handle per attempt, destroyed when it is over: Paho keeps and
 * resends nothing of its own (a message that the broker refuses would come
 * back at each reconnect).  Creating and destroying are serialised over all
 * links of the process: Paho starts and ends its threads in them.
 */
#include <MQTTAsync.h>
#include <netdb.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "mem.h"
#include "mqtt_internal.h"

#define BUFFERED 512 /* over any window of ours */
#define DISCONNECT_MS 1000
#define UNSPECIFIED 0x80 /* MQTT 5, 2.4: unspecified error */

/* one publish that Paho has; its callback's context */
struct pending {
	struct mqtt_attempt *attempt;
	int64_t token;
	struct pending *next, **at; /* under the attempt's lock */
};

/* Owned by the port's thread; callbacks read it, and write what the lock
 * guards. */
struct mqtt_attempt {
	struct mqtt_port *port;
	uint64_t id;
	struct mqtt_options *options;
	MQTTAsync handle;
	bool created;
	pthread_mutex_t lock;
	struct pending *pendings; /* under lock */
	char tls_words[256];	  /* under lock */
};

static pthread_mutex_t paho_lock = PTHREAD_MUTEX_INITIALIZER;

static struct mqtt_event *
event_new(const struct mqtt_attempt *a, enum mqtt_event_kind kind)
{
	struct mqtt_event *e = cb_xcalloc(1, sizeof(*e));

	e->kind = kind;
	e->attempt = a->id;
	e->port = a->port;
	return e;
}

static void
post_down(const struct mqtt_attempt *a, char *why)
{
	struct mqtt_event *e = event_new(a, MQTT_EVENT_DOWN);

	e->text = why;
	mqtt_port_post(e);
}

/* ---- Paho's callbacks, on Paho's threads, under Paho's mutex ---- */

static uint32_t
number(MQTTProperties *props, enum MQTTPropertyCodes code, uint32_t fallback)
{
	if (!MQTTProperties_hasProperty(props, code))
		return fallback;
	return (uint32_t)MQTTProperties_getNumericValue(props, code);
}

static void
on_connect(void *context, MQTTAsync_successData5 *data)
{
	struct mqtt_attempt *a = context;
	struct mqtt_event *e = event_new(a, MQTT_EVENT_UP);

	e->session_present = data->alt.connect.sessionPresent != 0;
	e->keep_alive_s = number(&data->properties,
	    MQTTPROPERTY_CODE_SERVER_KEEP_ALIVE, 0);
	e->window = number(&data->properties,
	    MQTTPROPERTY_CODE_RECEIVE_MAXIMUM, 65535);
	e->max_packet = number(&data->properties,
	    MQTTPROPERTY_CODE_MAXIMUM_PACKET_SIZE, 0);
	mqtt_port_post(e);
}

/* the reason of a refusal stands in code, in reasonCode, or nowhere */
static void
on_connect_failure(void *context, MQTTAsync_failureData5 *data)
{
	struct mqtt_attempt *a = context;
	const char *url = a->options->c.url, *words;
	int reason = data->code > 0 ? data->code : (int)data->reasonCode;
	char tls[sizeof(a->tls_words)];

	pthread_mutex_lock(&a->lock);
	memcpy(tls, a->tls_words, sizeof(tls));
	pthread_mutex_unlock(&a->lock);
	if (reason >= UNSPECIFIED) {
		words = MQTTReasonCode_toString((enum MQTTReasonCodes)reason);
		post_down(a, cb_xasprintf("the broker at %s refused the "
		    "connection: %s (%d)", url,
		    words != NULL ? words : "unknown reason", reason));
		return;
	}
	words = data->message != NULL ? data->message : "no connection";
	post_down(a, cb_xasprintf("cannot connect to the broker at %s: %s%s%s",
	    url, words, tls[0] != '\0' ? ": " : " (check that it runs there, "
	    "and that its certificate names this host)", tls));
}

static int
on_tls_error(const char *text, size_t len, void *context)
{
	struct mqtt_attempt *a = context;

	pthread_mutex_lock(&a->lock);
	/* the first error is the cause */
	if (a->tls_words[0] == '\0') {
		snprintf(a->tls_words, sizeof(a->tls_words), "%.*s",
		    (int)(len < 250 ? len : 250), text);
		a->tls_words[strcspn(a->tls_words, "\r\n")] = '\0';
	}
	pthread_mutex_unlock(&a->lock);
	return 1; /* go on */
}

static void
on_lost(void *context, char *cause)
{
	struct mqtt_attempt *a = context;

	post_down(a, cb_xasprintf("the connection to the broker at %s was "
	    "lost%s%s", a->options->c.url, cause != NULL ? ": " : "",
	    cause != NULL ? cause : ""));
}

static void
on_disconnected(void *context, MQTTProperties *props,
    enum MQTTReasonCodes reason)
{
	struct mqtt_attempt *a = context;
	const char *words = MQTTReasonCode_toString(reason);

	(void)props;
	post_down(a, cb_xasprintf("the broker at %s ended the connection: %s "
	    "(%d)", a->options->c.url, words != NULL ? words : "unknown reason",
	    (int)reason));
}

/* the value of the user property "jws", NULL unless there is exactly one */
static char *
find_jws(MQTTProperties *props)
{
	MQTTProperty *found = NULL;

	for (int i = 0; i < props->count; i++) {
		MQTTProperty *p = &props->array[i];

		if (p->identifier != MQTTPROPERTY_CODE_USER_PROPERTY
		    || p->value.data.len != 3
		    || memcmp(p->value.data.data, "jws", 3) != 0)
			continue;
		if (found != NULL)
			return NULL;
		found = p;
	}
	if (found == NULL || found->value.value.len < 0
	    || memchr(found->value.value.data, '\0',
	    (size_t)found->value.value.len) != NULL)
		return NULL;
	return cb_xstrndup(found->value.value.data,
	    (size_t)found->value.value.len);
}

static int
on_message(void *context, char *topic, int topic_len,
    MQTTAsync_message *message)
{
	struct mqtt_attempt *a = context;
	size_t len = message->payloadlen > 0 ? (size_t)message->payloadlen : 0;
	struct mqtt_event *e = event_new(a, MQTT_EVENT_MESSAGE);

	e->text = cb_xstrdup(topic);
	e->payload = cb_xcalloc(len + 1, 1);
	if (len > 0)
		memcpy(e->payload, message->payload, len);
	e->len = len;
	e->jws = find_jws(&message->properties);
	e->retained = message->retained != 0;
	e->duplicate = message->dup != 0;
	/* 0, or the length; a topic that holds a NUL is not for us */
	if (topic_len == 0 || strlen(topic) == (size_t)topic_len)
		mqtt_port_post(e);
	else
		mqtt_port_event_free(e);
	MQTTAsync_freeMessage(&message);
	MQTTAsync_free(topic);
	return 1;
}

static void
post_subscribed(const struct mqtt_attempt *a, bool granted)
{
	struct mqtt_event *e = event_new(a, MQTT_EVENT_SUBSCRIBED);

	e->granted = granted;
	mqtt_port_post(e);
}

static void
on_subscribe(void *context, MQTTAsync_successData5 *data)
{
	int n = data->alt.sub.reasonCodeCount;
	bool granted = true;

	/* one filter: its code stands apart; QoS 1 is what we asked for */
	if (n <= 1)
		granted = (int)data->reasonCode == 1;
	for (int i = 0; n > 1 && i < n; i++)
		if ((int)data->alt.sub.reasonCodes[i] != 1)
			granted = false;
	post_subscribed(context, granted);
}

static void
on_subscribe_failure(void *context, MQTTAsync_failureData5 *data)
{
	(void)data;
	post_subscribed(context, false);
}

static void
pending_remove(struct pending *m)
{
	struct mqtt_attempt *a = m->attempt;

	pthread_mutex_lock(&a->lock);
	if (m->next != NULL)
		m->next->at = m->at;
	*m->at = m->next;
	pthread_mutex_unlock(&a->lock);
	free(m);
}

static void
post_published(const struct mqtt_attempt *a, int64_t token, int reason)
{
	struct mqtt_event *e = event_new(a, MQTT_EVENT_PUBLISHED);

	e->token = token;
	e->reason = reason;
	mqtt_port_post(e);
}

static void
on_publish(void *context, MQTTAsync_successData5 *data)
{
	struct pending *m = context;

	post_published(m->attempt, m->token, (int)data->reasonCode);
	pending_remove(m);
}

static void
on_publish_failure(void *context, MQTTAsync_failureData5 *data)
{
	struct pending *m = context;

	/* without the broker's word the connection is at its end */
	if ((int)data->reasonCode >= UNSPECIFIED)
		post_published(m->attempt, m->token, (int)data->reasonCode);
	pending_remove(m);
}

static void
on_disconnect(void *context, MQTTAsync_successData5 *data)
{
	(void)data;
	post_down(context, cb_xstrdup("disconnected as asked"));
}

static void
on_disconnect_failure(void *context, MQTTAsync_failureData5 *data)
{
	(void)data;
	post_down(context, cb_xstrdup("disconnected as asked"));
}

/* ---- calls into Paho, on the port's thread ---- */

/* so that a name that nobody knows is said, and does not hold Paho's mutex */
static char *
resolve(const char *url)
{
	const char *start = strstr(url, "://"), *end, *colon;
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *ai = NULL;
	char *host, *why = NULL;
	int rc;

	start = start != NULL ? start + 3 : url;
	end = start + strcspn(start, "/");
	if (*start == '[') {
		start++;
		end = start + strcspn(start, "]");
	} else if ((colon = strchr(start, ':')) != NULL && colon < end)
		end = colon;
	host = cb_xstrndup(start, (size_t)(end - start));
	if ((rc = getaddrinfo(host, NULL, &hints, &ai)) != 0)
		why = cb_xasprintf("the broker's name '%s' cannot be resolved "
		    "(%s): check its spelling and this machine's DNS", host,
		    gai_strerror(rc));
	else
		freeaddrinfo(ai);
	free(host);
	return why;
}

static void
add_number(MQTTProperties *props, enum MQTTPropertyCodes code, uint32_t n)
{
	MQTTProperty p = { .identifier = code };

	if (code == MQTTPROPERTY_CODE_RECEIVE_MAXIMUM)
		p.value.integer2 = (unsigned short)n;
	else
		p.value.integer4 = n;
	if (MQTTProperties_add(props, &p) != 0)
		abort();
}

static void
add_jws(MQTTProperties *props, const char *jws)
{
	static char name[] = "jws";
	MQTTProperty p = { .identifier = MQTTPROPERTY_CODE_USER_PROPERTY };
	union {
		const char *in;
		char *out; /* MQTTProperties_add copies */
	} u = { .in = jws };

	if (jws == NULL)
		return;
	p.value.data.data = name;
	p.value.data.len = 3;
	p.value.value.data = u.out;
	p.value.value.len = (int)strlen(jws);
	if (MQTTProperties_add(props, &p) != 0)
		abort();
}

static int
create(struct mqtt_attempt *a)
{
	static atomic_bool initialised;
	MQTTAsync_init_options init = MQTTAsync_init_options_initializer;
	MQTTAsync_createOptions o = MQTTAsync_createOptions_initializer5;
	int rc;

	if (!atomic_exchange(&initialised, true)) {
		init.do_openssl_init = 0; /* OpenSSL 3 does it itself */
		MQTTAsync_global_init(&init);
	}
	o.sendWhileDisconnected = 0;
	o.maxBufferedMessages = BUFFERED;
	rc = MQTTAsync_createWithOptions(&a->handle, a->options->c.url,
	    a->options->c.client_id, MQTTCLIENT_PERSISTENCE_NONE, NULL, &o);
	if (rc != MQTTASYNC_SUCCESS)
		return rc;
	a->created = true;
	if ((rc = MQTTAsync_setCallbacks(a->handle, a, on_lost, on_message,
	    NULL)) == MQTTASYNC_SUCCESS)
		rc = MQTTAsync_setDisconnected(a->handle, a, on_disconnected);
	return rc;
}

static int
start_connect(struct mqtt_attempt *a)
{
	const struct mqtt_connect *c = &a->options->c;
	MQTTAsync_connectOptions o = MQTTAsync_connectOptions_initializer5;
	MQTTAsync_SSLOptions tls = MQTTAsync_SSLOptions_initializer;
	MQTTAsync_willOptions will = MQTTAsync_willOptions_initializer;
	MQTTProperties props = MQTTProperties_initializer;
	MQTTProperties will_props = MQTTProperties_initializer;
	int rc;

	add_number(&props, MQTTPROPERTY_CODE_SESSION_EXPIRY_INTERVAL,
	    c->session_expiry_s);
	if (c->receive_maximum > 0)
		add_number(&props, MQTTPROPERTY_CODE_RECEIVE_MAXIMUM,
		    c->receive_maximum);
	if (c->max_packet > 0)
		add_number(&props, MQTTPROPERTY_CODE_MAXIMUM_PACKET_SIZE,
		    c->max_packet);
	tls.trustStore = c->ca_pem;
	tls.keyStore = c->cert_pem;
	tls.privateKey = c->key_pem;
	tls.disableDefaultTrustStore = 1;
	tls.enableServerCertAuth = 1;
	tls.verify = 1;
	tls.ssl_error_cb = on_tls_error;
	tls.ssl_error_context = a;
	if (c->will_topic != NULL) {
		will.topicName = c->will_topic;
		will.payload.data = c->will_payload;
		will.payload.len = (int)strlen(c->will_payload);
		will.qos = 1;
		will.retained = 1;
		add_number(&will_props, MQTTPROPERTY_CODE_WILL_DELAY_INTERVAL,
		    c->will_delay_s);
		add_jws(&will_props, c->will_jws);
		o.will = &will;
		o.willProperties = &will_props;
	}
	o.ssl = &tls;
	o.cleanstart = 0;
	o.automaticReconnect = 0;
	o.keepAliveInterval = c->keep_alive_s;
	o.connectTimeout = (int)c->connect_timeout_s;
	o.connectProperties = &props;
	o.onSuccess5 = on_connect;
	o.onFailure5 = on_connect_failure;
	o.context = a;
	rc = MQTTAsync_connect(a->handle, &o);
	MQTTProperties_free(&props);
	MQTTProperties_free(&will_props);
	return rc;
}

struct mqtt_attempt *
mqtt_paho_open(struct mqtt_port *p, uint64_t id, struct mqtt_options *options)
{
	struct mqtt_attempt *a = cb_xcalloc(1, sizeof(*a));
	char *why;
	int rc;

	pthread_mutex_init(&a->lock, NULL);
	a->port = p;
	a->id = id;
	a->options = options;
	if ((why = resolve(a->options->c.url)) != NULL) {
		post_down(a, why);
		return a;
	}
	pthread_mutex_lock(&paho_lock);
	if ((rc = create(a)) == MQTTASYNC_SUCCESS)
		rc = start_connect(a);
	pthread_mutex_unlock(&paho_lock);
	if (rc != MQTTASYNC_SUCCESS)
		post_down(a, cb_xasprintf("the MQTT library does not connect "
		    "to %s: %s", a->options->c.url, MQTTAsync_strerror(rc)));
	return a;
}

uint64_t
mqtt_paho_id(const struct mqtt_attempt *a)
{
	return a->id;
}

void
mqtt_paho_subscribe(struct mqtt_attempt *a, char *const *filters, size_t n)
{
	MQTTAsync_responseOptions o = MQTTAsync_responseOptions_initializer;
	int qos[MQTT_MAX_FILTERS];

	for (size_t i = 0; i < n; i++)
		qos[i] = 1;
	o.onSuccess5 = on_subscribe;
	o.onFailure5 = on_subscribe_failure;
	o.context = a;
	if (MQTTAsync_subscribeMany(a->handle, (int)n, filters, qos, &o)
	    != MQTTASYNC_SUCCESS)
		post_subscribed(a, false);
}

static struct pending *
pending_new(struct mqtt_attempt *a, int64_t token)
{
	struct pending *m = cb_xcalloc(1, sizeof(*m));

	m->attempt = a;
	m->token = token;
	pthread_mutex_lock(&a->lock);
	m->next = a->pendings;
	if (m->next != NULL)
		m->next->at = &m->next;
	m->at = &a->pendings;
	a->pendings = m;
	pthread_mutex_unlock(&a->lock);
	return m;
}

void
mqtt_paho_publish(struct mqtt_attempt *a, int64_t token, const char *topic,
    const char *payload, size_t len, const char *jws, bool retain)
{
	MQTTAsync_responseOptions o = MQTTAsync_responseOptions_initializer;
	struct pending *m = pending_new(a, token);
	int rc;

	add_jws(&o.properties, jws);
	o.onSuccess5 = on_publish;
	o.onFailure5 = on_publish_failure;
	o.context = m;
	rc = MQTTAsync_send(a->handle, topic, (int)len, payload, 1, retain,
	    &o);
	MQTTProperties_free(&o.properties);
	if (rc == MQTTASYNC_SUCCESS)
		return;
	/* while disconnected: down is on its way and says it all */
	if (rc != MQTTASYNC_DISCONNECTED)
		post_published(a, token, UNSPECIFIED);
	pending_remove(m);
}

void
mqtt_paho_disconnect(struct mqtt_attempt *a)
{
	MQTTAsync_disconnectOptions o =
	    MQTTAsync_disconnectOptions_initializer5;

	o.timeout = DISCONNECT_MS;
	o.onSuccess5 = on_disconnect;
	o.onFailure5 = on_disconnect_failure;
	o.context = a;
	if (!a->created || MQTTAsync_disconnect(a->handle, &o)
	    != MQTTASYNC_SUCCESS)
		post_down(a, cb_xstrdup("disconnected as asked"));
}

void
mqtt_paho_close(struct mqtt_attempt *a)
{
	struct pending *m, *next;

	if (a == NULL)
		return;
	if (a->created) {
		pthread_mutex_lock(&paho_lock);
		MQTTAsync_destroy(&a->handle);
		pthread_mutex_unlock(&paho_lock);
	}
	for (m = a->pendings; m != NULL; m = next) {
		next = m->next;
		free(m);
	}
	mqtt_port_options_free(a->options);
	pthread_mutex_destroy(&a->lock);
	free(a);
}
