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
//   CERTBUS_CHANGE_PATH   optional: config path that the settings step sets
//   CHROMIUM              optional: another browser than /usr/bin/chromium
//
// Prints one line per step and "N passed, N failed"; exits with 1 when any
// failed.  Screenshots: output/.
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

const env = process.env;
const HUB = (env.CERTBUS_HUB_URL || "").replace(/\/$/, "");
const NAME = env.CERTBUS_EXPECT_NAME;
const INSTANCE = env.CERTBUS_INSTANCE;
const PASSWORD = "a horse, a battery and a staple";
const OUT = join(dirname(fileURLToPath(import.meta.url)), "output");
const AXE = readFileSync(createRequire(import.meta.url)
    .resolve("axe-core/axe.min.js"), "utf8");
const PATIENCE = 15000;

let passed = 0, failed = 0;
const faults = [];	// CSP violations and console errors
let allowed = [];	// console errors that the running step provokes

function check(ok, what) {
	if (!ok)
		throw new Error(what);
}

async function until(what, f, patience = PATIENCE) {
	const end = Date.now() + patience;

	for (;;) {
		const got = await f().catch(() => null);

		if (got)
			return got;
		if (Date.now() > end)
			throw new Error(`waited ${patience} ms for: ${what}`);
		await new Promise((r) => setTimeout(r, 50));
	}
}

async function step(page, name, f) {
	try {
		await f();
		passed++;
		console.log(`ok    ${name}`);
	} catch (e) {
		failed++;
		console.log(`FAIL  ${name}\n      ${e.message}`);
		await page.screenshot({ path: join(OUT,
		    `failed-${failed}.png`) }).catch(() => {});
	}
}

// A page that remembers every CSP violation and every console error.
async function watched(context) {
	const page = await context.newPage();

	page.setDefaultTimeout(PATIENCE);
	await page.exposeFunction("cspFault", (text) => faults.push(text));
	await page.addInitScript(() => {
		addEventListener("securitypolicyviolation", (ev) =>
		    window.cspFault(`CSP: ${ev.violatedDirective} `
		    + `${ev.blockedURI} ${ev.sourceFile}:${ev.lineNumber}`));
	});
	page.on("console", (m) => {
		if (m.type() === "error" && !allowed.some((re) =>
		    re.test(m.text())))
			faults.push(`console: ${m.text()} ${m.location().url}`);
	});
	page.on("pageerror", (e) => faults.push(`error: ${e.stack || e}`));
	return page;
}

const h1 = (page) => page.locator("h1").first().textContent();
const row = (page, name) => page.locator("tbody tr", { has: page.locator(
    "th a", { hasText: name }) }).first();

async function accessible(page, where) {
	const script = AXE + ";axe.run(document, {runOnly: ['wcag2a', 'wcag2aa',"
	    + "'wcag21a', 'wcag21aa', 'wcag22aa']})";
	const { violations } = await page.evaluate(script);

	check(violations.length === 0, `${where}: ${violations.map((v) =>
	    `${v.id}: ${v.nodes.map((n) => n.html + " "
	    + n.failureSummary).join(" | ")}`).join("; ")}`);
}

async function fits(page, where) {
	const over = await page.evaluate(() =>
	    document.documentElement.scrollWidth - innerWidth);

	check(over <= 0, `${where} is ${over} px wider than the window`);
}

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
    .then((t) => t.replace(/\d+ (s|min|h|d) (ago|left)/g, ""));

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
	const done = spawnSync("/bin/sh", ["-c", env.CERTBUS_CHANGE_CMD],
	    { encoding: "utf8" });

	check(done.status === 0, `the change failed: ${done.stderr}`);

	const start = Date.now();

	await until("the change on the page", async () =>
	    (await tableText(page)) !== before, 10000);
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

async function changesAPath(page) {
	await page.goto(`${HUB}/settings/general/external-certificate-managers`);

	const select = page.getByLabel("Target instance");

	await select.waitFor();

	const value = await select.locator("option").evaluateAll((all, want) =>
	    (all.find((o) => o.value === want || o.textContent.trim() === want)
	    || {}).value, INSTANCE);

	check(value, `no instance ${INSTANCE} to choose`);
	await select.selectOption(value);

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
	allowed = [/status of 401/];
	await page.keyboard.type("wrong wrong wrong");
	await page.keyboard.press("Enter");
	await page.getByText("Wrong password").waitFor();
	allowed = [];
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

const PLACES = [
	["certificates", "/certificates"],
	["nothing-matches", "/certificates?q=no-such-name.invalid"],
	["instances", "/instances"],
	["managers", "/settings/general/external-certificate-managers"],
	["api-access", "/settings/security/api-access"],
	["password", "/settings/security/password"],
];

async function pictures(browser, state, theme, width) {
	const context = await browser.newContext({ storageState: state,
		ignoreHTTPSErrors: true, colorScheme: theme,
		viewport: { width, height: 900 } });
	const page = await watched(context);

	for (const [name, path] of PLACES) {
		await step(page, `${name}, ${theme}, ${width} px`, async () => {
			await page.goto(HUB + path);
			await page.locator("h1").waitFor();
			await page.locator(".skeleton, .skeleton-wait")
			    .waitFor({ state: "detached" });
			check(await h1(page) !== "Sign in", "not signed in");
			await page.screenshot({ path: join(OUT,
			    `${name}-${theme}-${width}.png`), fullPage: true });
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
	mkdirSync(OUT, { recursive: true });

	const browser = await chromium.launch({
		executablePath: env.CHROMIUM || "/usr/bin/chromium",
		args: ["--no-sandbox", "--disable-gpu", "--disable-quic",
		    "--no-first-run", "--disable-background-networking",
		    "--disable-component-update", "--disable-sync"],
	});
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

	for (const [theme, width] of [["light", 1280], ["dark", 1280],
	    ["light", 320], ["dark", 320]])
		await pictures(browser, state, theme, width);
	await run("changes a path and sees it reported", changesAPath);
	await run("scans now and sees the job end", scansNow);
	await run("no CSP violation, no console error", async () =>
	    check(faults.length === 0, faults.join("\n      ")));
	await browser.close();
	console.log(`${passed} passed, ${failed} failed`);
	process.exit(failed === 0 ? 0 : 1);
}

await main();
