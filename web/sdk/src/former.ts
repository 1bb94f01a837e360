// SPDX-License-Identifier: MIT
//
// The connection with the node that had a call.  A node's keys are its own, so
// the next one is another connection; within one the browser would be deaf from
// its answer until the new keys are there.  So there are two, until the new one
// is heard:
//
//   next is connected    what is said goes there only
//   next is heard        this one is closed
//   neither in a while   closed all the same

const LOOK_MS = 10;
const PATIENCE_MS = 5000;

const isHeard = (pc: RTCPeerConnection) => pc.getReceivers().some(
	(r) => r.getSynchronizationSources().length > 0);

export class Former {
	private timer: ReturnType<typeof setInterval>;
	private until = Date.now() + PATIENCE_MS;
	private quiet = false;

	/** @param pc    Owned. @param gone  Told once, also of close(). */
	constructor(private pc: RTCPeerConnection, private next: RTCPeerConnection,
		private gone: () => void) {
		pc.onicecandidate = pc.ontrack = pc.onconnectionstatechange = null;
		this.timer = setInterval(() => this.look(), LOOK_MS);
	}

	close() {
		clearInterval(this.timer);
		this.pc.close();
		this.gone();
	}

	private look() {
		if (this.next.connectionState === "connected")
			this.hush();
		if (isHeard(this.next) || Date.now() > this.until)
			this.close();
	}

	private hush() {
		if (this.quiet)
			return;
		this.quiet = true;
		for (const sender of this.pc.getSenders())
			void sender.replaceTrack(null).catch(() => {});
	}
}
