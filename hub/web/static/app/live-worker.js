// live-worker -- one event stream for all tabs; see live.js.
//
// From a tab: {say: "hello"} and {say: "bye"}.
// To a tab: {say: "state", state, closed} and {say: "event", name, text}.
const NAMES = ["certificate", "instance", "job", "settings", "resync"];
const ports = new Set();
let source = null, state = "connecting", retry = 0, timer = 0;

function tell(message) {
	for (const port of ports)
		port.postMessage(message);
}

function setState(next, closed) {
	state = next;
	tell({ say: "state", state, closed });
}

function open() {
	clearTimeout(timer);
	if (source || ports.size === 0)
		return;
	source = new EventSource("/api/v1/events");
	source.onopen = () => {
		retry = 0;
		setState("live", false);
	};
	source.onerror = () => {
		const closed = source.readyState === EventSource.CLOSED;

		setState("lost", closed);
		if (!closed)
			return;
		close();
		retry = Math.min(retry + 1, 5);
		timer = setTimeout(open,
		    1000 * 2 ** retry * (0.5 + Math.random() / 2));
	};
	for (const name of NAMES)
		source.addEventListener(name, (ev) =>
		    tell({ say: "event", name, text: ev.data }));
}

function close() {
	clearTimeout(timer);
	if (source)
		source.close();
	source = null;
}

self.onconnect = (ev) => {
	const port = ev.ports[0];

	port.onmessage = ({ data }) => {
		if (data.say === "hello") {
			ports.add(port);
			if (source === null)
				state = "connecting";
			port.postMessage({ say: "state", state, closed: false });
			retry = 0;
			open();
		} else if (data.say === "bye") {
			ports.delete(port);
			if (ports.size === 0)
				close();
		}
	};
};
