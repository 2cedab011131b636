// The hub's story in a real browser, from the one-time link to a setting
// that the agent reports back.  Run by the suite "browser"; by hand:
//
//   CERTBUS_SIGN_IN_URL   the one-time link, unused
//   CERTBUS_HUB_URL       https://host:port
//   CERTBUS_CA            the hub's CA file (named in messages only: the
//                         browser is told to accept the certificate)
//   CERTBUS_EXPECT_NAME   name of a certificate that the hub shows
//   CERTBUS_INSTANCE      id or host name of the instance that has it
//   CERTBUS_CHANGE_CMD    shell command that changes something about that
//                         certificate (renews it, breaks it, removes it) or
//                         adds another; what appears is compared with before
//   CERTBUS_CHANGE_EXPECT optional: text that is on the page only after it
//   CERTBUS_CHANGE_PATH   optional: config path that the settings step sets
//   CHROMIUM              optional: another browser than /usr/bin/chromium
//
// Prints one line per step and "N passed, N failed"; exits with 1 when any
// failed.  Screenshots: output/.
import { spawnSync } from "node:child_process";
import { accessible, allow, check, faults, finish, fits, h1, launch, picture,
    settled, step, until, watched } from "./pages.mjs";

const env = process.env;
const HUB = (env.CERTBUS_HUB_URL || "").replace(/\/$/, "");
const NAME = env.CERTBUS_EXPECT_NAME;
const INSTANCE = env.CERTBUS_INSTANCE;
const MANAGERS = "/settings/general/external-certificate-managers";
const PASSWORD = "a horse, a battery and a staple";

const row = (page, name) => page.locator("tbody tr", { has: page.locator(
    "th a", { hasText: name }) }).first();

async function signInByLink(page) {
	await page.goto(env.CERTBUS_SIGN_IN_URL);
	await until("the choice of a password", async () =>
	    (await h1(page)) === "Choose a password");
	check(!page.url().includes("token"), "the token is still in the address");
	// by keyboard only: the field has the focus
	await page.keyboard.type(PASSWORD);
	await page.keyboard.press("Enter");
	await until("the certificates", async () =>
	    (await h1(page)) === "Certificates");
}

async function seesBoth(page) {
	await row(page, NAME).waitFor();

	const text = await row(page, NAME).innerText();

	check(/Healthy|Renewal due|Warning|Critical|Expired|Unknown/.test(text),
	    `no word for its health in: ${text}`);
	await page.click("nav >> text=Instances");
	await until("the instance", async () => (await page.locator(
	    "tbody tr").allInnerTexts()).some((t) => t.includes("Online")));
	await page.click("nav >> text=Certificates");
	await row(page, NAME).waitFor();
}

async function filtersByAddress(page) {
	await page.goto(`${HUB}/certificates?q=${encodeURIComponent(NAME)}`);
	await row(page, NAME).waitFor();
	await page.goto(`${HUB}/certificates?q=no-such-name.invalid`);
	await page.getByText("Nothing matches").waitFor();
	await page.getByText("Clear filters").first().click();
	await row(page, NAME).waitFor();
	check(!page.url().includes("q="), "the filter is still in the address");
	await page.fill("input[type=search]", NAME);
	await until("the filter in the address", async () =>
	    page.url().includes("q="));
	await page.reload();
	await row(page, NAME).waitFor();
	check(await page.inputValue("input[type=search]") === NAME,
	    "the search field lost the filter over a reload");
}

async function isLive(page) {
	await until("a live stream", async () => (await page.getAttribute(
	    "[data-live]", "data-live")) === "live");
}

const tableText = (page) => page.locator("main").innerText()
    .then((t) => t.replace(/now|\d+ (s|min|h|d) (ago|left)/g, ""));

async function changed(page, before) {
	const text = await tableText(page);

	return env.CERTBUS_CHANGE_EXPECT
	    ? text.includes(env.CERTBUS_CHANGE_EXPECT) : text !== before;
}

async function changeArrives(page) {
	await page.goto(`${HUB}/certificates`);
	await row(page, NAME).waitFor();
	await isLive(page);
	await page.evaluate(() => {
		window.notReloaded = true;
	});

	const search = page.locator("input[type=search]");

	await search.focus();

	const before = await tableText(page);

	check(!env.CERTBUS_CHANGE_EXPECT || !await changed(page, before),
	    "it is there already");

	const done = spawnSync("/bin/sh", ["-c", env.CERTBUS_CHANGE_CMD],
	    { encoding: "utf8" });

	check(done.status === 0, `the change failed: ${done.stderr}`);

	const start = Date.now();

	await until("the change on the page", () => changed(page, before),
	    10000);
	console.log(`      on the page after ${Date.now() - start} ms`);
	check(await page.evaluate(() => window.notReloaded === true),
	    "the page was loaded again");
	check(await search.evaluate((el) => el === document.activeElement),
	    "the focus moved");
}

async function showsDetail(page) {
	await page.goto(`${HUB}/certificates`);
	await row(page, NAME).locator("th a").click();
	await until("the certificate's page", async () =>
	    (await h1(page)) === NAME);
	await page.getByText("SHA-256").waitFor();

	const url = page.url();

	await page.goto(url);
	await until("the same page by its address", async () =>
	    (await h1(page)) === NAME);
}

