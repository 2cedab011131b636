/* The MQTT link against the real mosquitto, over mTLS. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "broker.h"
#include "clock.h"
#include "mem.h"
#include "mqtt_link.h"

#define WAIT_S 30

/* what one link has told, under lock */
struct peer {
	struct world *world;
	struct mqtt_link *link;
	int ups, downs, subs, publisheds, messages;
	bool session_present, granted, free_in_down;
	char why[512];
	int64_t token;
	int reason;
	char topic[64], jws[64];
	char *payload;
	size_t len;
	bool retained;
};

struct world {
	struct broker broker;
	struct loop *loop;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct peer a, b;
};

/* ---- the links' owner, on the loop ---- */

#define LOCKED(p, act) \
	do { \
		pthread_mutex_lock(&(p)->world->lock); \
		act; \
		pthread_cond_broadcast(&(p)->world->changed); \
		pthread_mutex_unlock(&(p)->world->lock); \
	} while (0)

static void
on_up(void *arg, bool session_present)
{
	struct peer *p = arg;

	LOCKED(p, p->ups++; p->session_present = session_present);
}

static void
on_down(void *arg, const char *why)
{
	struct peer *p = arg;
	bool free_it;

	LOCKED(p, free_it = p->free_in_down);
	if (free_it) {
		mqtt_link_free(p->link);
		p->link = NULL;
	}
	LOCKED(p, p->downs++; snprintf(p->why, sizeof(p->why), "%s", why));
}

static void
on_subscribed(void *arg, bool all_granted)
{
	struct peer *p = arg;

	LOCKED(p, p->subs++; p->granted = all_granted);
}

static void
on_message(void *arg, const struct mqtt_message *m)
{
	struct peer *p = arg;

	assert_int_equal(m->payload[m->len], 0);
	pthread_mutex_lock(&p->world->lock);
	p->messages++;
	snprintf(p->topic, sizeof(p->topic), "%s", m->topic);
	snprintf(p->jws, sizeof(p->jws), "%s", m->jws != NULL ? m->jws : "-");
	free(p->payload);
	p->payload = cb_xcalloc(m->len + 1, 1);
	memcpy(p->payload, m->payload, m->len);
	p->len = m->len;
	p->retained = m->retained;
	pthread_cond_broadcast(&p->world->changed);
	pthread_mutex_unlock(&p->world->lock);
}

static void
on_published(void *arg, int64_t token, int reason)
{
	struct peer *p = arg;

	LOCKED(p, p->publisheds++; p->token = token; p->reason = reason);
}

static const struct mqtt_events events = { on_up, on_down, on_subscribed,
	on_message, on_published };

/* ---- the test's side ---- */

static void *
run_loop(void *arg)
{
	loop_run(arg);
	return NULL;
}

static void
make_link(void *arg)
{
	struct peer *p = arg;

	p->link = mqtt_link_new(p->world->loop, &events, p);
}

static void
free_link(void *arg)
{
	struct peer *p = arg;

	mqtt_link_free(p->link);
	p->link = NULL;
}

static struct world *
begin(const char *extra)
{
	struct world *w = cb_xcalloc(1, sizeof(*w));

	broker_init(&w->broker, extra);
	broker_start(&w->broker);
	w->loop = loop_new();
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->changed, NULL);
	w->a.world = w->b.world = w;
	pthread_create(&w->thread, NULL, run_loop, w->loop);
	loop_call(w->loop, make_link, &w->a);
	loop_call(w->loop, make_link, &w->b);
	return w;
}

static void
end(struct world *w)
{
	loop_call(w->loop, free_link, &w->a);
	loop_call(w->loop, free_link, &w->b);
	loop_stop(w->loop);
	pthread_join(w->thread, NULL);
	loop_free(w->loop);
	broker_done(&w->broker);
	free(w->a.payload);
	free(w->b.payload);
	pthread_cond_destroy(&w->changed);
	pthread_mutex_destroy(&w->lock);
	free(w);
}

