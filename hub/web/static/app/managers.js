// managers -- the external certificate managers by name, and where they keep
// their things by default on the systems agents run on (null: nowhere).
export const MANAGERS = [
	{ id: "certbot", name: "Certbot", config: "/etc/letsencrypt",
	    log: "/var/log/letsencrypt" },
	{ id: "acme.sh", name: "acme.sh", config: "~/.acme.sh", log: null },
	{ id: "posh-acme", name: "Posh-ACME", config: "~/.config/Posh-ACME",
	    log: null },
	{ id: "win-acme", name: "win-acme", config: null, log: null },
	{ id: "simple-acme", name: "simple-acme", config: null, log: null },
];

export const managerName = (id) =>
	(MANAGERS.find((m) => m.id === id) || { name: id }).name;
