// What all browser tests share: the browser, a page that remembers each CSP
// violation and console error, accessibility, and the closing line.
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

const HERE = dirname(fileURLToPath(import.meta.url));
const AXE = readFileSync(createRequire(import.meta.url)
    .resolve("axe-core/axe.min.js"), "utf8");

export const OUT = join(HERE, "output");
export const STATIC = join(HERE, "../../hub/web/static");
export const PATIENCE = 15000;

export const faults = [];	// CSP violations and console errors
let allowed = [];		// console errors that a step provokes
let passed = 0, failed = 0;

// allow: console errors that are part of the running step
export function allow(...patterns) {
	allowed = patterns;
}

export function check(ok, what) {
	if (!ok)
		throw new Error(what);
}

export async function until(what, f, patience = PATIENCE) {
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

export async function step(page, name, f) {
	try {
		await f(page);
		passed++;
		console.log(`ok    ${name}`);
	} catch (e) {
		failed++;
		console.log(`FAIL  ${name}\n      ${e.message}`);
		await page.screenshot({ path: join(OUT,
		    `failed-${failed}.png`) }).catch(() => {});
	}
}

export async function launch() {
	mkdirSync(OUT, { recursive: true });
	return chromium.launch({
		executablePath: process.env.CHROMIUM || "/usr/bin/chromium",
		args: ["--no-sandbox", "--disable-gpu", "--disable-quic",
		    "--no-first-run", "--disable-background-networking",
		    "--disable-component-update", "--disable-sync"],
	});
}

export async function watched(context) {
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

export const h1 = (page) => page.locator("h1").first().textContent();

// axe-core, levels A and AA: nothing may be found.
export async function accessible(page, where) {
	const script = AXE + ";axe.run(document, {runOnly: ['wcag2a', 'wcag2aa',"
	    + "'wcag21a', 'wcag21aa', 'wcag22aa']})";
	const { violations } = await page.evaluate(script);

	check(violations.length === 0, `${where}: ${violations.map((v) =>
	    `${v.id}: ${v.nodes.map((n) => n.html + " "
	    + n.failureSummary).join(" | ")}`).join("; ")}`);
}

export async function fits(page, where) {
	const over = await page.evaluate(() =>
	    document.documentElement.scrollWidth - innerWidth);

	check(over <= 0, `${where} is ${over} px wider than the window`);
}

export async function settled(page) {
	await page.locator("h1").waitFor();
	await page.locator(".skeleton, .skeleton-wait").first()
	    .waitFor({ state: "detached" });
}

export const picture = (page, name) => page.screenshot({ fullPage: true,
	path: join(OUT, name + ".png") });

export function finish() {
	console.log(`${passed} passed, ${failed} failed`);
	process.exit(failed === 0 ? 0 : 1);
}