/* wait until the counter is at least n */
static void
wait_count(struct peer *p, const int *counter, int n, const char *what)
{
	struct timespec ts;
	int rc = 0;

	clock_gettime(CLOCK_REALTIME, &ts);
	ts.tv_sec += WAIT_S;
	pthread_mutex_lock(&p->world->lock);
	while (*counter < n && rc == 0)
		rc = pthread_cond_timedwait(&p->world->changed,
		    &p->world->lock, &ts);
	pthread_mutex_unlock(&p->world->lock);
	if (rc != 0)
		fail_msg("%s: %d of %d (%s)", what, *counter, n, p->why);
}
#define WAIT(p, member, n) wait_count(p, &(p)->member, n, #member)

struct ask {
	struct peer *p;
	struct mqtt_connect c;
	const char *const *filters;
	size_t n;
	const char *topic, *payload, *jws;
	size_t len;
	bool retain;
	enum cb_code r;
	int64_t token;
	struct cb_error err;
};

static void
ask_connect(void *arg)
{
	struct ask *a = arg;

	a->r = mqtt_link_connect(a->p->link, &a->c, &a->err);
}

static struct ask
connect_options(struct peer *p, const char *id)
{
	struct broker *b = &p->world->broker;
	struct ask a = { .p = p, .c = {
		.url = b->url, .client_id = id, .ca_pem = b->ca,
		.cert_pem = b->cert, .key_pem = b->key,
		.session_expiry_s = 600, .keep_alive_s = 60,
		.receive_maximum = 50, .max_packet = 300000,
		.connect_timeout_s = 5 } };

	return a;
}

static void
start_connect(struct ask *a)
{
	loop_call(a->p->world->loop, ask_connect, a);
	if (a->r != CB_OK)
		fail_msg("%s", a->err.text);
}

static void
connect_peer(struct peer *p, const char *id)
{
	struct ask a = connect_options(p, id);
	int ups = p->ups;

	start_connect(&a);
	WAIT(p, ups, ups + 1);
}

static void
ask_subscribe(void *arg)
{
	struct ask *a = arg;

	a->r = mqtt_link_subscribe(a->p->link, a->filters, a->n, &a->err);
}

static void
subscribe(struct peer *p, const char *const *filters, size_t n)
{
	struct ask a = { .p = p, .filters = filters, .n = n };
	int subs = p->subs;

	loop_call(p->world->loop, ask_subscribe, &a);
	if (a.r != CB_OK)
		fail_msg("%s", a.err.text);
	WAIT(p, subs, subs + 1);
	assert_true(p->granted);
}

static void
ask_publish(void *arg)
{
	struct ask *a = arg;

	a->r = mqtt_link_publish(a->p->link, a->topic, a->payload, a->len,
	    a->jws, a->retain, &a->token, &a->err);
}

static struct ask
publish(struct peer *p, const char *topic, const char *payload,
    const char *jws, bool retain)
{
	struct ask a = { .p = p, .topic = topic, .payload = payload,
		.len = strlen(payload), .jws = jws, .retain = retain };

	loop_call(p->world->loop, ask_publish, &a);
	return a;
}

static void
ask_disconnect(void *arg)
{
	struct peer *p = arg;

	mqtt_link_disconnect(p->link);
}

static const char *const all[] = { "t/#" };

/* ---- tests ---- */

