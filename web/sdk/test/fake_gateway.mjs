// SPDX-License-Identifier: MIT
// A gateway in the same process: what a socket is to the SDK, from the other
// side.  Answers by `answer(message, socket)`.

export class FakeGateway {
	sockets = [];
	got = [];
	welcome = { gateway: "gateway-1", version: "0", scopes: ["*"], user: "",
		device: "1001", idleS: 60 };
	refuse = false;
	answer = (m) => m.id ? { id: m.id, done: {} } : undefined;

	constructor() {
		const gateway = this;

		this.WebSocket = class {
			readyState = 0;

			constructor(url) {
				this.url = url;
				gateway.sockets.push(this);
				setTimeout(() => gateway.opened(this), 0);
			}

			send(text) {
				const m = JSON.parse(text);

				gateway.got.push(m);
				queueMicrotask(() => {
					const reply = gateway.answer(m, this);

					if (reply)
						this.say(reply);
				});
			}

			say(m) {
				if (this.readyState === 1)
					this.onmessage({ data: JSON.stringify(m) });
			}

			close() {
				this.readyState = 3;
			}

			/** The other side ends it. */
			end(code, reason = "") {
				this.readyState = 3;
				this.onclose({ code, reason });
			}
		};
	}

	get socket() {
		return this.sockets.at(-1);
	}

	opened(socket) {
		if (socket.readyState)
			return;
		if (this.refuse) {
			socket.end(1006);
			return;
		}
		socket.readyState = 1;
		socket.onopen();
		socket.say({ welcome: this.welcome });
	}
}

/** Turn the loop until that is so. */
export async function until(test, what) {
	for (let i = 0; i < 2000; i++) {
		if (test())
			return;
		await new Promise((ok) => setTimeout(ok, 2));
	}
	throw new Error(`not: ${what ?? test}`);
}
