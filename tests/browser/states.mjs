// Each state a page can be in, without a hub: empty, loading, failing, stale,
// refused, hostile, changing under the reader.  Run: node states.mjs
import { certificate, DB, FakeHub, instance, ORIGIN, WEB }
    from "./fake-hub.mjs";
import { accessible, allow, check, faults, finish, fits, h1, launch, picture,
    settled, step, until, watched } from "./pages.mjs";

const MANAGERS = ORIGIN + "/settings/general/external-certificate-managers";
const HOSTILE = "\u202E<img src=x onerror=\"window.hit=1\">.example";
const LONG = ["x", "y", "z"].map((c) => c.repeat(63)).join(".")
    + "." + "w".repeat(61);

const cases = [];
const state = (name, f) => cases.push([name, f]);

const order = (page) => page.locator("tbody tr th a").allInnerTexts();
const text = (page) => page.locator("main").innerText();

async function open(page, path) {
	await page.goto(path.startsWith("http") ? path : ORIGIN + path);
	await settled(page);
}

state("an empty hub says how to join and makes a key", async (page, hub) => {
	hub.instances = [];
	hub.certificates = [];
	hub.override = (method, path) => path === "/join-keys"
	    && method === "POST" ? { status: 201, data: { clientId: "k1",
	    secret: "cbj_" + "a".repeat(43), usesLeft: 1, expires: null,
	    curl: "curl -d 'cbj_aaa'", cli: "certbus-agent join" } } : null;
	await open(page, "/certificates");
	await page.getByText("No machine has joined yet").waitFor();
	check((await text(page)).includes("api/system/hub/join"), "no line");
	await page.getByRole("button", { name: "Make a join key" }).click();
	await page.getByText("curl -d 'cbj_aaa'").waitFor();
	await page.getByText("Waiting for the machine").waitFor();
	await picture(page, "state-empty");
	hub.instances = [instance()];
	await hub.emit(page, "instance", { instance: WEB });
	await page.getByText("No certificates found yet").waitFor();
});

state("what loads long shows a skeleton, what is quick does not",
    async (page, hub) => {
	hub.delay = 900;
	await page.goto(ORIGIN + "/instances");
	await page.locator(".skeleton").waitFor();
	await picture(page, "state-loading");
	await page.getByText("web-07").waitFor();
});

state("a failing hub is named, and asked again", async (page, hub) => {
	let broken = true;

	allow(/status of 500/);
	hub.override = (method, path) => broken && path === "/certificates"
	    ? { status: 500, data: { code: "io", detail: "disk I/O error" } }
	    : null;
	await open(page, "/certificates");
	await page.getByText("disk I/O error").waitFor();
	await picture(page, "state-error");
	await accessible(page, "error");
	broken = false;
	await page.getByRole("button", { name: "Retry" }).click();
	await page.getByText("one.example").waitFor();
	// from now on: the old list stays beside the error
	broken = true;
	await hub.emit(page, "certificate", { instance: WEB });
	await page.getByText("could not be brought up to date").waitFor();
	check((await order(page))[0] === "one.example", "the list is gone");
});

state("a hub that is away is said to be away", async (page, hub) => {
	allow(/ERR_FAILED/);
	hub.override = () => ({ abort: true });
	await page.goto(ORIGIN + "/certificates");
	await page.getByText("The hub does not answer").waitFor();
	hub.override = null;
	await page.getByRole("button", { name: "Retry" }).click();
	await page.getByText("one.example").waitFor();
});

state("nothing wrong is said as good news", async (page) => {
	await open(page, "/certificates?health=expired,critical,warning,unknown");
	await page.getByText("Nothing needs attention").waitFor();
	await picture(page, "state-nothing-wrong");
});

state("a silent instance: its certificates are shown as of then",
    async (page, hub) => {
	const seen = new Date(Date.now() - 7200000).toISOString();

	hub.instances = [instance({ state: "offline", lastSeen: seen })];
	hub.certificates = [certificate("one.example", 10, 90, { stale: true,
	    asOf: seen })];
	await open(page, "/certificates");
	await page.getByText("offline, as of 2 h ago").waitFor();
	check((await text(page)).includes("Healthy"), "health is not beside it");
	await picture(page, "state-stale");
});