static void
messages_pass_with_their_signature(void **state)
{
	struct world *w = begin("");
	static const char *const two[] = { "t/#", "u/#" };
	struct ask a;

	(void)state;
	connect_peer(&w->a, "a");
	assert_false(w->a.session_present);
	connect_peer(&w->b, "b");
	subscribe(&w->b, two, 2);
	a = publish(&w->a, "t/x", "{\"n\":1}", "h..s", false);
	assert_int_equal(a.r, CB_OK);
	WAIT(&w->b, messages, 1);
	assert_string_equal(w->b.topic, "t/x");
	assert_string_equal(w->b.payload, "{\"n\":1}");
	assert_string_equal(w->b.jws, "h..s");
	assert_false(w->b.retained);
	WAIT(&w->a, publisheds, 1);
	assert_int_equal(w->a.token, a.token);
	assert_int_equal(w->a.reason, 0);
	/* no signature, no payload, nobody who reads it */
	a = publish(&w->a, "u/y", "", NULL, false);
	WAIT(&w->b, messages, 2);
	assert_string_equal(w->b.jws, "-");
	assert_int_equal(w->b.len, 0);
	a = publish(&w->a, "nobody", "x", NULL, false);
	WAIT(&w->a, publisheds, 3);
	assert_int_equal(w->a.reason, 0);
	/* retained ones say so */
	publish(&w->a, "t/keep", "r", "j", true);
	WAIT(&w->b, messages, 3);
	subscribe(&w->a, all, 1);
	WAIT(&w->a, messages, 1);
	assert_true(w->a.retained);
	assert_string_equal(w->a.payload, "r");
	end(w);
}

static void
ask_fill(void *arg)
{
	struct ask *a = arg;

	/* the loop is busy here: nothing can be acknowledged meanwhile */
	for (int i = 0; i < 5; i++) {
		ask_publish(a);
		assert_int_equal(a->r, CB_OK);
	}
	ask_publish(a);
}

static void
the_window_is_the_brokers_and_frees_itself(void **state)
{
	struct world *w = begin("max_inflight_messages 5");
	struct ask a = { .p = &w->a, .topic = "t", .payload = "x", .len = 1 };

	(void)state;
	connect_peer(&w->a, "a");
	loop_call(w->loop, ask_fill, &a);
	assert_int_equal(a.r, CB_E_CONFLICT);
	assert_non_null(strstr(a.err.text, "5 messages"));
	WAIT(&w->a, publisheds, 5);
	assert_int_equal(publish(&w->a, "t", "x", NULL, false).r, CB_OK);
	WAIT(&w->a, publisheds, 6);
	assert_int_equal(w->a.downs, 0);
	end(w);
}

static void
a_thousand_messages_pass_through_the_window(void **state)
{
	struct world *w = begin("max_inflight_messages 20\n"
	    "max_queued_messages 0");
	struct ask a = { .p = &w->a, .topic = "t/n", .payload = "x",
		.len = 1 };

	(void)state;
	connect_peer(&w->a, "a");
	connect_peer(&w->b, "b");
	subscribe(&w->b, all, 1);
	for (int sent = 0; sent < 1000;) {
		loop_call(w->loop, ask_publish, &a);
		if (a.r == CB_OK)
			sent++;
		else
			WAIT(&w->a, publisheds, sent - 10);
	}
	WAIT(&w->b, messages, 1000);
	WAIT(&w->a, publisheds, 1000);
	end(w);
}

static void
a_packet_over_the_limit_is_refused_to_the_byte(void **state)
{
	static const struct {
		size_t limit;
		const char *jws;
	} cases[] = { { 2000, "h..s" }, { 2000, NULL }, { 120, NULL } };
	char *text = cb_xcalloc(3000, 1);

	(void)state;
	memset(text, 'x', 2999);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct world *w;
		char conf[64];
		size_t rest = cases[i].limit - (cases[i].limit < 128 ? 2 : 3);
		/* topic, packet id, properties */
		size_t fits = rest - 3 - 2 - 1
		    - (cases[i].jws != NULL ? 12 : 0);
		struct ask a = { .topic = "t", .payload = text,
			.jws = cases[i].jws };

		snprintf(conf, sizeof(conf), "max_packet_size %zu",
		    cases[i].limit);
		w = begin(conf);
		connect_peer(&w->a, "a");
		a.p = &w->a;
		a.len = fits + 1;
		loop_call(w->loop, ask_publish, &a);
		assert_int_equal(a.r, CB_E_TOO_BIG);
		assert_non_null(strstr(a.err.text, "over the limit"));
		a.len = fits;
		loop_call(w->loop, ask_publish, &a);
		assert_int_equal(a.r, CB_OK);
		WAIT(&w->a, publisheds, 1);
		assert_int_equal(w->a.downs, 0);
		end(w);
	}
	free(text);
}

