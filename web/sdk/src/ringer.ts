// SPDX-License-Identifier: MIT
// A ringing tone for who brings none.

export class Ringer {
	private context?: AudioContext;
	private timer?: ReturnType<typeof setInterval>;

	/** 0 to 1. */
	volume = 0.15;

	/** Ring until stop().  Silent while the browser wants a gesture first. */
	start() {
		if (this.context)
			return;
		this.context = new AudioContext();
		this.burst();
		this.timer = setInterval(() => this.burst(), 4000);
	}

	stop() {
		clearInterval(this.timer);
		void this.context?.close();
		this.context = undefined;
	}

	// Two short bursts of two tones.
	private burst() {
		const ctx = this.context!;
		const gain = ctx.createGain();

		gain.gain.value = 0;
		gain.connect(ctx.destination);
		for (const at of [0, 0.6]) {
			gain.gain.setTargetAtTime(this.volume, ctx.currentTime + at,
				0.01);
			gain.gain.setTargetAtTime(0, ctx.currentTime + at + 0.4, 0.01);
		}
		for (const hz of [440, 554]) {
			const tone = ctx.createOscillator();

			tone.frequency.value = hz;
			tone.connect(gain);
			tone.start();
			tone.stop(ctx.currentTime + 1.2);
		}
	}
}