// The instance's id, as the list of target instances has it.
async function target(page) {
	await page.goto(HUB + MANAGERS);

	const select = page.getByLabel("Target Instance");

	await select.waitFor();

	const id = await select.locator("option").evaluateAll((all, want) =>
	    (all.find((o) => o.value === want || o.textContent.trim() === want)
	    || {}).value, INSTANCE);

	check(id, `no instance ${INSTANCE} to choose`);
	return id;
}

async function changesAPath(page) {
	const id = await target(page);

	await page.goto(`${HUB}/certificates`);
	await page.click("nav >> text=External Certificate Managers");
	await page.getByLabel("Target Instance").selectOption(id);

	const field = page.getByLabel("Certbot config path");

	await field.waitFor();

	const rev = Number(await page.textContent("#desired-rev"));
	const wanted = env.CERTBUS_CHANGE_PATH
	    || "/etc/letsencrypt-somewhere-else";

	await field.fill(wanted);
	await page.getByRole("button", { name: /^Save to/ }).click();
	await until("a higher desired revision that is reported", async () =>
	    Number(await page.textContent("#desired-rev")) > rev
	    && await page.textContent("#desired-rev")
	    === await page.textContent("#reported-rev"));
	await page.getByText("Applied", { exact: true }).waitFor();
	check(await field.inputValue() === wanted, "the path is not shown");
}

async function scansNow(page) {
	await page.getByRole("button", { name: "Scan now" }).click();
	await until("the job's end", async () => /Done/.test(
	    await page.locator(".scan").innerText()));
}

async function makesAKey(page) {
	await page.goto(`${HUB}/settings/security/api-access`);
	await page.getByRole("button", { name: "New join key" }).click();
	await page.getByRole("button", { name: "Make key" }).click();
	await page.getByText("curl -X POST").first().waitFor();

	const line = await page.locator("dialog pre").first().innerText();

	check(/cbj_[\w-]{43}/.test(line), `no secret in: ${line}`);
	await page.keyboard.press("Escape");
	await page.locator("dialog").waitFor({ state: "detached" });
	check(!/cbj_/.test(await page.content()), "the secret is still there");
}

// Sign out, then in again with nothing but the keyboard.
async function signsInByKeyboard(page) {
	await page.getByRole("button", { name: "Sign out" }).first().click();
	await until("the sign-in page", async () => (await h1(page))
	    === "Sign in");
	await page.locator("#password:focus").waitFor();
	allow(/status of 401/);
	await page.keyboard.type("wrong wrong wrong");
	await page.keyboard.press("Enter");
	await page.getByText("Wrong password").waitFor();
	allow();
	await page.keyboard.press("Control+A");
	await page.keyboard.type(PASSWORD);
	await page.keyboard.press("Tab");
	await page.keyboard.press("Tab");
	check(await page.evaluate(() => document.activeElement.textContent)
	    === "Sign in", "two tabs from the field is not the button");
	await page.keyboard.press("Enter");
	await until("the certificates", async () =>
	    (await h1(page)) === "Certificates");
	await page.keyboard.press("Tab");
	await page.evaluate(() => document.body.focus());
}

const places = (id, cert) => [
	["certificates", "/certificates"],
	["certificate", cert],
	["nothing-matches", "/certificates?q=no-such-name.invalid"],
	["instances", "/instances"],
	["instance", "/instances/" + id],
	["managers", `${MANAGERS}?instance=${id}`],
	["api-access", "/settings/security/api-access"],
	["password", "/settings/security/password"],
];

async function pictures(browser, state, where, theme, width) {
	const context = await browser.newContext({ storageState: state,
		ignoreHTTPSErrors: true, colorScheme: theme,
		viewport: { width, height: 900 } });
	const page = await watched(context);

	for (const [name, path] of where) {
		await step(page, `${name}, ${theme}, ${width} px`, async () => {
			await page.goto(HUB + path);
			await settled(page);
			check(await h1(page) !== "Sign in", "not signed in");
			await picture(page, `${name}-${theme}-${width}`);
			await fits(page, name);
			await accessible(page, name);
		});
	}
	await context.close();
}

async function main() {
	for (const k of ["SIGN_IN_URL", "HUB_URL", "EXPECT_NAME", "INSTANCE",
	    "CHANGE_CMD"]) {
		if (!env["CERTBUS_" + k]) {
			console.error(`CERTBUS_${k} is not set`);
			process.exit(2);
		}
	}
	const browser = await launch();
	const context = await browser.newContext({ ignoreHTTPSErrors: true });
	const page = await watched(context);
	const run = (name, f) => step(page, name, () => f(page));

	await run("signs in by the link and chooses a password", signInByLink);
	await run("sees the certificate and the instance", seesBoth);
	await run("filters through the address", filtersByAddress);
	await run("watches a change arrive", changeArrives);
	await run("shows one certificate", showsDetail);
	await run("signs in by keyboard and password", signsInByKeyboard);
	await run("makes a join key, its secret shown once", makesAKey);

	const state = await context.storageState();
	const id = await target(page).catch(() => "unknown");

	await page.goto(`${HUB}/certificates`);

	const cert = await row(page, NAME).locator("th a")
	    .getAttribute("href").catch(() => "/certificates/unknown");
	const where = places(id, cert);

	for (const [theme, width] of [["light", 1280], ["dark", 1280],
	    ["light", 320], ["dark", 320]])
		await pictures(browser, state, where, theme, width);
	await run("changes a path and sees it reported", changesAPath);
	await run("scans now and sees the job end", scansNow);
	await run("no CSP violation, no console error", async () =>
	    check(faults.length === 0, faults.join("\n      ")));
	await browser.close();
	finish();
}

await main();