static void
our_own_packet_limit_holds_too(void **state)
{
	struct world *w = begin("");
	struct ask a = connect_options(&w->a, "a");
	char text[200];

	(void)state;
	memset(text, 'x', sizeof(text));
	text[199] = '\0';
	a.c.max_packet = 150;
	start_connect(&a);
	WAIT(&w->a, ups, 1);
	assert_int_equal(publish(&w->a, "t", text, NULL, false).r,
	    CB_E_TOO_BIG);
	end(w);
}

static void
a_killed_broker_is_noticed_and_joined_again(void **state)
{
	struct world *w = begin("");
	struct ask a;

	(void)state;
	connect_peer(&w->a, "a");
	broker_kill(&w->broker, SIGKILL);
	WAIT(&w->a, downs, 1);
	assert_non_null(strstr(w->a.why, "lost"));
	a = publish(&w->a, "t/x", "x", NULL, false);
	assert_int_equal(a.r, CB_E_CONFLICT);
	/* nobody is there */
	a = connect_options(&w->a, "a");
	start_connect(&a);
	WAIT(&w->a, downs, 2);
	assert_non_null(strstr(w->a.why, w->broker.url));
	broker_start(&w->broker);
	connect_peer(&w->a, "a");
	assert_false(w->a.session_present);
	subscribe(&w->a, all, 1);
	publish(&w->a, "t/x", "again", NULL, false);
	WAIT(&w->a, messages, 1);
	assert_string_equal(w->a.payload, "again");
	end(w);
}

static void
a_session_waits_at_the_broker(void **state)
{
	struct world *w = begin("");

	(void)state;
	connect_peer(&w->a, "a");
	subscribe(&w->a, all, 1);
	loop_call(w->loop, ask_disconnect, &w->a);
	WAIT(&w->a, downs, 1);
	assert_string_equal(w->a.why, "disconnected as asked");
	connect_peer(&w->b, "b");
	publish(&w->b, "t/x", "meanwhile", "j", false);
	WAIT(&w->b, publisheds, 1);
	connect_peer(&w->a, "a");
	assert_true(w->a.session_present);
	WAIT(&w->a, messages, 1);
	assert_string_equal(w->a.payload, "meanwhile");
	end(w);
}

static void
whoever_the_ca_did_not_sign_is_refused(void **state)
{
	struct world *w = begin("");
	struct ask a = connect_options(&w->a, "a");
	char url[64];

	(void)state;
	a.c.ca_pem = w->broker.other_ca;
	start_connect(&a);
	WAIT(&w->a, downs, 1);
	assert_non_null(strstr(w->a.why, "certificate verify failed"));
	/* signed, but for another name */
	a.c.ca_pem = w->broker.ca;
	snprintf(url, sizeof(url), "mqtts://localhost:%u", w->broker.port);
	a.c.url = url;
	start_connect(&a);
	WAIT(&w->a, downs, 2);
	assert_non_null(strstr(w->a.why, url));
	assert_int_equal(w->a.ups, 0);
	/* and we without the right certificate */
	a.c.url = w->broker.url;
	a.c.cert_pem = w->broker.other_ca;
	start_connect(&a);
	WAIT(&w->a, downs, 3);
	assert_int_equal(w->a.ups, 0);
	connect_peer(&w->a, "a");
	end(w);
}