state("each health has its icon and its word", async (page, hub) => {
	hub.certificates = ["expired", "critical", "warning", "unknown", "due",
	    "healthy", "paused"].map((health, i) => certificate(
	    `${health}.example`, 90 - 12 * i, 90, { health,
	    lastError: health === "critical" ? { text: "429 rateLimited",
	    time: new Date().toISOString(), consecutive: 5 } : null }));
	await open(page, "/certificates");
	for (const word of ["Expired", "Critical", "Warning", "Unknown",
	    "Renewal due", "Healthy", "Paused"])
		check(await page.locator(".health", { hasText: word })
		    .locator("svg").count() === 1, `no icon beside ${word}`);
	await picture(page, "state-every-health");
	await accessible(page, "every health");
});

state("hostile names are text", async (page, hub) => {
	hub.instances = [instance({ name: HOSTILE })];
	hub.certificates = [certificate(HOSTILE, 10, 90, { sans: [HOSTILE, LONG],
	    instanceName: HOSTILE, issuer: "CN=" + HOSTILE,
	    lastError: { text: HOSTILE, time: null }, hooks: [{ kind: "deploy",
	    command: HOSTILE }], notes: [HOSTILE] })];
	for (const [name, path] of [["certificates", "/certificates"],
	    ["certificate", "/certificates/" + encodeURIComponent(
	    hub.certificates[0].id)], ["instances", "/instances"],
	    ["instance", "/instances/" + WEB]]) {
		for (const width of [1280, 320]) {
			await page.setViewportSize({ width, height: 900 });
			await open(page, path);
			check((await text(page)).includes("onerror"),
			    `the name is not on ${name}`);
			await fits(page, `${name} at ${width} px`);
			await picture(page, `state-hostile-${name}-${width}`);
		}
	}
	check(await page.evaluate(() => window.hit === undefined
	    && document.querySelectorAll("img").length === 0), "it ran");
});

state("rows change in place and do not move under the pointer",
    async (page, hub) => {
	hub.certificates = ["a", "b", "c"].map((n) => certificate(
	    n + ".example", 10, 90));
	await open(page, "/certificates");
	await page.locator("tbody tr").nth(1).hover();
	hub.certificates = [certificate("new.example", 1, 90),
	    certificate("c.example", 80, 90, { health: "critical" }),
	    certificate("a.example", 10, 90)];
	await hub.emit(page, "certificate", { instance: WEB });
	await page.getByText("new.example").waitFor();
	check((await order(page)).join(" ") === "a.example b.example c.example "
	    + "new.example", "rows moved: " + await order(page));
	check(/Critical/.test(await page.locator("tbody tr").nth(2)
	    .innerText()), "the row was not brought up to date");
	check(/No longer in this list/.test(await page.locator("tbody tr").nth(1)
	    .innerText()), "the missing row is not marked");
	await picture(page, "state-held");
	await page.mouse.move(5, 5);
	await until("the hub's order", async () => (await order(page)).join(" ")
	    === "new.example c.example a.example");
});

state("a live update leaves the focus where it is", async (page, hub) => {
	await open(page, "/certificates");

	const link = page.locator("tbody tr th a").first();

	await link.focus();
	hub.certificates = [certificate("zero.example", 80, 90,
	    { health: "critical" }), certificate("one.example", 11, 90)];
	await hub.emit(page, "certificate", { instance: WEB });
	await page.getByText("zero.example").waitFor();
	check(await page.evaluate(() => document.activeElement.textContent)
	    === "one.example", "the focus moved");
});

state("missed events: everything is asked again", async (page, hub) => {
	await open(page, "/certificates");
	hub.certificates.push(certificate("two.example", 1, 90));
	await hub.emit(page, "resync", {});
	await page.getByText("two.example").waitFor();
});

state("a certificate that is gone says so and keeps what was known",
    async (page, hub) => {
	allow(/status of 404/);
	await open(page, "/certificates/" + hub.certificates[0].id);
	await page.getByText("SHA-256").waitFor();
	hub.certificates = [];
	await hub.emit(page, "certificate", { instance: WEB });
	await page.getByText("no longer reported").waitFor();
	check(/SHA-256/.test(await text(page)), "the facts are gone");
});

state("an ended session asks to sign in and comes back", async (page, hub) => {
	allow(/status of 401/);
	await open(page, "/instances");
	hub.signedIn = false;
	await page.click("nav >> text=Certificates");
	await until("the sign-in page", async () => (await h1(page))
	    === "Sign in");
	check(/next=%2Fcertificates/.test(page.url()), page.url());
});

state("a used link says how to make another", async (page, hub) => {
	allow(/status of 401/);
	hub.signedIn = false;
	await page.goto(ORIGIN + "/sign-in#token=cbs_used");
	await page.getByText("has been used already").waitFor();
	await page.getByText("certbus-hub sign-in-link").first().waitFor();
	await picture(page, "state-used-link");
	await accessible(page, "used link");
});

