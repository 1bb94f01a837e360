// SPDX-License-Identifier: MIT
// What a page hears: the strongest frequency of what the peer sends.

export const microphone = { audio: { echoCancellation: false,
	noiseSuppression: false, autoGainControl: false } };

let analyser = null;
let context = null;

// A microphone with another tone than the file's.
export function oscillator(hz) {
	const ctx = new AudioContext();
	const tone = ctx.createOscillator();
	const gain = ctx.createGain();
	const out = ctx.createMediaStreamDestination();

	tone.frequency.value = hz;
	gain.gain.value = 0.25;
	tone.connect(gain).connect(out);
	tone.start();
	return out.stream;
}

// ... with a recording of a voice, again and again. @param wav  In base64.
export async function voice(wav) {
	const ctx = new AudioContext();
	const source = ctx.createBufferSource();
	const out = ctx.createMediaStreamDestination();

	source.buffer = await ctx.decodeAudioData(
		Uint8Array.from(atob(wav), (c) => c.charCodeAt(0)).buffer);
	source.loop = true;
	source.connect(out);
	source.start();
	return out.stream;
}

// Chromium gives WebAudio nothing of a remote stream that nobody plays.
export function listen(pc) {
	const track = pc.getReceivers().map((r) => r.track)
		.find((t) => t.kind === "audio");
	const stream = new MediaStream([track]);
	const audio = new Audio();
	audio.muted = true;
	audio.srcObject = stream;
	audio.play().catch(() => {});
	listenTo(stream);
}

let sources = [];
let gaps = null;

// The same of a stream that is played already.
export function listenTo(stream) {
	sources.splice(0).forEach((source) => source.disconnect());
	listenAlso(stream);
}

// ... beside those that are listened to.
export function listenAlso(stream) {
	if (!stream.getAudioTracks().length)
		return;
	context ??= new AudioContext();
	if (!analyser) {
		analyser = context.createAnalyser();
		analyser.fftSize = 8192;
		analyser.smoothingTimeConstant = 0;
	}
	const source = context.createMediaStreamSource(
		new MediaStream(stream.getAudioTracks()));
	sources.push(source);
	source.connect(analyser);
	if (gaps)
		source.connect(gaps);
}

// Of each frequency, its level [dB of a full sine].
export function levels(hzv) {
	const bins = new Float32Array(analyser?.frequencyBinCount ?? 0);

	analyser?.getFloatFrequencyData(bins);
	return hzv.map((hz) => {
		const at = Math.round(hz * analyser.fftSize / context.sampleRate);

		return Math.max(-200, ...bins.slice(at - 2, at + 3));
	});
}

// For so long, the loudest of what is not near one of these: { hz, db }, and
// which of them were heard.
export async function others(hzv, ms) {
	const bins = new Float32Array(analyser.frequencyBinCount);
	const step = context.sampleRate / analyser.fftSize;
	const until = performance.now() + ms;
	const out = { hz: 0, db: -200, heard: hzv.map(() => -200) };

	while (performance.now() < until) {
		await new Promise((ok) => setTimeout(ok, 20));
		analyser.getFloatFrequencyData(bins);
		bins.forEach((db, i) => {
			const near = hzv.findIndex((hz) => Math.abs(i * step - hz) < 100);

			if (near >= 0)
				out.heard[near] = Math.max(out.heard[near], db);
			else if (db > out.db)
				Object.assign(out, { hz: i * step, db });
		});
	}
	return out;
}

// Looks for a tone each 10 ms, on the thread that hears it.
const WATCHER = `registerProcessor("watcher", class extends AudioWorkletProcessor {
	constructor({ processorOptions: { hz } }) {
		super();
		this.hz = hz;
		this.re = this.im = this.n = this.at = 0;
		this.last = -1;
		this.longest = 0;
		this.port.onmessage = () => this.port.postMessage(this.told());
	}
	told() {
		return { heard: this.last >= 0, longest_ms: Math.max(this.longest,
			this.last < 0 ? 0 : this.at - this.last) * 1000 / sampleRate };
	}
	process([input]) {
		const x = input[0] ?? new Float32Array(128);
		for (let i = 0; i < x.length; i++) {
			const w = 2 * Math.PI * this.hz * this.at++ / sampleRate;
			this.re += x[i] * Math.cos(w);
			this.im += x[i] * Math.sin(w);
			if (++this.n < sampleRate / 100)
				continue;
			if (Math.hypot(this.re, this.im) * 2 / this.n > 0.004) {
				if (this.last >= 0)
					this.longest = Math.max(this.longest,
						this.at - this.n - this.last);
				this.last = this.at;
			}
			this.re = this.im = this.n = 0;
		}
		return true;
	}
});`;

// From now on, how long is this tone not heard?
export async function watch(hz) {
	const url = URL.createObjectURL(new Blob([WATCHER],
		{ type: "text/javascript" }));

	await context.audioWorklet.addModule(url).catch(() => {});
	gaps?.disconnect();
	gaps = new AudioWorkletNode(context, "watcher",
		{ processorOptions: { hz } });
	gaps.connect(context.destination);
	sources.forEach((source) => source.connect(gaps));
}

// { heard, longest_ms } since watch().
export function gap() {
	return new Promise((ok) => {
		gaps.port.onmessage = (e) => ok(e.data);
		gaps.port.postMessage(0);
	});
}

// { hz, db } of the strongest bin; db of a full sine.
export function hear() {
	if (!analyser)
		return { hz: 0, db: -200 };
	const bins = new Float32Array(analyser.frequencyBinCount);
	analyser.getFloatFrequencyData(bins);
	let best = 0;
	for (let i = 1; i < bins.length; i++)
		if (bins[i] > bins[best])
			best = i;
	return { hz: best * context.sampleRate / analyser.fftSize,
		db: bins[best] === -Infinity ? -200 : bins[best] };
}

// What it counts of its streams.
export async function counters(pc) {
	const out = {};

	for (const s of (await pc.getStats()).values())
		if (s.type === "inbound-rtp")
			Object.assign(out, { at: s.timestamp,
				received: s.packetsReceived,
				lost: s.packetsLost, fec: s.fecPacketsReceived,
				fecUnused: s.fecPacketsDiscarded,
				samples: s.totalSamplesReceived,
				concealed: s.concealedSamples,
				silent: s.silentConcealedSamples });
		else if (s.type === "outbound-rtp")
			out.sent = s.packetsSent;
	return out;
}

// What the connection is made of, from its statistics.
export async function facts(pc) {
	const out = {};
	for (const s of (await pc.getStats()).values()) {
		if (s.type === "transport") {
			out.dtls = s.dtlsState;
			out.srtp = s.srtpCipher;
			out.role = s.dtlsRole;
		} else if (s.type === "inbound-rtp") {
			out.received = s.packetsReceived;
			out.lost = s.packetsLost;
		} else if (s.type === "remote-inbound-rtp") {
			out.rtt = s.roundTripTime;
			out.told_lost = s.packetsLost;
		} else if (s.type === "codec") {
			out.codec = s.mimeType;
		}
	}
	return out;
}