static void
addresses_that_cannot_work_are_sentences(void **state)
{
	struct world *w = begin("");
	struct ask a = connect_options(&w->a, "a");

	(void)state;
	a.c.url = "tcp://127.0.0.1:1";
	loop_call(w->loop, ask_connect, &a);
	assert_int_equal(a.r, CB_E_INVALID);
	a.c.url = "mqtts://no..host:1";
	start_connect(&a);
	WAIT(&w->a, downs, 1);
	assert_non_null(strstr(w->a.why, "'no..host' cannot be resolved"));
	end(w);
}

static void
the_same_client_id_takes_over(void **state)
{
	struct world *w = begin("");

	(void)state;
	connect_peer(&w->a, "same");
	connect_peer(&w->b, "same");
	WAIT(&w->a, downs, 1);
	assert_true(w->b.session_present);
	assert_int_equal(w->b.downs, 0);
	end(w);
}

static void
a_shorter_keep_alive_of_the_broker_is_adopted(void **state)
{
	struct world *w = begin("max_keepalive 11");

	(void)state;
	connect_peer(&w->b, "b");
	subscribe(&w->b, all, 1);
	connect_peer(&w->a, "a");
	/* adopted before up, and known at the next connect */
	assert_true(broker_logged(&w->broker, "as a (p5, c0, k60"));
	assert_true(broker_logged(&w->broker, "as a (p5, c0, k11"));
	assert_int_equal(w->a.downs, 0);
	publish(&w->a, "t/x", "x", NULL, false);
	WAIT(&w->b, messages, 1);
	end(w);
}

static void
a_message_that_comes_before_the_adoption_is_not_lost(void **state)
{
	struct world *w = begin("max_keepalive 11");
	struct ask a = connect_options(&w->a, "a");

	(void)state;
	a.c.keep_alive_s = 5;
	start_connect(&a);
	WAIT(&w->a, ups, 1);
	subscribe(&w->a, all, 1);
	loop_call(w->loop, ask_disconnect, &w->a);
	WAIT(&w->a, downs, 1);
	connect_peer(&w->b, "b");
	for (int i = 0; i < 5; i++)
		publish(&w->b, "t/x", "x", NULL, false);
	WAIT(&w->b, publisheds, 5);
	connect_peer(&w->a, "a");
	WAIT(&w->a, messages, 5);
	end(w);
}

static void
a_hung_broker_holds_nobody(void **state)
{
	struct world *w = begin("");
	struct ask a = connect_options(&w->b, "b");
	int64_t before;

	(void)state;
	connect_peer(&w->a, "a");
	kill(w->broker.pid, SIGSTOP);
	a.c.connect_timeout_s = 1;
	start_connect(&a);
	WAIT(&w->b, downs, 1);
	publish(&w->a, "t/x", "x", NULL, false);
	loop_call(w->loop, ask_disconnect, &w->a);
	WAIT(&w->a, downs, 1);
	before = clock_mono_ms();
	loop_call(w->loop, free_link, &w->a);
	assert_true(clock_mono_ms() - before < 2000);
	kill(w->broker.pid, SIGCONT);
	loop_call(w->loop, make_link, &w->a);
	connect_peer(&w->a, "a");
	end(w);
}

static void
disconnecting_while_connecting_ends_in_down(void **state)
{
	struct world *w = begin("");
	struct ask a = connect_options(&w->a, "a");

	(void)state;
	kill(w->broker.pid, SIGSTOP);
	start_connect(&a);
	loop_call(w->loop, ask_disconnect, &w->a);
	WAIT(&w->a, downs, 1);
	kill(w->broker.pid, SIGCONT);
	connect_peer(&w->a, "a");
	assert_int_equal(w->a.downs, 1);
	/* nothing is under way: nothing follows */
	loop_call(w->loop, ask_disconnect, &w->b);
	end(w);
}

