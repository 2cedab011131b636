// format -- times and counts in words.  Pure; "now" is passed in.
const MINUTE = 60, HOUR = 3600, DAY = 86400;

export function parseTime(text) {
	const t = text ? Date.parse(text) : NaN;

	return Number.isNaN(t) ? null : t;
}

// Seconds as the one or two words a person would say.
export function span(seconds) {
	const s = Math.abs(seconds);

	if (s < 90)
		return `${Math.round(s)} s`;
	if (s < 90 * MINUTE)
		return `${Math.round(s / MINUTE)} min`;
	if (s < 48 * HOUR)
		return `${Math.round(s / HOUR)} h`;
	return `${Math.floor(s / DAY)} d`;
}

export function ago(ms, now) {
	const s = (now - ms) / 1000;

	if (s < -60)
		return `in ${span(s)}`;
	if (s < 10)
		return "now";
	return `${span(s)} ago`;
}

export function expiryWords(ms, now) {
	const s = (ms - now) / 1000;

	return s <= 0 ? `expired ${span(s)} ago` : `${span(s)} left`;
}

export function renewWords(ms, now) {
	const s = (ms - now) / 1000;

	return s <= 0 ? `renewal due ${span(s)} ago` : `renews itself in ${span(s)}`;
}

export const isoDate = (ms) => new Date(ms).toISOString().slice(0, 10);

export const isoMinute = (ms) =>
	new Date(ms).toISOString().slice(0, 16).replace("T", " ") + " UTC";

export const isoSecond = (ms) =>
	new Date(ms).toISOString().slice(0, 19).replace("T", " ") + " UTC";

export const localTime = (ms) => new Date(ms).toLocaleString(undefined, {
	dateStyle: "full", timeStyle: "long",
});

export const plural = (n, one, many) =>
	`${Number(n).toLocaleString("en")} ${n === 1 ? one : many || one + "s"}`;

// The short name of an issuer: its CN, else its O, else the whole.
export function issuerShort(dn) {
	const m = /(?:^|[,+])\s*CN=((?:\\.|[^,+\\])+)/i.exec(dn || "")
	    || /(?:^|[,+])\s*O=((?:\\.|[^,+\\])+)/i.exec(dn || "");

	return m ? m[1].replace(/\\(.)/g, "$1") : dn || "";
}

// "rsa2048" -> "RSA 2048"
export function keyWords(type) {
	const m = /^rsa-?(\d+)$/i.exec(type || "");

	if (m)
		return `RSA ${m[1]}`;
	if (/^ecdsa-p/i.test(type || ""))
		return `EC P-${type.slice(7)}`;
	return type || "";
}
