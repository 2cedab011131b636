// page-password -- choose or change the password of this user.
import { html, useState } from "/vendor.js";
import { PageHead } from "./ui.js";
import { Icon } from "./health.js";
import { session } from "./session.js";
import { ChoosePassword } from "./page-sign-in.js";

export function Password() {
	const [done, setDone] = useState(false);

	return html`<${PageHead} title="Password" />
	${done ? html`<div class="box box-good"><p><${Icon} name="check" /> The
	    password is saved. Use it the next time you sign in.</p></div>`
	    : html`<div class="narrow"><${ChoosePassword}
	    again=${session.value.passwordSet}
	    onDone=${() => setDone(true)} /></div>`}`;
}