static void
a_link_may_be_freed_at_any_moment(void **state)
{
	struct world *w = begin("");
	struct ask a;

	(void)state;
	for (int i = 0; i < 10; i++) {
		a = connect_options(&w->a, "a");
		start_connect(&a);
		if (i % 3 == 1)
			WAIT(&w->a, ups, w->a.ups + 1);
		else if (i % 3 == 2)
			publish(&w->a, "t", "x", NULL, false);
		loop_call(w->loop, free_link, &w->a);
		loop_call(w->loop, make_link, &w->a);
	}
	/* also in its own callback */
	connect_peer(&w->a, "a");
	LOCKED(&w->a, w->a.free_in_down = true);
	broker_kill(&w->broker, SIGKILL);
	WAIT(&w->a, downs, 1);
	assert_null(w->a.link);
	end(w);
}

/* another process, killed by the test that watches its will */
static int
live_until_killed(const char *url, const char *dir)
{
	struct world w = { .a.world = &w };
	char ca[96], cert[96], key[96];
	struct ask a;

	snprintf(w.broker.url, sizeof(w.broker.url), "%s", url);
	a = connect_options(&w.a, "mortal");
	snprintf(ca, sizeof(ca), "%s/ca.pem", dir);
	snprintf(cert, sizeof(cert), "%s/peer.pem", dir);
	snprintf(key, sizeof(key), "%s/peer.key", dir);
	a.c.ca_pem = ca;
	a.c.cert_pem = cert;
	a.c.key_pem = key;
	a.c.will_topic = "t/will";
	a.c.will_payload = "gone";
	a.c.will_jws = "w..s";
	pthread_mutex_init(&w.lock, NULL);
	pthread_cond_init(&w.changed, NULL);
	w.loop = loop_new();
	make_link(&w.a);
	ask_connect(&a);
	loop_run(w.loop);
	return 1;
}

static void
the_will_speaks_signed_when_we_are_killed(void **state)
{
	struct world *w = begin("");
	struct timespec pause = { 0, 10 * 1000000 };
	pid_t pid;

	(void)state;
	connect_peer(&w->b, "b");
	subscribe(&w->b, all, 1);
	if ((pid = fork()) == 0) {
		execl("/proc/self/exe", "mqtt_link_test", w->broker.url,
		    w->broker.dir, (char *)NULL);
		_exit(127);
	}
	for (int i = 0; i < 3000 && !broker_logged(&w->broker, "as mortal");
	     i++)
		nanosleep(&pause, NULL);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	WAIT(&w->b, messages, 1);
	assert_string_equal(w->b.topic, "t/will");
	assert_string_equal(w->b.payload, "gone");
	assert_string_equal(w->b.jws, "w..s");
	end(w);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_pass_with_their_signature),
		cmocka_unit_test(the_window_is_the_brokers_and_frees_itself),
		cmocka_unit_test(a_thousand_messages_pass_through_the_window),
		cmocka_unit_test(
		    a_packet_over_the_limit_is_refused_to_the_byte),
		cmocka_unit_test(our_own_packet_limit_holds_too),
		cmocka_unit_test(a_killed_broker_is_noticed_and_joined_again),
		cmocka_unit_test(a_session_waits_at_the_broker),
		cmocka_unit_test(whoever_the_ca_did_not_sign_is_refused),
		cmocka_unit_test(addresses_that_cannot_work_are_sentences),
		cmocka_unit_test(the_same_client_id_takes_over),
		cmocka_unit_test(
		    a_shorter_keep_alive_of_the_broker_is_adopted),
		cmocka_unit_test(
		    a_message_that_comes_before_the_adoption_is_not_lost),
		cmocka_unit_test(a_hung_broker_holds_nobody),
		cmocka_unit_test(disconnecting_while_connecting_ends_in_down),
		cmocka_unit_test(a_link_may_be_freed_at_any_moment),
		cmocka_unit_test(the_will_speaks_signed_when_we_are_killed),
	};

	if (argc == 3)
		return live_until_killed(argv[1], argv[2]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