state("signing in goes to the hub's own pages only", async (page, hub) => {
	hub.signedIn = false;
	await page.goto(ORIGIN + "/sign-in?next=//evil.test/#token=cbs_good");
	await page.getByText("one.example").waitFor();
	check(page.url() === ORIGIN + "/certificates", page.url());
});

state("offline: settings will apply when it reconnects", async (page, hub) => {
	hub.instances = [instance({ state: "offline" }), instance({ id: DB,
	    name: "db-03" })];
	hub.settings.sources = [{ manager: "certbot", path: "/etc/letsencrypt",
	    role: "config", state: "unreadable", errno: "EACCES",
	    reason: "may not list it", remedy: "setfacl -R -m u:certbus:rX "
	    + "/etc/letsencrypt" }];
	await open(page, MANAGERS);
	await page.getByText("choose the target instance").waitFor();
	await page.getByLabel("Target Instance").selectOption(WEB);
	await page.getByLabel("Certbot config path").fill("not/absolute");
	await page.getByText("A path starts with /").waitFor();
	await page.getByLabel("Certbot config path").press("Enter");
	check(!hub.seen.some((s) => s.startsWith("PUT")), "it was sent");
	await page.getByLabel("Certbot config path").fill("/srv/le");
	await page.getByRole("button", { name: /^Save to/ }).click();
	await page.getByText("will apply when it reconnects").waitFor();
	await page.getByRole("button", { name: "How to fix" }).click();
	await page.getByText("setfacl -R").waitFor();
	await picture(page, "state-offline-settings");
	await accessible(page, "offline settings");
});

state("settings saved by somebody else meanwhile are not overwritten",
    async (page, hub) => {
	allow(/status of 412/);
	hub.override = (method, path, request) => method === "PUT"
	    && request.headers()["if-match"] !== `"${hub.revision}"`
	    ? { status: 412, data: { code: "precondition-failed" } } : null;
	await open(page, `${MANAGERS}?instance=${WEB}`);
	await page.getByLabel("Certbot config path").fill("/mine");
	hub.revision = 7;
	await page.getByRole("button", { name: /^Save to/ }).click();
	await page.getByText("Somebody else saved").waitFor();
	check(await page.getByLabel("Certbot config path").inputValue()
	    === "/mine", "the draft is gone");
	await picture(page, "state-conflict");
});

state("what the machine refused is quoted", async (page, hub) => {
	hub.settings.reported.refused = [{ member: "managers.certbot.configPath",
	    reason: "/srv is outside allow-root" }];
	await open(page, `${MANAGERS}?instance=${WEB}`);
	await page.getByText("outside allow-root").waitFor();
	await picture(page, "state-refused");
});

state("at 200 % zoom nothing is cut off", async (page, hub) => {
	hub.certificates = ["a", "b"].map((n) => certificate(n + ".example", 70,
	    90, { health: "warning" }));
	await page.setViewportSize({ width: 640, height: 450 });
	for (const path of ["/certificates", "/instances", MANAGERS
	    + `?instance=${WEB}`]) {
		await open(page, path);
		await fits(page, path);
	}
	await picture(page, "state-zoom");
});

state("by keyboard: skip link, filters, a row, and back", async (page) => {
	await open(page, "/certificates");
	await page.keyboard.press("Tab");
	check(await page.evaluate(() => document.activeElement.textContent)
	    === "Skip to the content", "the first stop is not the skip link");
	await page.keyboard.press("Enter");
	check(await page.evaluate(() => document.activeElement.id) === "main",
	    "the skip link does not skip");
	for (let i = 0; i < 40; i++) {
		await page.keyboard.press("Tab");
		if (await page.evaluate(() => document.activeElement.closest(
		    "tbody th") !== null))
			break;
	}
	await page.keyboard.press("Enter");
	await until("the certificate", async () => (await h1(page))
	    === "one.example");
	check(await page.evaluate(() => document.activeElement.tagName) === "H1",
	    "the heading of the new page has not the focus");
	await page.goBack();
	await until("the list", async () => (await h1(page)) === "Certificates");
});

const browser = await launch();

for (const [name, f] of cases) {
	const context = await browser.newContext({ colorScheme:
	    cases.findIndex((c) => c[0] === name) % 2 ? "dark" : "light",
	    viewport: { width: 1280, height: 900 } });
	const page = await watched(context);
	const hub = new FakeHub();

	await hub.attach(page);
	await step(page, name, async () => {
		const before = faults.length;

		await f(page, hub);
		check(faults.length === before, faults.slice(before).join("; "));
	});
	allow();
	await context.close();
}
await browser.close();
finish();
